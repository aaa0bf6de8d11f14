"""The way back in pyramids of Burt and Adelson: a level expanded to the next finer one, and the detail between them.

``pyramid`` says what levels are and how windows of them are named.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.pyramid import size_at

Plane = NDArray[np.float32]
Size = tuple[int, int]
Region = tuple[int, int, int, int]

#: Pixels of a row that are looked at together when a mask is empty there.
STRIP = 128


def expand(coarse: Plane, origin: Size, frame: Size, region: Region) -> Plane:
    """A region y0, y1, x0, x1 of the next finer level, of size ``frame``: float32 (planes, y1 - y0, x1 - x0).

    ``coarse`` (planes, y, x), float32, begins at ``origin`` and covers ``coarser`` of the region.
    """
    out = np.zeros((len(coarse), region[1] - region[0], region[3] - region[2]), np.float32)
    add_expanded(coarse, origin, frame, region, out)
    return out


def add_expanded(coarse: Plane, origin: Size, frame: Size, region: Region, out: Plane) -> None:
    """Add to ``out`` (planes, y, x), float32, what :func:`expand` gives."""
    across = column_weights(region, frame)
    for plane, made in zip(np.ascontiguousarray(coarse), out, strict=True):
        _add_expanded(plane, *origin, *frame, region[0], region[2], *across, *line_buffers(across[0].size), made)


def add_detail(fine: NDArray[np.generic], mask: Plane, coarse: Plane, origins: tuple[Size, Size, Size], frame: Size,
               region: Region, out: Plane) -> None:  # fmt: skip
    """Add to ``out`` the detail of a level times a mask: mask * (fine - expanded coarse), over a region.

    ``fine`` (planes, y, x), uint8, uint16 or float32; ``mask`` (y, x), float32; ``coarse`` (planes, y, x),
    float32; ``origins`` where each of them begins in its level. ``out``: float32 (planes, y, x) of the region.
    """
    across = column_weights(region, frame)
    fine, coarse = np.ascontiguousarray(fine), np.ascontiguousarray(coarse)
    runs = np.empty((out.shape[-1] // STRIP + 2, 2), np.int64)
    _add_detail(fine, *origins[0], mask, *origins[1], coarse, *origins[2], *frame,
                region[0], region[2], *across, *line_buffers(across[0].size), runs, out)  # fmt: skip


def line_buffers(size: int) -> tuple[Plane, Plane]:
    """Room for a row of coarse pixels, with one more at either end, and for the fine ones made of it."""
    return np.zeros(size + 2, np.float32), np.empty(2 * size, np.float32)


def column_weights(region: Region, frame: Size) -> tuple[Plane, Plane]:
    """One over the sum of the weights inside the frame, for the even and odd columns from the region's first on."""
    count = (region[3] + 1) // 2 - region[2] // 2
    last = size_at(frame, 1)[1] - 1
    k = np.arange(region[2] // 2, region[2] // 2 + count)
    even = 8 - (k == 0) - (k == last)
    odd = np.where(k == last, 4, 8)
    return (1 / even).astype(np.float32), (4 / odd).astype(np.float32)


@njit(cache=True, nogil=True, counted=False)
def blend_rows(coarse, y0, x0, height, y, begin, line):  # type: ignore[no-untyped-def]
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
def double_line(line, even, odd, made):  # type: ignore[no-untyped-def]
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
        blend_rows(coarse, y0, x0, height, row + y, column // 2, line)
        double_line(line, even, odd, made)
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
            blend_rows(coarse[plane], y0, x0, height, row + y, column // 2, line)
            for run in range(count):
                left, right = runs[run]
                j, k = (left + shift) // 2, (right + shift + 1) // 2
                double_line(line[j : k + 2], even[j:k], odd[j:k], made[2 * j : 2 * k])
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
