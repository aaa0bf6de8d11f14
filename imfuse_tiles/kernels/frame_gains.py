"""How much brighter or otherwise coloured frames are than a reference, from their coarse levels laid over it.

Means of light are compared: blur spreads light, and means of what is coded for a display change with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .registration_pairs import at_level
from .registration_pyramid import cell_means
from .registration_result import Result
from .registration_warp import warp_plane

Planes = NDArray[np.float32]

#: Drifts that are corrected: of brightness, and of a colour against the others. Less is hardly seen.
BRIGHTNESS, COLOUR = 0.02, 0.015
#: From this ratio a frame's brightness is told to differ from that of its neighbours.
JUMP = 1.2
#: Values of light that are compared: neither black nor clipped.
DARK, LIGHT = 4e-4, 0.94
#: Edge of the cells whose means are compared, in which blur stays; cells that two frames must share.
CELL, FEWEST = 4, 24


def brightness(colours: Sequence[tuple[Planes, int]], found: Result) -> NDArray[np.float64]:
    """How many times brighter the colours of each frame are than those of the reference, (frames, channels).

    ``colours``: planes (channels, y, x) of each frame, float32 in 0..1, and the factor they are reduced by. NaN for
    frames that are not laid over the others.
    """
    base, factor = colours[found.reference]
    ratios = np.full((len(colours), len(base)), np.nan)
    ratios[found.reference] = 1
    for number, (planes, _) in enumerate(colours):
        if number in found.group and number != found.reference:
            ratios[number] = _ratios(base, planes, at_level(found.transforms[number], factor))
    return ratios


def jump(brightness: NDArray[np.float64], number: int) -> float:
    """How many times brighter a frame is than both of the two nearest others, by the smaller of the ratios; 0 where
    that is not much. ``brightness`` (frames): NaN where it is not known."""
    known = [n for n in np.flatnonzero(np.isfinite(brightness)) if n != number and np.isfinite(brightness[number])]
    ratios = [float(brightness[number] / brightness[n]) for n in sorted(known, key=lambda n: abs(n - number))[:2]]
    if ratios and (min(ratios) > JUMP or max(ratios) < 1 / JUMP):
        return min(ratios, key=lambda ratio: abs(ratio - 1))
    return 0.0


def gains(ratios: NDArray[np.float64], kind: str) -> list[tuple[float, ...]]:
    """One gain for each colour of each frame; empty for all where they agree.

    ``ratios``: how many times brighter samples are than those of the reference, (frames, channels), NaN for frames that
    keep their brightness. ``kind``: auto, brightness, white or no.
    """
    ratios = np.where(np.isnan(ratios), 1.0, ratios)
    mean = ratios.mean(axis=1, keepdims=True)
    drift, cast = np.abs(mean - 1).max(), np.abs(ratios / mean - 1).max()
    if kind == "no" or (kind == "auto" and drift <= BRIGHTNESS and cast <= COLOUR):
        return [()] * len(ratios)
    if kind == "brightness" or (kind == "auto" and cast <= COLOUR):
        ratios = np.broadcast_to(mean, ratios.shape)
    return [tuple(round(float(1 / ratio), 5) for ratio in row) for row in ratios]


def _ratios(base: Planes, planes: Planes, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many times brighter the second planes are: medians over cells, weighted by their brightness in both: where
    one alone is bright the other is blurred."""
    found = np.ones(len(base))
    for channel, (plane, other) in enumerate(zip(base, planes, strict=True)):
        near = np.empty_like(plane)
        warp_plane(np.ascontiguousarray(other), 0, 0, matrix, 0, 0, near)
        one, two = (cell_means(each, CELL, np.float32) for each in (plane, near))
        with np.errstate(invalid="ignore"):
            good = (one > DARK) & (one < LIGHT) & (two > DARK) & (two < LIGHT)
        if np.count_nonzero(good) >= FEWEST:
            ratio, weight = two[good] / one[good], np.sqrt(one[good] * two[good]).astype(float)
            order = np.argsort(ratio, kind="stable")
            sums = np.cumsum(weight[order])
            found[channel] = ratio[order][int(np.searchsorted(sums, sums[-1] / 2))]
    return found
