"""Discs of confusion of a thin lens as pixels: what a point out of focus is blurred to."""

from __future__ import annotations

import numpy as np

#: Blur radius in pixels of what lies a whole depth range away from the focus.
FULL_BLUR = 10.0
#: Pixels of scene needed around a window.
HALO = 12
#: Weight of a pixel that a disc covers wholly.
STEPS = 64


def pixel_discs(radii: np.ndarray) -> np.ndarray:
    """Pixel discs for blur radii (pixels, any shape (n,)): int64 (n, 1 + 3 * (HALO + 1)).

    Row 0 of each: the number of rows k = 0.. on either side of the middle; then for each k the half width
    w, the weight of the pixels |dx| <= w and the weight of the pixels |dx| <= w + 1, together 64.
    A radius of 0 is the pixel alone. Within about half a pixel the blur begins gently (r becomes
    r^2 / (r + 0.5), with half a pixel added in quadrature): that is the depth of field.
    """
    table = np.zeros((len(radii), 1 + 3 * (HALO + 1)), np.int64)
    radii = np.asarray(radii, float)
    for n, radius in enumerate(np.sqrt((radii * radii / (radii + 0.5)) ** 2 + 0.25)):
        k = np.arange(HALO + 2)
        strip = _area_below(k + 0.5, radius) - _area_below(k - 0.5, radius)
        peak = _middle_pixel(radius)
        widths = np.round(strip / peak * STEPS).astype(np.int64)
        widths[0] = max(widths[0], STEPS)
        rows = int(np.count_nonzero(widths))
        table[n, 0] = rows
        for i in range(rows):
            if widths[i] < STEPS:
                table[n, 1 + 3 * i : 4 + 3 * i] = (0, widths[i], 0)
            else:
                half, rest = divmod(int(widths[i]) - STEPS, 2 * STEPS)
                rest //= 2
                table[n, 1 + 3 * i : 4 + 3 * i] = (half, STEPS - rest, rest)
    return table


def _area_below(y: np.ndarray, radius: float) -> np.ndarray:
    """Area of the disc where the coordinate is below y."""
    y = np.clip(y, -radius, radius)
    return y * np.sqrt(radius * radius - y * y) + radius * radius * (np.arcsin(y / radius) + np.pi / 2)


def _middle_pixel(radius: float) -> float:
    """Area of the disc inside the unit square around its centre."""
    if radius >= np.sqrt(0.5):
        return 1.0
    caps = np.pi * radius * radius - _area_below(np.array([0.5]), radius)[0]
    return float(np.pi * radius * radius - 4 * caps)
