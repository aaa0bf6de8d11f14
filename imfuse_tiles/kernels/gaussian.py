"""Gaussian blurs with finite windows, as two passes of symmetric taps.

Two families: ``blur`` averages the Gaussian over each pixel and takes its window from the
one-dimensional tail, ``gaussian`` samples it and takes its window from the two-dimensional one.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.crop import uncropped_array

Plane = NDArray[np.float32]

FAINTEST = 1 / 65535
"""A window ends before its edge tap falls below this share of the sum."""

LINE = 16
"""Samples in a line of the processor's cache."""


def blur_radius(sigma: float) -> int:
    """Radius of the blur window: about floor(s * sqrt(2 ln(65535 / (s sqrt(2 pi))))) (s=1: 4, 5: 20)."""
    return _radius(sigma, 1)


def gaussian_radius(sigma: float) -> int:
    """Radius of the square Gaussian window: about floor(s * sqrt(2 ln(65535 / (2 pi s^2)))) (s=1: 4, 5: 17).

    Below s = 0.5 both formulas give way to counting outwards from radius 1.
    """
    return _radius(sigma, 2)


@lru_cache(maxsize=256)
def _radius(sigma: float, axes: int) -> int:
    """Grow the window until the tap at the end of an axis is faint beside the sum of the window."""
    if sigma <= 0:
        return 0
    edge, taps = 2, np.exp(-(np.arange(-2, 3) ** 2) / (2 * sigma**2))
    while math.exp(-(edge**2) / (2 * sigma**2)) >= FAINTEST * taps.sum() ** axes:
        edge += 1
        taps = np.exp(-(np.arange(-edge, edge + 1) ** 2) / (2 * sigma**2))
    return edge - 1


def blur_taps(sigma: float, radius: int = 0) -> Plane:
    """Taps of a blur, float32 (2 radius + 1,), sum 1; radius 0 chooses ``blur_radius(sigma)``.

    Each tap is the mean of the Gaussian at -1/3, 0 and +1/3 pixel.  Sigma 0 gives the single tap 1.
    """
    radius = radius or blur_radius(sigma)
    if sigma <= 0:
        return np.ones(1, np.float32)
    thirds = np.arange(-3 * radius - 1, 3 * radius + 2)
    return _normalised(np.exp(-(thirds**2) / (2 * (3 * sigma) ** 2)).reshape(-1, 3).sum(1))


def gaussian_taps(sigma: float, radius: int = 0) -> Plane:
    """Sampled Gaussian taps, float32 (2 radius + 1,), sum 1; radius 0 chooses ``gaussian_radius(sigma)``."""
    radius = radius or gaussian_radius(sigma)
    if sigma <= 0:
        return np.ones(1, np.float32)
    return _normalised(np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2)))


def _normalised(taps: NDArray[np.float64]) -> Plane:
    return (taps / taps.sum()).astype(np.float32)


