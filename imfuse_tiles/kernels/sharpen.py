"""Adaptive sharpening: the more an edge stands out, the wider the kernel that sharpens it.

The way goes over the whole image: ``edges`` of the picture, smoothed by the caller; their least and largest value
over the whole image and all planes; ``intensity`` of every pixel from these; ``sharpen``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.colour_linear import GRAY
from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.gaussian import gaussian_radius, gaussian_taps, separable

Plane = NDArray[np.float32]

EDGE_HALO = 2


def edges(rgb: Plane) -> Plane:
    """Edge map: 25 times the pixel less the sum of its 5 x 5 window.

    ``rgb`` (3, y + 4, x + 4) float32; returns (3, y, x), about -24..24.
    """
    out = np.empty((len(rgb), rgb.shape[1] - 4, rgb.shape[2] - 4), np.float32)
    for plane, target in zip(np.ascontiguousarray(rgb, np.float32), out, strict=True):
        _edges(plane, target)
    return out


def stretch(planes: Plane, low: float, high: float) -> Plane:
    """Planes with ``low`` moved to 0 and ``high`` to 1; all 0 if the two are equal."""
    if high == low:
        return np.zeros_like(planes)
    return (planes - np.float32(low)) / np.float32(high - low)


def intensity(smooth: Plane, low: float, high: float) -> Plane:
    """Intensity (y, x) in 0..1 of a smoothed edge map (3, y, x) stretched from its range low..high.

    .212656 R + .715158 G + .072186 B. The range is that of all planes over the whole image. (Stretching the edge
    map before smoothing it as well would change nothing: smoothing keeps such a change, the second stretch undoes it.)
    """
    a, b, c, _ = GRAY[0]
    red, green, blue = stretch(smooth, low, high)
    return a * red + b * green + c * blue


def sharpen_halo(sigma: float, radius: int = 0) -> int:
    """Halo of ``sharpen``: the radius, or that of the square Gaussian window of sigma if the radius is 0."""
    return radius or gaussian_radius(sigma)


def sharpen(rgb: Plane, intensity: Plane, sigma: float, radius: int = 0) -> Plane:
    """Each pixel of a picture sharpened by a kernel of a width chosen by its edge intensity.

    With the full width W = 2h + 1, h = ``sharpen_halo(sigma, radius)``, the kernel is W - j wide, where j is
    ceil(W (1 - intensity) - 1/2) kept in 0..W, less 1 if odd. Its taps are -g(u, v) of the Gaussian with twice
    their sum put into the centre, scaled to sum 1; width 1 leaves the pixel alone.
    ``rgb`` (3, y + 2h, x + 2h), ``intensity`` (y, x) float32; returns (3, y, x), not clamped.
    ValueError if the shapes do not fit the halo.
    """
    halo = sharpen_halo(sigma, radius)
    if rgb.shape[1:] != (intensity.shape[0] + 2 * halo, intensity.shape[1] + 2 * halo):
        raise ValueError(f"a picture of shape {rgb.shape} does not carry the halo {halo} of {intensity.shape}")
    width = 2 * halo + 1
    less = np.ceil(width * (1 - intensity.astype(np.float64)) - 0.5)
    less = np.fmin(np.fmax(less, 0), width).astype(np.int64)  # not a number counts as 0
    reach = (halo - less // 2).astype(np.uint8 if halo < 256 else np.uint16)
    out = np.empty((len(rgb), *intensity.shape), np.float32)
    half = np.ones(1, np.float32) if sigma <= 0 else gaussian_taps(sigma, halo)[halo:]
    half = np.pad(half, (0, halo + 1 - half.size))
    for plane, target in zip(np.ascontiguousarray(rgb, np.float32), out, strict=True):
        _sharpen(plane, reach, half, target)
    return out


@njit(cache=True, nogil=True)
def _edges(plane: Plane, out: Plane) -> None:
    sums = np.empty(out.shape[1], np.float32)
    for y in range(out.shape[0]):
        sums[:] = np.float32(0)
        for v in range(5):
            row = plane[y + v]
            for x in range(sums.size):
                sums[x] += (row[x] + row[x + 4]) + (row[x + 1] + row[x + 3]) + row[x + 2]
        centre = plane[y + 2]
        for x in range(sums.size):
            out[y, x] = np.float32(25) * centre[x + 2] - sums[x]


@njit(cache=True, nogil=True, counted=False)
def _sum_row(source: Plane, half: Plane, sums: Plane) -> None:
    """Horizontal sums of one row, ``sums[k]`` over a window of radius k."""
    halo = half.size - 1
    centre, least = source[halo:], sums[0]
    for x in range(least.size):
        least[x] = half[0] * centre[x]
    for k in range(1, halo + 1):
        left, right, narrow, wide, tap = source[halo - k :], source[halo + k :], sums[k - 1], sums[k], half[k]
        for x in range(wide.size):
            wide[x] = narrow[x] + tap * (left[x] + right[x])


@njit(cache=True, nogil=True, error_model="numpy")
def _sharpen(plane: Plane, reach: NDArray[np.uint8], half: Plane, out: Plane) -> None:
    """The horizontal sums of every width wait in a ring of rows; down the columns only the chosen width is summed."""
    halo = half.size - 1
    high = 2 * halo + 1
    ring = np.empty((high, halo + 1, out.shape[1]), np.float32)
    line = np.empty(high, np.int64)  # where each row of the window lies in the ring
    mass, total, centre = np.empty(halo + 1, np.float32), np.float32(0), half[0] * half[0]
    for k in range(halo + 1):
        total += half[k] if k == 0 else np.float32(2) * half[k]
        mass[k] = total * total
    for bottom in range(plane.shape[0]):
        _sum_row(plane[bottom], half, ring[bottom % high])
        row = bottom - 2 * halo
        if row < 0:
            continue
        for v in range(high):
            line[v] = (row + v) % high
        source, target, chosen = plane[row + halo], out[row], reach[row]
        for x in range(target.size):
            k = chosen[x]
            soft = half[0] * ring[line[halo], k, x]
            for v in range(1, k + 1):
                soft += half[v] * (ring[line[halo - v], k, x] + ring[line[halo + v], k, x])
            sharp = (np.float32(2) * mass[k] + centre) * source[x + halo] - soft
            target[x] = sharp / (mass[k] + centre)


def unsharp(planes: Plane, sigma: float, radius: int) -> Plane:
    """Planes (c, y + 2 radius, x + 2 radius) sharpened by a Gaussian, float32 (c, y, x), not clamped.

    As ImageMagick's documentation describes its -sharpen: the taps of the window are -g of a Gaussian, but the one in
    the middle twice their sum, divided by their sum. With G the sum of g, 1 in the middle, and b the plane smoothed by
    it this is ((2 G + 1) x - G b) / (G + 1).
    """
    if radius == 0:
        return planes
    taps = gaussian_taps(sigma, radius)
    inner = planes[:, radius:-radius, radius:-radius]
    total = float(np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2)).sum()) ** 2
    share = np.float32(total / (total + 1))
    out = np.empty(inner.shape, np.float32)
    for plane, target in zip(planes, out, strict=True):
        separable(plane, taps, taps, target)
    return inner + share * (inner - out)
