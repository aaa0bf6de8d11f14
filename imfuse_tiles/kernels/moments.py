"""Mean, root mean square, variance and deviation of a window that slides over a plane.

Sums are float64: the deviation of a flat area is the small difference of two large numbers, and float32 would
leave 3e-4 where 0 belongs. Each pixel adds its own window, columns first, in an order that depends on the width
alone; nothing runs along the plane. Means of small windows are blurs with equal taps, in float32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.gaussian import separable

Plane = NDArray[np.float32]

MEAN, SQUARE, VARIANCE, DEVIATION = range(4)
STRIP = 512  # columns at a time: the row buffers stay in the first cache
SMALL = 9


def moment(plane: Plane, width: int, kind: int) -> Plane:
    """Mean, root mean square, variance or deviation (`kind`) of each window, from float64 sums.

    float32 (y, x) -> (y - width + 1, x - width + 1).
    """
    if kind == MEAN and width <= SMALL and width % 2:
        taps = np.full(width, 1 / width, np.float32)
        return separable(plane, taps, taps)
    out = np.empty((plane.shape[0] - width + 1, plane.shape[1] - width + 1), np.float32)
    _moment(np.ascontiguousarray(plane), width, kind, out)
    return out


@njit(cache=True, nogil=True)
def _moment(plane: Plane, width: int, kind: int, out: Plane) -> None:
    high, wide = out.shape
    span = min(wide, STRIP) + width - 1
    plain, square, spare = np.empty(span), np.empty(span), np.empty(span)
    total, total_square = np.empty(span), np.empty(span)
    n, share = float(width * width), 1.0 / (width * width)
    for left in range(0, wide, STRIP):
        count = min(wide - left, STRIP)
        ahead = count + width - 1
        for y in range(high):
            target, s, q = out[y, left:], plain, square
            if kind != SQUARE:
                _columns(plane, y, left, width, plain[:ahead])
                s = _slide(plain, spare, total, count, width)
            if kind != MEAN:
                _square_columns(plane, y, left, width, square[:ahead])
                q = _slide(square, spare if s is not spare else plain, total_square, count, width)
            if kind == MEAN:
                for x in range(count):
                    target[x] = np.float32(s[x] * share)
            elif kind == SQUARE:
                for x in range(count):
                    target[x] = np.sqrt(np.float32(q[x] * share))
            else:
                for x in range(count):
                    v = (n * q[x] - s[x] * s[x]) * (share * share)
                    target[x] = np.float32(v if v > 0.0 else 0.0)
                if kind == DEVIATION:
                    for x in range(count):
                        target[x] = np.sqrt(target[x])


@njit(cache=True, nogil=True, counted=False)
def _columns(plane: Plane, y: int, left: int, width: int, total: NDArray[np.float64]) -> None:
    """The sum of each column."""
    total[:] = 0.0
    for k in range(y, y + width - 1, 2):
        a, b = plane[k, left:], plane[k + 1, left:]
        for x in range(len(total)):
            total[x] += np.float64(a[x]) + np.float64(b[x])
    if width % 2:
        a = plane[y + width - 1, left:]
        for x in range(len(total)):
            total[x] += np.float64(a[x])


@njit(cache=True, nogil=True, counted=False)
def _square_columns(plane: Plane, y: int, left: int, width: int, total: NDArray[np.float64]) -> None:
    """The sum of the squares of each column."""
    total[:] = 0.0
    for k in range(y, y + width - 1, 2):
        a, b = plane[k, left:], plane[k + 1, left:]
        for x in range(len(total)):
            total[x] += np.float64(a[x]) * np.float64(a[x]) + np.float64(b[x]) * np.float64(b[x])
    if width % 2:
        a = plane[y + width - 1, left:]
        for x in range(len(total)):
            total[x] += np.float64(a[x]) * np.float64(a[x])


@njit(cache=True, nogil=True)
def _slide(part: NDArray, spare: NDArray, total: NDArray, n: int, width: int) -> NDArray:
    """The n sums of `width` neighbours, from sums of 1, 2, 4 ... neighbours. Destroys `part`."""
    length, done = 1, 0
    while True:
        if width & length:
            if length == width:
                return part
            if done:
                ahead = part[done:]
                for x in range(n):
                    total[x] += ahead[x]
            else:
                for x in range(n):
                    total[x] = part[x]
            done += length
        if done == width:
            return total
        ahead = part[length:]  # an index x + length might be negative, for all the compiler knows
        for x in range(n + width - 2 * length):
            spare[x] = part[x] + ahead[x]
        part, spare = spare, part
        length *= 2
