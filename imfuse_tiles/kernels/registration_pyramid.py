"""Grey pyramids of frames, as registration compares them: halved by areas, smoothed, without clipped pixels.

A level of factor f shows every pixel as the mean of f x f pixels of the frame, so that the middle of its pixel i lies
at f i + (f - 1) / 2 of the frame. Pixels that a camera clipped follow the exposure and not the scene: they are NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .compiler import njit

Plane = NDArray[np.float32]

#: From this share of full scale a pixel counts as clipped, unless most of the frame is.
CLIPPED = 0.996
MOSTLY = 0.6
#: A level is not halved further when its shorter side would be below this.
SMALLEST_SIDE = 24
#: Edge of the cells in which the strength of gradients is summed.
CELL = 16


@dataclass(frozen=True)
class Level:
    """One size of a frame. ``plane``: float32 (y, x), smoothed, NaN where clipped; ``energy``: float32, the sum of
    squared gradients in cells of ``CELL`` x ``CELL`` pixels, an unfinished last row and column left out."""

    factor: int
    plane: Plane
    energy: Plane


def pyramid(grey: Plane, factor: int = 1) -> list[Level]:
    """All levels of a frame, the largest first.

    ``grey``: float32 (y, x) in 0..1, the frame reduced by ``factor`` (a power of two).
    """
    plane = masked(grey)
    levels = []
    while True:
        smooth = smoothed(plane)
        levels.append(Level(factor, smooth, _energy(smooth, CELL)))
        if min(plane.shape) // 2 < SMALLEST_SIDE:
            return levels
        plane, factor = _halved(plane), factor * 2


def masked(grey: Plane) -> Plane:
    """The plane with NaN for what is clipped; as it is where nothing or nearly everything is."""
    grey = np.ascontiguousarray(grey, np.float32)
    out = np.empty_like(grey)
    return out if 0 < _mask(grey.ravel(), out.ravel(), np.float32(CLIPPED)) < MOSTLY * grey.size else grey


@njit(cache=True, nogil=True)
def _mask(grey: Plane, out: Plane, clipped: np.float32) -> int:
    """``grey`` (n) with NaN for what is clipped, and how much is."""
    count = 0
    for n in range(grey.size):
        high = grey[n] >= clipped
        out[n] = np.float32(np.nan) if high else grey[n]
        count += high
    return count


def smoothed(plane: Plane) -> Plane:
    """The plane smoothed by 1 4 6 4 1 along both axes, borders repeated: float32 of the same shape."""
    out = np.empty_like(plane)
    _smooth(plane, out)
    return out


@njit(cache=True, nogil=True)
def reduce_rows(rows: NDArray[np.generic], scale: float, factor: int, squared: bool, full: float, out: Plane) -> None:
    """Means of ``factor`` x ``factor`` pixels and of all channels, of their squares if ``squared``.

    ``rows``: (channels, y, x) of any number type, times ``scale`` in 0..1; ``out``: (y // factor, x // factor) of any
    number type, in 0..``full``. Squares of samples that are coded for a display are light, about: blur spreads light,
    and what spreads in coded samples seems to move towards the dark.
    """
    share = np.float32(full * (scale * scale if squared else scale) / (factor * factor * rows.shape[0]))
    line = np.zeros(rows.shape[2], np.float32)
    for y in range(out.shape[0]):
        line[:] = 0
        for channel in range(rows.shape[0]):
            for k in range(factor):
                row = rows[channel, y * factor + k]
                if squared:
                    for x in range(line.size):
                        line[x] += np.float32(row[x]) * np.float32(row[x])
                else:
                    for x in range(line.size):
                        line[x] += np.float32(row[x])
        for x in range(out.shape[1]):
            total = np.float32(0)
            for k in range(factor):
                total += line[x * factor + k]
            out[y, x] = total * share


@njit(cache=True, nogil=True)
def _halved(plane: Plane) -> Plane:
    """Means of 2 x 2 pixels, of those that are not NaN where that are two at least, else NaN.

    So small highlights do not make holes of coarse levels, whose pixels are larger than they are. An odd last row or
    column is left out.
    """
    out = np.empty((plane.shape[0] // 2, plane.shape[1] // 2), np.float32)
    for y in range(out.shape[0]):
        above, below = plane[2 * y], plane[2 * y + 1]
        for x in range(out.shape[1]):
            a, b, c, d = above[2 * x], above[2 * x + 1], below[2 * x], below[2 * x + 1]
            mean = ((a + b) + (c + d)) * np.float32(0.25)
            out[y, x] = mean if mean == mean else _mean_of_known(a, b, c, d)
    return out


@njit(cache=True, nogil=True, counted=False)
def _mean_of_known(a: np.float32, b: np.float32, c: np.float32, d: np.float32) -> np.float32:
    total, count = np.float32(0), 0
    for value in (a, b, c, d):
        if value == value:
            total, count = total + value, count + 1
    return total / np.float32(count) if count > 1 else np.float32(np.nan)


@njit(cache=True, nogil=True)
def _smooth(plane: Plane, out: Plane) -> None:
    high, wide = plane.shape
    line = np.empty(wide + 4, np.float32)
    inner = line[2 : wide + 2]
    for y in range(high):
        a, b, c = plane[max(y - 2, 0)], plane[max(y - 1, 0)], plane[y]
        d, e = plane[min(y + 1, high - 1)], plane[min(y + 2, high - 1)]
        for x in range(wide):
            inner[x] = (a[x] + e[x]) + np.float32(4) * (b[x] + d[x]) + np.float32(6) * c[x]
        line[:2], line[wide + 2 :] = line[2], line[wide + 1]
        row = out[y]
        for x in range(wide):
            outer, middle = line[x] + line[x + 4], line[x + 1] + line[x + 3]
            row[x] = (outer + np.float32(4) * middle + np.float32(6) * line[x + 2]) * np.float32(1 / 256)


def cell_means(plane: NDArray[np.generic], edge: int, dtype: DTypeLike) -> NDArray[Any]:
    """Means of cells of ``edge`` x ``edge`` pixels of a plane (y, x), added up in ``dtype``; an unfinished last row and
    column are left out."""
    rows, columns = plane.shape[0] // edge, plane.shape[1] // edge
    cells = plane[: rows * edge, : columns * edge].reshape(rows, edge, columns, edge)
    return np.asarray(cells.mean(axis=(1, 3), dtype=dtype))


@njit(cache=True, nogil=True)
def _energy(plane: Plane, cell: int) -> Plane:
    high, wide = plane.shape[0] // cell, plane.shape[1] // cell
    out = np.zeros((max(high, 1), max(wide, 1)), np.float32)
    line = np.zeros(plane.shape[1], np.float32)
    for y in range(1, min(high * cell, plane.shape[0] - 1)):
        above, row, below = plane[y - 1], plane[y], plane[y + 1]
        for x in range(1, line.size - 1):
            right, down = row[x + 1] - row[x - 1], below[x] - above[x]
            square = right * right + down * down
            line[x] += square if square == square else np.float32(0)
        if (y + 1) % cell == 0 or y + 1 == min(high * cell, plane.shape[0] - 1):
            for k in range(wide):
                for x in range(k * cell, (k + 1) * cell):
                    out[y // cell, k] += line[x]
            line[:] = 0
    return out
