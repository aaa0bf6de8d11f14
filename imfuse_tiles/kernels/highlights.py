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
#: Blur (sigma, radius) of the light around a pixel, and of what is clipped.
BLUR = (3.0, 8)
#: Times the blurred share of clipped pixels: how much a pixel counts as near a highlight, 1 at most.
NEARNESS = 30.0
#: Light that is added to both sides of a ratio, so that dark noise does not count.
DARK = 0.02


def clipped(samples: NDArray[Any], full: float) -> NDArray[np.bool_]:
    """Where any plane of samples (planes, y, x) is at full scale, or nearly: bool (y, x)."""
    most = np.ceil(CLIPPED * full) if samples.dtype.kind == "u" else CLIPPED * full
    return np.asarray((samples >= samples.dtype.type(most)).any(axis=0))


def brightness(samples: NDArray[Any], full: float) -> Plane:
    """The mean of the planes of samples (planes, y, x), float32 (y, x) in 0..1."""
    total = samples[0].astype(np.float32)
    for plane in samples[1:]:
        total += plane
    return total * np.float32(1 / (full * len(samples)))


def trust(near: Plane, least: Plane, light: Plane) -> Plane:
    """By how much the evidence of a slice counts, float32 0..1: (least light / its own light)^16 near highlights.

    ``near``: blurred share of clipped pixels, ``least`` and ``light``: blurred brightness, all float32 (y, x).
    """
    out = np.empty_like(near)
    _trust(near, least, light, out)
    return out


@njit(cache=True, nogil=True)
def _trust(near, least, light, out):  # type: ignore[no-untyped-def]
    one = np.float32(1)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            share = min(np.float32(NEARNESS) * near[y, x], one)
            ratio = (least[y, x] + np.float32(DARK)) / (light[y, x] + np.float32(DARK))
            ratio = ratio * ratio
            ratio = ratio * ratio
            ratio = ratio * ratio
            out[y, x] = (one - share) + share * (ratio * ratio)
