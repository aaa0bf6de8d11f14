"""Pyramids of Burt and Adelson: levels, and how one is reduced; any window of any level, in step with the whole frame.

P. J. Burt and E. H. Adelson, "A multiresolution spline with application to image mosaics", ACM Transactions on
Graphics 2 (1983). A level halves the one before: pixel k of the coarse level is the mean of the fine pixels
2k-2 .. 2k+2 with weights 1, 4, 6, 4, 1 along both axes; expanding gives fine pixel 2k the mean of the coarse ones
k-1, k, k+1 with weights 1, 6, 1, and 2k+1 that of k, k+1. Beyond the frame there is nothing: weights that fall
there are left out and the others divided by their own sum, so that a constant stays constant.

A window is an array and its origin (y0, x0) in its level; a level is known by its size (h, w). The way back is in
``pyramid_expand``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]
Size = tuple[int, int]
Region = tuple[int, int, int, int]


def levels_for(height: int, width: int) -> int:
    """Number of levels of a frame's pyramid: as many as leave 5 pixels to the shorter side of the smallest."""
    count, side = 1, min(height, width)
    while side > 8:
        side = (side + 1) // 2
        count += 1
    return count


def size_at(frame: Size, level: int) -> Size:
    """Height and width of a level: every halving rounds up."""
    return -(-frame[0] >> level), -(-frame[1] >> level)


def finer(region: Region, size: Size) -> Region:
    """The pixels of a level of ``size`` that a region of the next coarser level is reduced from."""
    (y0, y1, x0, x1), (height, width) = region, size
    return max(0, 2 * y0 - 2), min(height, 2 * y1 + 1), max(0, 2 * x0 - 2), min(width, 2 * x1 + 1)


def coarser(region: Region, size: Size) -> Region:
    """The pixels of a level of ``size`` that a region of the next finer level is expanded from."""
    (y0, y1, x0, x1), (height, width) = region, size
    return max(0, (y0 - 1) // 2), min(height, (y1 + 3) // 2), max(0, (x0 - 1) // 2), min(width, (x1 + 3) // 2)


def reduce(fine: NDArray[np.generic], origin: Size, frame: Size, region: Region) -> Plane:
    """A region y0, y1, x0, x1 of the next coarser level: float32 (..., y1 - y0, x1 - x0).

    ``fine`` (..., y, x), uint8, uint16 or float32, begins at ``origin`` of a level of size ``frame`` and covers
    ``finer(region, frame)``.
    """
    planes = np.ascontiguousarray(fine).reshape(-1, *fine.shape[-2:])
    out = np.empty((len(planes), region[1] - region[0], region[3] - region[2]), np.float32)
    columns = out.shape[-1]
    rows = (
        np.zeros(planes.shape[-1], planes.dtype),
        np.zeros(2 * columns + 3, np.float32),
        np.empty(columns, np.float32),
    )
    for plane, made in zip(planes, out, strict=True):
        reduce_plane(plane, *origin, *frame, region[0], region[2], *rows, made)
    return out.reshape(*fine.shape[:-2], *out.shape[-2:])


@njit(cache=True, nogil=True, counted=False)
def reduce_plane(fine, y0, x0, height, width, row, column, nothing, line, scale, out):  # type: ignore[no-untyped-def]
    """``nothing``: a row of zeros, ``line``: one more from fine column 2 * column - 2 on, ``scale``: room for a row."""
    rows, columns = out.shape
    begin, end = max(0, 2 * column - 2), min(width, 2 * (column + columns) + 1)
    inside = line[begin - (2 * column - 2) :]
    count = end - begin
    for x in range(columns):
        scale[x] = np.float32(1) / np.float32(_weight(column + x, width))
    for y in range(rows):
        k = row + y
        a, b, c, d, e = nothing, nothing, nothing, nothing, nothing
        if k > 0:
            a, b = fine[2 * k - 2 - y0], fine[2 * k - 1 - y0]
        c = fine[2 * k - y0]
        if 2 * k + 1 < height:
            d = fine[2 * k + 1 - y0]
        if 2 * k + 2 < height:
            e = fine[2 * k + 2 - y0]
        a, b, c, d, e = a[begin - x0 :], b[begin - x0 :], c[begin - x0 :], d[begin - x0 :], e[begin - x0 :]
        for x in range(count):
            outer = np.float32(a[x]) + np.float32(e[x])
            inner = np.float32(b[x]) + np.float32(d[x])
            inside[x] = outer + np.float32(4) * inner + np.float32(6) * np.float32(c[x])
        _halve(line, scale, np.float32(1) / np.float32(_weight(k, height)), out[y])


@njit(cache=True, nogil=True, counted=False)
def _halve(line, scale, down, made):  # type: ignore[no-untyped-def]
    for x in range(made.size):
        outer = line[2 * x] + line[2 * x + 4]
        inner = line[2 * x + 1] + line[2 * x + 3]
        made[x] = (outer + np.float32(4) * inner + np.float32(6) * line[2 * x + 2]) * scale[x] * down


@njit(cache=True, nogil=True, counted=False)
def _weight(k, size):  # type: ignore[no-untyped-def]
    """Sum of the weights of coarse pixel ``k`` that fall into a fine level of ``size`` pixels."""
    total = 16 if k > 0 else 11
    if 2 * k + 1 >= size:
        total -= 4
    if 2 * k + 2 >= size:
        total -= 1
    return total
