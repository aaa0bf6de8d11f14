"""Gaussian blurs with finite windows, as two passes of symmetric taps.

Two families: ``blur`` averages the Gaussian over each pixel and takes its window from the
one-dimensional tail, ``gaussian`` samples it and takes its window from the two-dimensional one.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .convolve import mirrored
from .crop import placed

Plane = NDArray[np.float32]

FAINTEST = 1 / 65535
"""A window ends before its edge tap falls below this share of the sum."""


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
    about the middle.  Returns float32 (y - len(taps_y) + 1, x - len(taps_x) + 1): a new array, or ``out``,
    contiguous.  Raises ValueError if the taps are even in number or longer than the plane.
    """
    if taps_y.size % 2 == 0 or taps_x.size % 2 == 0:
        raise ValueError("symmetric taps are odd in number")
    if out is None:
        out = np.empty((plane.shape[0] - taps_y.size + 1, plane.shape[1] - taps_x.size + 1), np.float32)
    _separable(*placed(plane), taps_y[taps_y.size // 2 :], taps_x[taps_x.size // 2 :], out)
    return out


def band(plane: Plane, narrow: Plane, wide: Plane) -> Plane:
    """|plane smoothed by ``narrow`` - plane smoothed by ``wide``|, both taps used along both axes.

    ``plane`` is float32 (y, x) padded by the larger radius.  Returns float32 without that halo, in 0..1
    for a plane in 0..1; bit-equal to two runs of ``separable``.  Raises ValueError as ``separable``.
    """
    if narrow.size % 2 == 0 or wide.size % 2 == 0:
        raise ValueError("symmetric taps are odd in number")
    size = max(narrow.size, wide.size)
    out = np.empty((plane.shape[0] - size + 1, plane.shape[1] - size + 1), np.float32)
    _band(plane, narrow[narrow.size // 2 :], wide[wide.size // 2 :], out)
    return out


@njit(cache=True, nogil=True)
def _down(ring: Plane, first: int, half: Plane, out: Plane) -> None:
    """``mirrored`` across rows: row ``first + i`` of the window lies at its number modulo the ring."""
    size, kept, radius = out.size, ring.shape[0], half.size - 1
    centre = first + radius
    middle, m, k = ring[centre % kept][:size], half[0], 5 if radius >= 4 else min(radius, 1) + 1
    if radius == 0:
        for x in range(size):
            out[x] = m * middle[x]
    elif radius < 4:
        up, down, a = ring[(centre - 1) % kept][:size], ring[(centre + 1) % kept][:size], half[1]
        for x in range(size):
            out[x] = m * middle[x] + a * (up[x] + down[x])
    else:
        up, down = ring[(centre - 1) % kept][:size], ring[(centre + 1) % kept][:size]
        up2, down2 = ring[(centre - 2) % kept][:size], ring[(centre + 2) % kept][:size]
        up3, down3 = ring[(centre - 3) % kept][:size], ring[(centre + 3) % kept][:size]
        up4, down4 = ring[(centre - 4) % kept][:size], ring[(centre + 4) % kept][:size]
        a, b, c, d = half[1], half[2], half[3], half[4]
        for x in range(size):
            near = (m * middle[x] + a * (up[x] + down[x])) + b * (up2[x] + down2[x])
            out[x] = (near + c * (up3[x] + down3[x])) + d * (up4[x] + down4[x])
    while k + 3 <= radius:
        up, down = ring[(centre - k) % kept][:size], ring[(centre + k) % kept][:size]
        up2, down2 = ring[(centre - k - 1) % kept][:size], ring[(centre + k + 1) % kept][:size]
        up3, down3 = ring[(centre - k - 2) % kept][:size], ring[(centre + k + 2) % kept][:size]
        up4, down4 = ring[(centre - k - 3) % kept][:size], ring[(centre + k + 3) % kept][:size]
        a, b, c, d = half[k], half[k + 1], half[k + 2], half[k + 3]
        for x in range(size):
            near = (out[x] + a * (up[x] + down[x])) + b * (up2[x] + down2[x])
            out[x] = (near + c * (up3[x] + down3[x])) + d * (up4[x] + down4[x])
        k += 4
    while k <= radius:
        up, down, a = ring[(centre - k) % kept][:size], ring[(centre + k) % kept][:size], half[k]
        for x in range(size):
            out[x] += a * (up[x] + down[x])
        k += 1


@njit(cache=True, nogil=True)
def _ring(half: Plane, cols: int) -> Plane:
    # A row length that is no multiple of a page keeps rows from evicting each other.
    return np.empty((2 * half.size - 1, (cols + 31) // 32 * 32 + 16), np.float32)


@njit(cache=True, nogil=True)
def _separable(plane: Plane, top: int, left: int, half_y: Plane, half_x: Plane, out: Plane) -> None:
    cols, ring = out.shape[1], _ring(half_y, out.shape[1])
    window = len(ring)
    for y in range(out.shape[0] + window - 1):
        mirrored(plane[top + y][left:], half_x, False, ring[y % window][:cols])
        first = y - window + 1
        if first >= 0:
            _down(ring, first, half_y, out[first])


@njit(cache=True, nogil=True)
def _band(plane: Plane, narrow: Plane, wide: Plane, out: Plane) -> None:
    """Both blurs row by row, the narrower one starting so late that they reach the same row together."""
    cols = out.shape[1]
    fine, coarse, other = _ring(narrow, cols), _ring(wide, cols), np.empty(cols, np.float32)
    radius = max(narrow.size, wide.size) - 1
    inset, inset2 = radius - (narrow.size - 1), radius - (wide.size - 1)
    for y in range(plane.shape[0]):
        at, at2, place = y - inset, y - inset2, y - 2 * radius
        if at >= 0:
            mirrored(plane[at][inset:], narrow, False, fine[at % len(fine)][:cols])
        if at2 >= 0:
            mirrored(plane[at2][inset2:], wide, False, coarse[at2 % len(coarse)][:cols])
        if place >= 0:
            row = out[place]
            _down(fine, place + inset, narrow, row)
            _down(coarse, place + inset2, wide, other)
            for x in range(cols):
                row[x] = abs(row[x] - other[x])
