"""Weighted sums of neighbouring pixels, in an order that is the same for every pixel.

Rows are summed tap by tap into the row of the result, four taps at a time to spare memory traffic;
every pixel sees the same additions in the same order wherever it lies, rounded after each product
and each sum, so a tile equals the crop of the whole to the last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]


def correlate(plane: Plane, kernel: ArrayLike, bias: float = 0) -> Plane:
    """Weighted sum of the window around each pixel: out[y, x] = bias + sum kernel[j, i] * plane[y + j, x + i].

    ``plane`` is float32 (y, x), ``kernel`` (h, w) of any numbers, rounded to float32.  Returns float32
    (y - h + 1, x - w + 1), unclamped.  A kernel symmetric left-right and up-down takes half the time.
    Raises ValueError if the kernel is larger than the plane.
    """
    taps = np.ascontiguousarray(kernel, np.float32)
    radius_y, radius_x = taps.shape[0] // 2, taps.shape[1] // 2
    out = np.empty((plane.shape[0] - taps.shape[0] + 1, plane.shape[1] - taps.shape[1] + 1), np.float32)
    if taps.shape == (3, 3):
        _correlate_3x3(plane, taps, np.float32(bias), out)
    elif _is_mirrored(taps):
        _correlate_mirrored(plane, taps[radius_y:, radius_x:].copy(), np.float32(bias), out)
    else:
        _correlate(plane, taps, np.float32(bias), out)
    return out


def convolve(plane: Plane, kernel: ArrayLike, bias: float = 0) -> Plane:
    """True convolution: ``correlate`` with the kernel turned by half a turn.  Same shapes and errors."""
    return correlate(plane, np.asarray(kernel)[::-1, ::-1], bias)


def _is_mirrored(taps: Plane) -> bool:
    odd = taps.shape[0] % 2 == 1 and taps.shape[1] % 2 == 1
    return odd and np.array_equal(taps, taps[::-1]) and np.array_equal(taps, taps[:, ::-1])


@njit(cache=True, nogil=True, counted=False)
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


@njit(cache=True, nogil=True, counted=False)
def mirrored(row: Plane, half: Plane, more: bool, out: Plane) -> None:
    """The same for taps that are equal left and right: ``half`` holds the middle tap and those after it.

    out[x] = half[0] * row[x + r] + sum over k of half[k] * (row[x + r - k] + row[x + r + k])
    with r = len(half) - 1, added to what ``out`` holds if ``more``.
    """
    size, radius, zero = out.size, half.size - 1, np.float32(0)
    middle, m = row[radius : radius + size], half[0]
    k = 5 if radius >= 4 else min(radius, 1) + 1
    if radius == 0:
        for x in range(size):
            out[x] = (out[x] if more else zero) + m * middle[x]
    elif radius < 4:
        left, right, a = row[radius - 1 : radius - 1 + size], row[radius + 1 : radius + 1 + size], half[1]
        for x in range(size):
            out[x] = ((out[x] if more else zero) + m * middle[x]) + a * (left[x] + right[x])
    else:
        left, right = row[radius - 4 : radius + size - 1], row[radius + 1 : radius + size + 4]
        a, b, c, d = half[1], half[2], half[3], half[4]
        for x in range(size):
            near = ((out[x] if more else zero) + m * middle[x]) + a * (left[x + 3] + right[x])
            near = (near + b * (left[x + 2] + right[x + 1])) + c * (left[x + 1] + right[x + 2])
            out[x] = near + d * (left[x] + right[x + 3])
    while k + 3 <= radius:
        left, right = row[radius - k - 3 : radius - k + size], row[radius + k : radius + k + size + 3]
        a, b, c, d = half[k], half[k + 1], half[k + 2], half[k + 3]
        for x in range(size):
            near = (out[x] + a * (left[x + 3] + right[x])) + b * (left[x + 2] + right[x + 1])
            out[x] = (near + c * (left[x + 1] + right[x + 2])) + d * (left[x] + right[x + 3])
        k += 4
    while k + 1 <= radius:
        left, right = row[radius - k - 1 : radius - k + size], row[radius + k : radius + k + size + 1]
        a, b = half[k], half[k + 1]
        for x in range(size):
            out[x] = (out[x] + a * (left[x + 1] + right[x])) + b * (left[x] + right[x + 1])
        k += 2
    if k == radius:
        left, right, a = row[:size], row[2 * radius : 2 * radius + size], half[k]
        for x in range(size):
            out[x] += a * (left[x] + right[x])


@njit(cache=True, nogil=True, counted=False)
def _correlate_3x3(plane: Plane, taps: Plane, bias: np.float32, out: Plane) -> None:
    """The commonest size in one pass over three rows."""
    a, b, c = taps[0, 0], taps[0, 1], taps[0, 2]
    d, e, f = taps[1, 0], taps[1, 1], taps[1, 2]
    g, h, i = taps[2, 0], taps[2, 1], taps[2, 2]
    for y in range(out.shape[0]):
        above, centre, below, row = plane[y], plane[y + 1], plane[y + 2], out[y]
        for x in range(row.size):
            top = (a * above[x] + b * above[x + 1]) + c * above[x + 2]
            middle = (d * centre[x] + e * centre[x + 1]) + f * centre[x + 2]
            bottom = (g * below[x] + h * below[x + 1]) + i * below[x + 2]
            row[x] = ((top + bottom) + middle) + bias


@njit(cache=True, nogil=True, counted=False)
def _correlate(plane: Plane, taps: Plane, bias: np.float32, out: Plane) -> None:
    for y in range(out.shape[0]):
        row = out[y]
        row.fill(0)
        for j in range(taps.shape[0]):
            add_run(plane[y + j], taps[j], row)
        for x in range(row.size):
            row[x] += bias


@njit(cache=True, nogil=True)
def _correlate_mirrored(plane: Plane, quarter: Plane, bias: np.float32, out: Plane) -> None:
    """``quarter`` is the lower right part of the kernel, its middle included."""
    radius = quarter.shape[0] - 1
    pair = np.empty(plane.shape[1], np.float32)
    for y in range(out.shape[0]):
        row = out[y]
        mirrored(plane[y + radius], quarter[0], False, row)
        for j in range(1, radius + 1):
            above, below = plane[y + radius - j], plane[y + radius + j]
            for x in range(pair.size):
                pair[x] = above[x] + below[x]
            mirrored(pair, quarter[j], True, row)
        for x in range(row.size):
            row[x] += bias
