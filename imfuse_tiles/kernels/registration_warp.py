"""Planes resampled by a transform for registration: cubic convolution, of a whole window or of a small block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiler import njit

Plane = NDArray[np.float32]
Matrix = NDArray[np.float64]


@njit(cache=True, nogil=True)
def warp_plane(source: Plane, left: int, top: int, matrix: Matrix, x0: int, y0: int, out: Plane) -> None:
    """``out`` (y, x) from pixel x0, y0 on, taken from ``source`` at the places that ``matrix`` (3, 3) maps it to.

    ``source`` begins at pixel ``left``, ``top`` of its frame. Cubic convolution with a = -1/2 (R. G. Keys, 1981), NaN
    where its 4 x 4 pixels are not all in ``source``. Coordinates are float64.
    """
    high, wide = out.shape
    column, row = np.empty(wide), np.empty(wide)
    across, down = np.empty(wide, np.float32), np.empty(wide, np.float32)
    flat = matrix[2, 0] == 0 and matrix[2, 1] == 0 and matrix[2, 2] == 1
    for j in range(high):
        for i in range(wide):
            px, py = float(x0 + i), float(y0 + j)
            u = matrix[0, 0] * px + matrix[0, 1] * py + matrix[0, 2]
            v = matrix[1, 0] * px + matrix[1, 1] * py + matrix[1, 2]
            column[i], row[i] = u, v
        if not flat:
            for i in range(wide):
                w = matrix[2, 0] * (x0 + i) + matrix[2, 1] * (y0 + j) + matrix[2, 2]
                column[i], row[i] = column[i] / w, row[i] / w
        for i in range(wide):
            column[i], row[i] = column[i] - left, row[i] - top
        begin = 0
        while begin < wide:
            dx, dy, end = _run(column, row, begin)
            above, low, stop = dy - 1, max(begin, 1 - dx), min(end, source.shape[1] - 2 - dx)
            if above < 0 or above + 4 > source.shape[0] or low >= stop:
                out[j, begin:end] = np.nan
            else:
                out[j, begin:low] = np.nan
                out[j, stop:end] = np.nan
                for i in range(low, stop):
                    across[i], down[i] = column[i] - (dx + i), row[i] - dy
                _cubic(source[above : above + 4], dx + low - 1, across[low:stop], down[low:stop], out[j, low:stop])
            begin = end


@njit(cache=True, nogil=True, counted=False)
def _run(column: Matrix, row: Matrix, begin: int):  # type: ignore[no-untyped-def]
    """How far pixels in a row have the same whole displacement."""
    dx, dy = int(np.floor(column[begin])) - begin, int(np.floor(row[begin]))
    end = begin + 1
    while end < column.size and dx + end <= column[end] < dx + end + 1 and dy <= row[end] < dy + 1:
        end += 1
    return dx, dy, end


@njit(cache=True, nogil=True)
def warp_block(source: Plane, left: int, top: int, matrix: Matrix, x0: int, y0: int, out: Plane) -> None:
    """As :func:`warp_plane` for a small ``out``, twice as fast.

    A row is taken at once where the displacement of both its ends is the same in whole pixels and the map is affine, as
    nearly always. Fractions of pixels are float32.
    """
    wide, flat = out.shape[1], matrix[2, 0] == 0 and matrix[2, 1] == 0 and matrix[2, 2] == 1
    slope, rise = matrix[0, 0] - 1, matrix[1, 0]
    across, down = np.empty(wide, np.float32), np.empty(wide, np.float32)
    for j in range(len(out)):
        u = matrix[0, 0] * x0 + matrix[0, 1] * (y0 + j) + matrix[0, 2] - left
        v = matrix[1, 0] * x0 + matrix[1, 1] * (y0 + j) + matrix[1, 2] - top
        dx, dy = int(np.floor(u)), int(np.floor(v))
        last, end = u - dx + (wide - 1) * slope, v - dy + (wide - 1) * rise
        within = 1 <= dx < source.shape[1] - wide - 1 and 1 <= dy < source.shape[0] - 2
        if flat and within and 0 <= last < 1 and 0 <= end < 1:
            _fractions(np.float32(u - dx), np.float32(slope), across)
            _fractions(np.float32(v - dy), np.float32(rise), down)
            _cubic(source[dy - 1 : dy + 3], dx - 1, across, down, out[j])
        else:
            warp_plane(source, left, top, matrix, x0, y0 + j, out[j : j + 1])


@njit(cache=True, nogil=True, counted=False)
def _fractions(first: np.float32, slope: np.float32, out: Plane) -> None:
    for i in range(out.size):
        out[i] = first + np.float32(i) * slope


@njit(cache=True, nogil=True, counted=False)
def _cubic(rows: Plane, first: int, across: Plane, down: Plane, out: Plane) -> None:
    """Neighbours in ``out`` have neighbours in ``rows``: pixel i lies between columns first + i + 1 and + 2, by the
    fraction ``across``, and between rows 1 and 2, by ``down``."""
    one, half = np.float32(1), np.float32(0.5)
    a, b, c, d = rows[0, first:], rows[1, first:], rows[2, first:], rows[3, first:]
    for i in range(out.size):
        t, s = across[i], down[i]
        t0, t3 = ((one - half * t) * t - half) * t, (half * t - half) * t * t
        t2 = ((np.float32(2) - np.float32(1.5) * t) * t + half) * t
        t1 = one - t0 - t2 - t3
        s0, s3 = ((one - half * s) * s - half) * s, (half * s - half) * s * s
        s2 = ((np.float32(2) - np.float32(1.5) * s) * s + half) * s
        s1 = one - s0 - s2 - s3
        upper = s0 * (t0 * a[i] + t1 * a[i + 1] + t2 * a[i + 2] + t3 * a[i + 3]) + s1 * (
            t0 * b[i] + t1 * b[i + 1] + t2 * b[i + 2] + t3 * b[i + 3]
        )
        lower = s2 * (t0 * c[i] + t1 * c[i + 1] + t2 * c[i + 2] + t3 * c[i + 3]) + s3 * (
            t0 * d[i] + t1 * d[i + 1] + t2 * d[i + 2] + t3 * d[i + 3]
        )
        out[i] = upper + lower
