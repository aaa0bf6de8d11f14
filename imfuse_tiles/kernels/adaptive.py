"""A Gaussian blur whose width differs from pixel to pixel, guided by a mask: weak places blur more."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]

_LEAST = 0.5  # sigma where the mask is full
_REACH = 4  # the disk ends at this many sigma
# taps of the least sigma at distance 0, 1, sqrt 2 and 2: exp(-2 d^2), scaled to sum 1 over 1 + 4 + 4 + 4 pixels
_SMALL = np.exp(-2.0 * np.array([0, 1, 2, 4]))
_SMALL = (_SMALL / (_SMALL[0] + 4 * _SMALL[1:].sum())).astype(np.float32)


def blur_halo(radius: float) -> int:
    """Halo of ``blur``: ceil(4 radius), at least 2."""
    return math.ceil(_REACH * max(radius, _LEAST))


def blur(rgb: Plane, alpha: Plane | None, mask: Plane, radius: float, threshold: float) -> tuple[Plane, Plane | None]:
    """Each pixel of a picture smoothed by a Gaussian of sigma = max(0.5, radius (1 - m)).

    m is the mask, float32 (y, x) in 0..1, taken as 1 where it exceeds ``threshold`` (0..1). The window is the disk
    of 4 sigma, the taps are scaled to sum 1. ``rgb`` (3, y + 2h, x + 2h) and ``alpha`` (y + 2h, x + 2h), or None
    for opaque, carry the halo h = ``blur_halo(radius)``. Colours are weighted by alpha (0 where there is none).
    Returns rgb (3, y, x) and alpha (y, x) or None.
    ValueError if the shapes do not fit the halo.
    """
    halo = blur_halo(radius)
    if rgb.shape[1:] != (mask.shape[0] + 2 * halo, mask.shape[1] + 2 * halo):
        raise ValueError(f"a picture of shape {rgb.shape} does not carry the halo {halo} of a mask {mask.shape}")
    # colour times alpha and alpha side by side: one run of samples per row, whatever the plane
    samples = np.ones((*rgb.shape[1:], 4), np.float32)
    if alpha is not None:
        samples[..., 3] = alpha
    for p in range(3):
        np.multiply(rgb[p], samples[..., 3], out=samples[..., p])
    weak = np.where(mask > np.float32(threshold), np.float32(1), np.clip(mask, np.float32(0), np.float32(1)))
    sigma = np.fmax(np.float32(_LEAST), np.float32(radius) * (1 - weak))
    out = np.empty((4, *mask.shape), np.float32)
    _blur(samples.reshape(rgb.shape[1], -1), sigma, halo, out)
    return out[:3], None if alpha is None else out[3]


@njit(cache=True, nogil=True, error_model="numpy")
def _blur(samples: Plane, sigma: Plane, halo: int, out: Plane) -> None:
    total, column = np.empty(4 * sigma.shape[1], np.float32), np.empty(4 * (2 * halo + 1), np.float32)
    taps, spread = np.empty(halo + 1, np.float32), np.empty(halo + 1, np.float32)
    flat, stride = samples.ravel(), samples.shape[1]
    for y in range(sigma.shape[0]):
        _small(samples[y + halo - 2 : y + halo + 3], 4 * (halo - 2), total)
        for x in range(sigma.shape[1]):
            own, mass = 4 * x, np.float32(1)
            if sigma[y, x] > np.float32(_LEAST):
                centre = (y + halo) * stride + 4 * (x + halo)
                mass = _disk(flat, stride, centre, sigma[y, x], taps, spread, column, total, own)
            opacity = total[own + 3]
            for p in range(3):
                out[p, y, x] = total[own + p] / opacity if opacity > np.float32(0) else np.float32(0)
            out[3, y, x] = opacity / mass


@njit(cache=True, nogil=True)
def _small(rows: Plane, first: int, total: Plane) -> None:
    """A whole row with the least sigma: 13 taps out of five rows, from two pixels before the row."""
    up2, up, row = rows[0][first:], rows[1][first:], rows[2][first:]
    down, down2 = rows[3][first:], rows[4][first:]
    for i in range(total.size):
        near = (row[i + 4] + row[i + 12]) + (up[i + 8] + down[i + 8])
        corner = (up[i + 4] + up[i + 12]) + (down[i + 4] + down[i + 12])
        far = (row[i] + row[i + 16]) + (up2[i + 8] + down2[i + 8])
        total[i] = (_SMALL[0] * row[i + 8] + _SMALL[1] * near) + (_SMALL[2] * corner + _SMALL[3] * far)


@njit(cache=True, nogil=True, error_model="numpy")
def _disk(flat: Plane, stride: int, centre: int, sigma: np.float32, taps: Plane, spread: Plane, column: Plane,
          total: Plane, own: int) -> np.float32:  # fmt: skip
    """Weighted sum over the disk round sample ``centre`` into ``total[own : own + 4]``; gives the sum of the weights.

    Rows first: pairs of rows at the same distance are added into one run of columns, weighted by that distance;
    the columns are weighted at last. Unsigned indices spare the test for negative ones, which would keep the loop
    from running in vector lanes.
    """
    limit = np.float32(_REACH * _REACH) * sigma * sigma
    reach = int(math.sqrt(limit))
    step = np.float32(math.exp(-0.5 / (sigma * sigma)))
    square = step * step
    taps[0] = spread[0] = np.float32(1)
    for u in range(1, reach + 1):
        taps[u] = taps[u - 1] * step  # exp(-a u^2) is exp(-a (u-1)^2) times exp(-a (2u-1))
        step *= square
        spread[u] = spread[u - 1] + np.float32(2) * taps[u]
    row = np.uintp(centre - 4 * reach)
    for i in range(np.uintp(4 * (2 * reach + 1))):
        column[i] = flat[row + i]
    mass = spread[reach]
    for v in range(1, reach + 1):
        wide = int(math.sqrt(limit - np.float32(v * v)))
        run, weight = np.uintp(4 * (reach - wide)), taps[v]
        above, below = np.uintp(centre - v * stride - 4 * wide), np.uintp(centre + v * stride - 4 * wide)
        for i in range(np.uintp(4 * (2 * wide + 1))):
            column[run + i] += weight * (flat[above + i] + flat[below + i])
        mass += np.float32(2) * weight * spread[wide]
    for p in range(4):
        total[own + p] = column[4 * reach + p]
        for u in range(1, reach + 1):
            total[own + p] += taps[u] * (column[4 * (reach - u) + p] + column[4 * (reach + u) + p])
    return mass
