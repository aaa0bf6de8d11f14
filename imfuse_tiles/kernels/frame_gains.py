"""How much brighter or otherwise coloured frames are than a reference, from their coarse levels laid over it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .registration_pairs import at_level
from .registration_result import Result
from .registration_warp import warp_plane

Planes = NDArray[np.float32]

#: Drifts that are corrected: of brightness, and of a colour against the others. Less is hardly seen.
BRIGHTNESS, COLOUR = 0.02, 0.015
#: Values that are compared: neither black nor clipped.
DARK, LIGHT = 0.02, 0.97
#: Cells that two frames must share.
FEWEST = 24


def gains(colours: Sequence[tuple[Planes, int]], found: Result, kind: str) -> list[tuple[float, ...]]:
    """One gain for each colour of each frame; empty for all where they agree.

    ``colours``: planes (channels, y, x) of each frame, float32 in 0..1, and the factor they are reduced by. ``kind``:
    auto, brightness or white. Frames that are not laid over the others keep their brightness.
    """
    base, factor = colours[found.reference]
    ratios = np.ones((len(colours), len(base)))
    for number, (planes, _) in enumerate(colours):
        if number in found.group and number != found.reference:
            ratios[number] = _ratios(base, planes, at_level(found.transforms[number], factor))
    brightness = ratios.mean(axis=1, keepdims=True)
    drift, cast = np.abs(brightness - 1).max(), np.abs(ratios / brightness - 1).max()
    if kind == "auto" and drift <= BRIGHTNESS and cast <= COLOUR:
        return [()] * len(colours)
    if kind == "brightness" or (kind == "auto" and cast <= COLOUR):
        ratios = np.broadcast_to(brightness, ratios.shape)
    return [tuple(round(float(1 / ratio), 5) for ratio in row) for row in ratios]


def _ratios(base: Planes, planes: Planes, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many times brighter the second planes are: medians over places, weighted by their brightness."""
    found = np.ones(len(base))
    for channel, (one, other) in enumerate(zip(base, planes, strict=True)):
        near = np.empty_like(one)
        warp_plane(np.ascontiguousarray(other), 0, 0, matrix, 0, 0, near)
        with np.errstate(invalid="ignore"):
            good = (one > DARK) & (one < LIGHT) & (near > DARK) & (near < LIGHT)
        if np.count_nonzero(good) >= FEWEST:
            ratio, weight = near[good] / one[good], one[good].astype(float)
            order = np.argsort(ratio, kind="stable")
            sums = np.cumsum(weight[order])
            found[channel] = ratio[order][int(np.searchsorted(sums, sums[-1] / 2))]
    return found
