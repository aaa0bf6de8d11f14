"""Frames resampled by a transform, window by window, every window to the last bit as the whole would be.

A transform is a float64 matrix (3, 3) that maps a pixel of the result to the place in the frame that it is taken from;
the middle of the first pixel is 0, 0. Coordinates are computed from the number of the pixel in the whole result, and
their whole part is taken off before that of the window is, so no window and no size changes them.

The kernel is Lanczos' with three or four lobes (C. E. Duchon, 1979), tabulated in steps of 1/4096 pixel, whose weights
sum to 1. Beyond the frame its border is repeated.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiler import njit

Matrix = NDArray[np.float64]
Box = tuple[int, int, int, int]

PHASES = 4096
#: Lobes of the kernel on either side.
LOBES = 4


def source_region(matrix: Matrix, region: Box, frame: tuple[int, int], lobes: int = LOBES) -> Box:
    """The pixels y0, y1, x0, x1 of a frame (height, width) that a region y0, y1, x0, x1 of the result needs.

    Where nothing of the frame is seen these are the ones of the border next to it.
    """
    y0, y1, x0, x1 = region
    corners = np.array([[x0, x1 - 1, x0, x1 - 1], [y0, y0, y1 - 1, y1 - 1], [1, 1, 1, 1]], float)
    place = matrix @ corners
    place = np.clip(place[:2] / place[2], 0, [[frame[1] - 1], [frame[0] - 1]])
    low, high = np.floor(place.min(axis=1)).astype(int), np.floor(place.max(axis=1)).astype(int)
    return (max(0, int(low[1]) - lobes), min(frame[0], int(high[1]) + lobes + 2),
            max(0, int(low[0]) - lobes), min(frame[1], int(high[0]) + lobes + 2))  # fmt: skip


def warp(source: NDArray[Any], origin: tuple[int, int], frame: tuple[int, int], matrix: Matrix, region: Box,
         gains: NDArray[np.float32] | None = None, lobes: int = LOBES
         ) -> tuple[NDArray[Any], NDArray[np.bool_]]:  # fmt: skip
    """A region y0, y1, x0, x1 of the result, (channels, y, x) of the source's number type, and what is seen of it.

    ``source`` (channels, y, x), uint8, uint16 or float32, begins at pixel ``origin`` (y, x) of a frame of size
    ``frame`` (height, width) and covers ``source_region``. Every channel is multiplied by its gain, float32 (channels).
    Whole numbers are rounded to the nearest and clipped to their range. Where the frame has nothing, its border is
    repeated and the mask, bool (y, x), is False.
    """
    y0, y1, x0, x1 = region
    out = np.empty((source.shape[0], y1 - y0, x1 - x0), source.dtype)
    seen = np.empty(out.shape[1:], np.bool_)
    gains = np.ones(len(out), np.float32) if gains is None else np.asarray(gains, np.float32)
    top = float(np.iinfo(source.dtype).max) if source.dtype.kind == "u" else 0.0
    _warp(np.ascontiguousarray(source), *origin, *frame, np.asarray(matrix, float), y0, x0, weights(lobes), gains, top,
          out, seen)  # fmt: skip
    return out, seen


@cache
def weights(lobes: int) -> NDArray[np.float32]:
    """Rows of 2 x ``lobes`` weights for fractions of 0, 1/4096 ... 1 of a pixel: float32 (4097, 2 lobes)."""
    at = np.arange(PHASES + 1)[:, None] / PHASES - np.arange(1 - lobes, lobes + 1)[None, :]
    table = np.sinc(at) * np.sinc(at / lobes) * (np.abs(at) < lobes)
    table[np.abs(table) < 1e-12] = 0
    return (table / table.sum(axis=1, keepdims=True)).astype(np.float32)


@njit(cache=True, nogil=True)
def _warp(source, top, left, height, width, matrix, y0, x0, table, gains, largest, out, seen):  # type: ignore[no-untyped-def]
    channels, rows, columns = out.shape
    taps = table.shape[1]
    x_at, y_at = np.empty(columns, np.int64), np.empty(columns, np.int64)
    x_weight, y_weight = np.empty(columns, np.int64), np.empty(columns, np.int64)
    part, column = np.empty(taps, np.float32), np.empty(taps, np.int64)
    for y in range(rows):
        _places(matrix, y0 + y, x0, height, width, x_at, y_at, x_weight, y_weight, seen[y])
        for x in range(columns):
            across, down = table[x_weight[x]], table[y_weight[x]]
            first, above = x_at[x] + 1 - taps // 2, y_at[x] + 1 - taps // 2
            inside = first >= 0 and above >= 0 and first + taps <= width and above + taps <= height
            for channel in range(channels):
                plane = source[channel]
                part[:] = np.float32(0)
                if inside:
                    for j in range(taps):
                        row, weight = plane[above + j - top][first - left :], down[j]
                        for i in range(taps):
                            part[i] += weight * np.float32(row[i])
                else:
                    for i in range(taps):
                        column[i] = min(max(first + i, 0), width - 1) - left
                    for j in range(taps):
                        row, weight = plane[min(max(above + j, 0), height - 1) - top], down[j]
                        for i in range(taps):
                            part[i] += weight * np.float32(row[column[i]])
                total = np.float32(0)
                for i in range(taps):
                    total += across[i] * part[i]
                total *= gains[channel]
                if largest > 0:
                    total = min(max(total + np.float32(0.5), np.float32(0)), np.float32(largest))
                out[channel, y, x] = total


@njit(cache=True, nogil=True)
def _places(matrix, y, x0, height, width, x_at, y_at, x_weight, y_weight, seen):  # type: ignore[no-untyped-def]
    """Where the pixels of a row are taken from: whole columns and rows of the frame, and lines of the table."""
    py, small = float(y), 1e-6
    for x in range(seen.size):
        px = float(x0 + x)
        u = matrix[0, 0] * px + matrix[0, 1] * py + matrix[0, 2]
        v = matrix[1, 0] * px + matrix[1, 1] * py + matrix[1, 2]
        w = matrix[2, 0] * px + matrix[2, 1] * py + matrix[2, 2]
        u, v = u / w, v / w
        seen[x] = w > 0 and -small <= u <= width - 1 + small and -small <= v <= height - 1 + small
        u, v = min(max(u, 0.0), width - 1.0), min(max(v, 0.0), height - 1.0)
        column, row = int(np.floor(u)), int(np.floor(v))
        x_weight[x], y_weight[x] = int((u - column) * 4096 + 0.5), int((v - row) * 4096 + 0.5)
        x_at[x], y_at[x] = column, row
