"""Gaussian blurs with finite windows, as two passes of symmetric taps.

Two families: ``blur`` averages the Gaussian over each pixel and takes its window from the
one-dimensional tail, ``gaussian`` samples it and takes its window from the two-dimensional one.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .convolve import add_mirrored

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


def separable(plane: Plane, taps_y: Plane, taps_x: Plane) -> Plane:
    """Smooth along x with ``taps_x``, then along y with ``taps_y``, float32 between.

    ``plane`` is float32 (y, x) padded by the radii; taps are float32, odd in number, symmetric about
    the middle.  Returns float32 (y - len(taps_y) + 1, x - len(taps_x) + 1).  Raises ValueError if the
    taps are even in number or longer than the plane.
    """
    if taps_y.size % 2 == 0 or taps_x.size % 2 == 0:
        raise ValueError("symmetric taps are odd in number")
    out = np.empty((plane.shape[0] - taps_y.size + 1, plane.shape[1] - taps_x.size + 1), np.float32)
    _separable(plane, taps_y[taps_y.size // 2 :], taps_x[taps_x.size // 2 :], out)
    return out


def band(plane: Plane, narrow: Plane, wide: Plane) -> Plane:
    """|plane smoothed by ``narrow`` - plane smoothed by ``wide``|, both taps used along both axes.

    ``plane`` is float32 (y, x) padded by the larger radius.  Returns float32 without that halo, in 0..1
    for a plane in 0..1.  Raises ValueError as ``separable``.
    """
    halo = max(narrow.size, wide.size) // 2
    fine, coarse = (separable(_inner(plane, halo - taps.size // 2), taps, taps) for taps in (narrow, wide))
    np.subtract(fine, coarse, out=fine)
    return np.abs(fine, out=fine)


def _inner(plane: Plane, margin: int) -> Plane:
    return np.ascontiguousarray(plane[margin : plane.shape[0] - margin, margin : plane.shape[1] - margin])


@njit(cache=True, nogil=True)
def _add_mirrored_rows(ring: Plane, first: int, half: Plane, out: Plane) -> None:
    """``add_mirrored`` across rows: row ``first + i`` of the window lies at its number modulo the ring."""
    size, kept, k = out.size, ring.shape[0], 1
    centre = first + half.size - 1
    middle, a = ring[centre % kept][:size], half[0]
    for x in range(size):
        out[x] += a * middle[x]
    while k + 3 < half.size:
        up, down = ring[(centre - k) % kept][:size], ring[(centre + k) % kept][:size]
        up2, down2 = ring[(centre - k - 1) % kept][:size], ring[(centre + k + 1) % kept][:size]
        up3, down3 = ring[(centre - k - 2) % kept][:size], ring[(centre + k + 2) % kept][:size]
        up4, down4 = ring[(centre - k - 3) % kept][:size], ring[(centre + k + 3) % kept][:size]
        a, b, c, d = half[k], half[k + 1], half[k + 2], half[k + 3]
        for x in range(size):
            near = (out[x] + a * (up[x] + down[x])) + b * (up2[x] + down2[x])
            out[x] = (near + c * (up3[x] + down3[x])) + d * (up4[x] + down4[x])
        k += 4
    while k < half.size:
        up, down, a = ring[(centre - k) % kept][:size], ring[(centre + k) % kept][:size], half[k]
        for x in range(size):
            out[x] += a * (up[x] + down[x])
        k += 1


@njit(cache=True, nogil=True)
def _separable(plane: Plane, half_y: Plane, half_x: Plane, out: Plane) -> None:
    cols = out.shape[1]
    window = 2 * half_y.size - 1
    # A row length that is no multiple of a page keeps rows from evicting each other.
    ring = np.empty((window, (cols + 31) // 32 * 32 + 16), np.float32)
    for y in range(plane.shape[0]):
        smooth = ring[y % window][:cols]
        smooth.fill(0)
        add_mirrored(plane[y], half_x, smooth)
        first = y - window + 1
        if first >= 0:
            out[first].fill(0)
            _add_mirrored_rows(ring, first, half_y, out[first])
