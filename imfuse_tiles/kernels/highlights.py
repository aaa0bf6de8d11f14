"""Clipped highlights: out of focus they grow instead of fading, so their detail says nothing about focus.

A blurred highlight spreads its light; encoded with a gamma it then adds more to the samples around it, however much
of it is clipped. So near clipped samples the slice with the least light around a pixel is the one in focus.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiler import njit

Plane = NDArray[np.float32]

#: From this share of full scale on a sample counts as clipped.
CLIPPED = 0.985
#: Blur (sigma, radius) in cells of 2 x 2 pixels of the light around a pixel, and of what is clipped.
BLUR = (1.5, 4)
#: Times the blurred share of clipped cells: how much a pixel counts as near a highlight, 1 at most.
NEARNESS = 30.0
#: Light that is added to both sides of a ratio, so that dark noise does not count.
DARK = 0.02


def mark_clipped(samples: NDArray[Any], full: float, cells: Plane) -> None:
    """Set cells of 2 x 2 pixels to 1 where any of their samples (planes, y, x) is at full scale, or nearly.

    ``cells``: float32, half as large, rounded up.
    """
    most = np.ceil(CLIPPED * full) if samples.dtype.kind == "u" else CLIPPED * full
    _mark(np.ascontiguousarray(samples), samples.dtype.type(most), cells)


def brightness(samples: NDArray[Any], full: float) -> Plane:
    """Means over the planes and 2 x 2 pixels of samples (planes, y, x): float32 in 0..1, half as large, rounded up."""
    shape = samples.shape[1:]
    out = np.empty((-(-shape[0] // 2), -(-shape[1] // 2)), np.float32)
    _brightness(np.ascontiguousarray(samples), np.float32(1 / (full * len(samples))), out)
    return out


def discount_highlights(near: Plane, least: Plane, light: Plane, shift: tuple[int, int], evidence: Plane) -> None:
    """Multiply the evidence (y, x) of a slice by (least light / its own light)^16 near highlights.

    ``near``: blurred share of clipped cells, ``least`` and ``light``: blurred brightness, float32, a value for each
    cell of 2 x 2 pixels; ``shift``: row and column of the evidence's first pixel in the first cell, 0 or 1.
    """
    _doubt(*(np.ascontiguousarray(plane) for plane in (near, least, light)), *shift, evidence)


@njit(cache=True, nogil=True, counted=False)
def _mark(samples, most, cells):  # type: ignore[no-untyped-def]
    for plane in range(samples.shape[0]):
        for y in range(samples.shape[1]):
            row, target = samples[plane, y], cells[y // 2]
            found = False
            for x in range(row.size):
                found |= row[x] >= most
            if found:
                for x in range(row.size):
                    if row[x] >= most:
                        target[x // 2] = np.float32(1)


@njit(cache=True, nogil=True, counted=False)
def _brightness(samples, scale, out):  # type: ignore[no-untyped-def]
    height, width = samples.shape[1], samples.shape[2]
    for y in range(out.shape[0]):
        target = out[y]
        second = min(2 * y + 1, height - 1)
        for x in range(target.size):
            target[x] = np.float32(0)
        for plane in range(samples.shape[0]):
            upper, lower = samples[plane, 2 * y], samples[plane, second]
            for x in range(width // 2):
                left = np.float32(upper[2 * x]) + np.float32(lower[2 * x])
                target[x] += left + (np.float32(upper[2 * x + 1]) + np.float32(lower[2 * x + 1]))
            if width % 2:
                target[width // 2] += np.float32(2) * (np.float32(upper[width - 1]) + np.float32(lower[width - 1]))
        for x in range(target.size):
            target[x] *= scale * np.float32(0.25)


@njit(cache=True, nogil=True, counted=False)
def _doubt(near, least, light, top, left, evidence):  # type: ignore[no-untyped-def]
    one, dark = np.float32(1), np.float32(DARK)
    for y in range(near.shape[0]):
        first, stop = max(2 * y - top, 0), min(2 * y + 2 - top, evidence.shape[0])
        for x in range(near.shape[1]):
            share = min(np.float32(NEARNESS) * near[y, x], one)
            if share == 0:
                continue
            ratio = min((least[y, x] + dark) / (light[y, x] + dark), one)
            ratio = ratio * ratio
            ratio = ratio * ratio
            ratio = ratio * ratio
            factor = (one - share) + share * (ratio * ratio)
            for j in range(first, stop):
                for i in range(max(2 * x - left, 0), min(2 * x + 2 - left, evidence.shape[1])):
                    evidence[j, i] *= factor
