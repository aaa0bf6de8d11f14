"""Weighted sums of neighbouring pixels, in an order that is the same for every pixel.

Rows are summed tap by tap into the row of the result, four taps at a time to spare memory traffic;
every pixel sees the same additions in the same order wherever it lies, rounded after each product
and each sum, so a tile equals the crop of the whole to the last bit.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

Plane = NDArray[np.float32]


def correlate(plane: Plane, kernel: ArrayLike) -> Plane:
    """Weighted sum of the window around each pixel: out[y, x] = sum kernel[j, i] * plane[y + j, x + i].

    ``plane`` is float32 (y, x), ``kernel`` (h, w) of any numbers, rounded to float32.  Returns float32
    (y - h + 1, x - w + 1), unclamped.  A kernel symmetric left-right and up-down takes half the time.
    Raises ValueError if the kernel is larger than the plane.
    """
    taps = np.ascontiguousarray(kernel, np.float32)
    radius_y, radius_x = taps.shape[0] // 2, taps.shape[1] // 2
    out = np.empty((plane.shape[0] - taps.shape[0] + 1, plane.shape[1] - taps.shape[1] + 1), np.float32)
    if _is_mirrored(taps):
        _correlate_mirrored(plane, taps[radius_y:, radius_x:].copy(), out)
    else:
        _correlate(plane, taps, out)
    return out


def convolve(plane: Plane, kernel: ArrayLike) -> Plane:
    """True convolution: ``correlate`` with the kernel turned by half a turn.  Same shapes and errors."""
    return correlate(plane, np.asarray(kernel)[::-1, ::-1])


def _is_mirrored(taps: Plane) -> bool:
    odd = taps.shape[0] % 2 == 1 and taps.shape[1] % 2 == 1
    return odd and np.array_equal(taps, taps[::-1]) and np.array_equal(taps, taps[:, ::-1])


@njit(cache=True, nogil=True)
def add_run(row: Plane, taps: Plane, out: Plane) -> None:
    """out[x] += sum over i of taps[i] * row[x + i], i ascending; ``row`` has len(out) + len(taps) - 1."""
    size, tap = out.size, 0
    while tap + 4 <= taps.size:
        part = row[tap : tap + size + 3]
        a, b, c, d = taps[tap], taps[tap + 1], taps[tap + 2], taps[tap + 3]
        for x in range(size):
            out[x] = (((out[x] + a * part[x]) + b * part[x + 1]) + c * part[x + 2]) + d * part[x + 3]
        tap += 4
    if tap + 3 == taps.size:
        part = row[tap : tap + size + 2]
        a, b, c = taps[tap], taps[tap + 1], taps[tap + 2]
        for x in range(size):
            out[x] = ((out[x] + a * part[x]) + b * part[x + 1]) + c * part[x + 2]
        tap += 3
    while tap < taps.size:
        part, a = row[tap : tap + size], taps[tap]
        for x in range(size):
            out[x] += a * part[x]
        tap += 1


@njit(cache=True, nogil=True)
def add_mirrored(row: Plane, half: Plane, out: Plane) -> None:
    """The same for taps that are equal left and right: ``half`` holds the middle tap and those after it.

    out[x] += half[0] * row[x + r] + sum over k of half[k] * (row[x + r - k] + row[x + r + k])
    with r = len(half) - 1.
    """
    size, radius, k = out.size, half.size - 1, 1
    middle, a = row[radius : radius + size], half[0]
    for x in range(size):
        out[x] += a * middle[x]
    while k + 3 <= radius:
        left, right = row[radius - k - 3 : radius - k + size], row[radius + k : radius + k + size + 3]
        a, b, c, d = half[k], half[k + 1], half[k + 2], half[k + 3]
        for x in range(size):
            near = (out[x] + a * (left[x + 3] + right[x])) + b * (left[x + 2] + right[x + 1])
            out[x] = (near + c * (left[x + 1] + right[x + 2])) + d * (left[x] + right[x + 3])
        k += 4
    while k <= radius:
        left, right = row[radius - k : radius - k + size], row[radius + k : radius + k + size]
        a = half[k]
        for x in range(size):
            out[x] += a * (left[x] + right[x])
        k += 1


@njit(cache=True, nogil=True)
def _correlate(plane: Plane, taps: Plane, out: Plane) -> None:
    for y in range(out.shape[0]):
        out[y].fill(0)
        for j in range(taps.shape[0]):
            add_run(plane[y + j], taps[j], out[y])


@njit(cache=True, nogil=True)
def _correlate_mirrored(plane: Plane, quarter: Plane, out: Plane) -> None:
    """``quarter`` is the lower right part of the kernel, its middle included."""
    radius = quarter.shape[0] - 1
    pair = np.empty(plane.shape[1], np.float32)
    for y in range(out.shape[0]):
        out[y].fill(0)
        add_mirrored(plane[y + radius], quarter[0], out[y])
        for j in range(1, radius + 1):
            above, below = plane[y + radius - j], plane[y + radius + j]
            for x in range(pair.size):
                pair[x] = above[x] + below[x]
            add_mirrored(pair, quarter[j], out[y])
