"""Gaussian and Laplacian pyramids of Burt and Adelson, any window of any level, in step with the whole frame.

P. J. Burt and E. H. Adelson, "A multiresolution spline with application to image mosaics", ACM Transactions on
Graphics 2 (1983). A level halves the one before: pixel k of the coarse level is the mean of the fine pixels
2k-2 .. 2k+2 with weights 1, 4, 6, 4, 1 along both axes; expanding gives fine pixel 2k the mean of the coarse ones
k-1, k, k+1 with weights 1, 6, 1, and 2k+1 that of k, k+1. Beyond the frame there is nothing: weights that fall
there are left out and the others divided by their own sum, so that a constant stays constant.

A window is an array and its origin (y0, x0) in its level; a level is known by its size (h, w).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]
Size = tuple[int, int]
Region = tuple[int, int, int, int]

#: Pixels of a row that are looked at together when a mask is empty there.
STRIP = 128


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
        _reduce(plane, *origin, *frame, region[0], region[2], *rows, made)
    return out.reshape(*fine.shape[:-2], *out.shape[-2:])


def expand(coarse: Plane, origin: Size, frame: Size, region: Region) -> Plane:
    """A region y0, y1, x0, x1 of the next finer level, of size ``frame``: float32 (planes, y1 - y0, x1 - x0).

    ``coarse`` (planes, y, x), float32, begins at ``origin`` and covers ``coarser`` of the region.
    """
    out = np.zeros((len(coarse), region[1] - region[0], region[3] - region[2]), np.float32)
    add_expanded(coarse, origin, frame, region, out)
    return out


def add_expanded(coarse: Plane, origin: Size, frame: Size, region: Region, out: Plane) -> None:
    """Add to ``out`` (planes, y, x), float32, what :func:`expand` gives."""
    across = _column_weights(region, frame)
    for plane, made in zip(np.ascontiguousarray(coarse), out, strict=True):
        _add_expanded(plane, *origin, *frame, region[0], region[2], *across, *_lines(across[0].size), made)


def add_detail(fine: NDArray[np.generic], mask: Plane, coarse: Plane, origins: tuple[Size, Size, Size], frame: Size,
               region: Region, out: Plane) -> None:  # fmt: skip
    """Add to ``out`` the detail of a level times a mask: mask * (fine - expanded coarse), over a region.

    ``fine`` (planes, y, x), uint8, uint16 or float32; ``mask`` (y, x), float32; ``coarse`` (planes, y, x),
    float32; ``origins`` where each of them begins in its level. ``out``: float32 (planes, y, x) of the region.
    """
    across = _column_weights(region, frame)
    fine, coarse = np.ascontiguousarray(fine), np.ascontiguousarray(coarse)
    runs = np.empty((out.shape[-1] // STRIP + 2, 2), np.int64)
    _add_detail(fine, *origins[0], mask, *origins[1], coarse, *origins[2], *frame,
                region[0], region[2], *across, *_lines(across[0].size), runs, out)  # fmt: skip


def _lines(size: int) -> tuple[Plane, Plane]:
    """Room for a row of coarse pixels, with one more at either end, and for the fine ones made of it."""
    return np.zeros(size + 2, np.float32), np.empty(2 * size, np.float32)


def _column_weights(region: Region, frame: Size) -> tuple[Plane, Plane]:
    """One over the sum of the weights inside the frame, for the even and odd columns from the region's first on."""
    count = (region[3] + 1) // 2 - region[2] // 2
    last = size_at(frame, 1)[1] - 1
    k = np.arange(region[2] // 2, region[2] // 2 + count)
    even = 8 - (k == 0) - (k == last)
    odd = np.where(k == last, 4, 8)
    return (1 / even).astype(np.float32), (4 / odd).astype(np.float32)


@njit(cache=True, nogil=True, counted=False)
def _reduce(fine, y0, x0, height, width, row, column, nothing, line, scale, out):  # type: ignore[no-untyped-def]
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


@njit(cache=True, nogil=True, counted=False)
def _blend_rows(coarse, y0, x0, height, y, begin, line):  # type: ignore[no-untyped-def]
    """Coarse rows blended for fine row ``y``, into ``line``, which begins with coarse column ``begin - 1``."""
    last = (height + 1) // 2 - 1
    k = y // 2
    first, stop = max(begin - 1, x0), min(begin + line.size - 1, x0 + coarse.shape[1])
    part, count = line[first - (begin - 1) :], stop - first
    middle = coarse[k - y0][first - x0 :]
    if y % 2 == 0:
        above = coarse[k - 1 - y0][first - x0 :] if k > 0 else middle
        below = coarse[k + 1 - y0][first - x0 :] if k < last else middle
        if 0 < k < last:
            for x in range(count):
                part[x] = ((above[x] + below[x]) + np.float32(6) * middle[x]) * np.float32(0.125)
        elif k > 0 or k < last:
            other = above if k > 0 else below
            for x in range(count):
                part[x] = (other[x] + np.float32(6) * middle[x]) / np.float32(7)
        else:
            for x in range(count):
                part[x] = middle[x]
    elif k < last:
        below = coarse[k + 1 - y0][first - x0 :]
        for x in range(count):
            part[x] = (middle[x] + below[x]) * np.float32(0.5)
    else:
        for x in range(count):
            part[x] = middle[x]


@njit(cache=True, nogil=True, counted=False)
def _double(line, even, odd, made):  # type: ignore[no-untyped-def]
    """Fine pixels, an even one first, from a blended line that begins one coarse pixel before."""
    for j in range(made.size // 2):
        middle, right = line[j + 1], line[j + 2]
        made[2 * j] = ((line[j] + right) + np.float32(6) * middle) * even[j]
        made[2 * j + 1] = (middle + right) * odd[j]


@njit(cache=True, nogil=True, counted=False)
def _add_expanded(coarse, y0, x0, height, width, row, column, even, odd, line, made, out):  # type: ignore[no-untyped-def]
    rows, columns = out.shape
    shown = made[column % 2 :]
    for y in range(rows):
        _blend_rows(coarse, y0, x0, height, row + y, column // 2, line)
        _double(line, even, odd, made)
        target = out[y]
        for x in range(columns):
            target[x] += shown[x]


@njit(cache=True, nogil=True, counted=False)
def _add_detail(  # type: ignore[no-untyped-def]
    fine, fy, fx, mask, my, mx, coarse, y0, x0, height, width, row, column, even, odd, line, made, runs, out
):
    planes, rows, columns = out.shape
    shift = column % 2
    for y in range(rows):
        weights = mask[row + y - my][column - mx :][:columns]
        count = _runs(weights, runs)
        for plane in range(planes if count else 0):
            source, target = fine[plane, row + y - fy][column - fx :], out[plane, y]
            _blend_rows(coarse[plane], y0, x0, height, row + y, column // 2, line)
            for run in range(count):
                left, right = runs[run]
                j, k = (left + shift) // 2, (right + shift + 1) // 2
                _double(line[j : k + 2], even[j:k], odd[j:k], made[2 * j : 2 * k])
                _add_product(weights[left:right], source[left:right], made[left + shift : right + shift],
                             target[left:right])  # fmt: skip


@njit(cache=True, nogil=True, counted=False)
def _runs(weights, runs):  # type: ignore[no-untyped-def]
    """Where a row's mask is not zero, in whole strips; the number of runs."""
    bits = weights.view(np.uint32)
    count, inside = 0, False
    for left in range(0, bits.size, STRIP):
        found = np.uint32(0)
        for x in range(left, min(left + STRIP, bits.size)):
            found |= bits[x]
        if found != 0 and not inside:
            runs[count, 0] = left
            count += 1
        inside = found != 0
        if inside:
            runs[count - 1, 1] = min(left + STRIP, bits.size)
    return count


@njit(cache=True, nogil=True, counted=False)
def _add_product(weights, source, expanded, target):  # type: ignore[no-untyped-def]
    for x in range(target.size):
        target[x] += weights[x] * (np.float32(source[x]) - expanded[x])