def separable(plane: Plane, taps_y: Plane, taps_x: Plane, out: Plane | None = None) -> Plane:
    """Smooth along x with ``taps_x``, then along y with ``taps_y``, float32 between.

    ``plane`` is float32 (y, x) padded by the radii, and may be a crop; taps are float32, odd in number, symmetric
    about the middle, with a sum of 1.  Returns float32 (y - len(taps_y) + 1, x - len(taps_x) + 1): a new array, or
    ``out``, contiguous.  Raises ValueError if the taps are even in number or longer than the plane.
    """
    if taps_y.size % 2 == 0 or taps_x.size % 2 == 0:
        raise ValueError("symmetric taps are odd in number")
    if out is None:
        out = np.empty((plane.shape[0] - taps_y.size + 1, plane.shape[1] - taps_x.size + 1), np.float32)
    _separable(*uncropped_array(plane), taps_y[taps_y.size // 2 :], taps_x[taps_x.size // 2 :], out)
    return out


@njit(cache=True, nogil=True, counted=False)
def _across(row: Plane, half: Plane, out: Plane) -> None:
    """Taps that are equal left and right, with a sum of 1; ``half`` holds the middle one and those after it.

    With r = len(half) - 1 and c = row[x + r] this is c + sum over k of half[k] * ((row[x + r - k] - c) +
    (row[x + r + k] - c)): what is flat stays flat to the last bit, where a mask must be exactly 0.
    """
    out[:] = 0
    add_pairs(row, half, 1, out)
    middle = row[half.size - 1 : half.size - 1 + out.size]
    for x in range(out.size):
        out[x] = middle[x] + out[x]


@njit(cache=True, nogil=True, counted=False)
def add_pairs(row: Plane, half: Plane, k: int, out: Plane) -> None:
    """Add what the taps from the ``k``-th on say of the pairs of samples left and right, their sum over k above."""
    size, radius = out.size, half.size - 1
    middle = row[radius : radius + size]
    while k + 3 <= radius:
        left, right = row[radius - k - 3 : radius - k + size], row[radius + k : radius + k + size + 3]
        a, b, c, d = half[k], half[k + 1], half[k + 2], half[k + 3]
        for x in range(size):
            m = middle[x]
            near = out[x] + a * ((left[x + 3] - m) + (right[x] - m))
            near = (near + b * ((left[x + 2] - m) + (right[x + 1] - m))) + c * ((left[x + 1] - m) + (right[x + 2] - m))
            out[x] = near + d * ((left[x] - m) + (right[x + 3] - m))
        k += 4
    while k <= radius:
        left, right, a = row[radius - k : radius - k + size], row[radius + k : radius + k + size], half[k]
        for x in range(size):
            out[x] += a * ((left[x] - middle[x]) + (right[x] - middle[x]))
        k += 1


@njit(cache=True, nogil=True, counted=False)
def down(ring: Plane, first: int, half: Plane, out: Plane) -> None:
    """``_across`` down the rows: row ``first + i`` of the window lies at its number modulo the ring."""
    size, kept, radius, k = out.size, ring.shape[0], half.size - 1, 1
    centre = first + radius
    middle = ring[centre % kept][:size]
    out[:] = 0
    while k + 1 <= radius:
        up, down = ring[(centre - k) % kept][:size], ring[(centre + k) % kept][:size]
        up2, down2 = ring[(centre - k - 1) % kept][:size], ring[(centre + k + 1) % kept][:size]
        a, b = half[k], half[k + 1]
        for x in range(size):
            m = middle[x]
            out[x] = (out[x] + a * ((up[x] - m) + (down[x] - m))) + b * ((up2[x] - m) + (down2[x] - m))
        k += 2
    if k == radius:
        up, down, a = ring[(centre - k) % kept][:size], ring[(centre + k) % kept][:size], half[k]
        for x in range(size):
            out[x] += a * ((up[x] - middle[x]) + (down[x] - middle[x]))
    for x in range(size):
        out[x] = middle[x] + out[x]


@njit(cache=True, nogil=True)
def rows_ring(count: int, cols: int) -> Plane:
    """Room for so many rows, each at the beginning of a line of the cache: others take a quarter longer to read."""
    # A row length that is no multiple of a page keeps rows from evicting each other.
    stride = (cols + 31) // 32 * 32 + 16
    room = np.empty(count * stride + LINE, np.float32)
    first = -(room.ctypes.data // 4) % LINE
    return room[first : first + count * stride].reshape(count, stride)


@njit(cache=True, nogil=True)
def _separable(plane: Plane, top: int, left: int, half_y: Plane, half_x: Plane, out: Plane) -> None:
    cols, ring = out.shape[1], rows_ring(2 * half_y.size - 1, out.shape[1])
    window = len(ring)
    for y in range(out.shape[0] + window - 1):
        _across(plane[top + y][left:], half_x, ring[y % window][:cols])
        first = y - window + 1
        if first >= 0:
            down(ring, first, half_y, out[first])
