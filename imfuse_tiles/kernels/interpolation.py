"""Interpolations: their names, and the samples and weights that each makes a resampled pixel of.

Pixel i of the target looks at the position (i + 1/2) * source/target - 1/2 of the source, f its floor and t its
fraction, found in whole numbers, so that every window sees the same positions. Beyond the frame its edge pixels
repeat. All interpolations but mesh are products of a weight in x and a weight in y:

nearest 1 at floor(position + 1/2); integer 1 at f; bilinear and background 1-t, t at f, f+1; average 1/2, 1/2;
average9 1/3 each at the nearest pixel and its two neighbours; average16 1/4 each at f-1..f+2; blend the left pixel
for t <= 1/4, the right for t >= 3/4, else half of both; catrom the Catmull-Rom cubic and spline the cubic B-spline
at f-1..f+2. mesh splits the square of four pixels along one diagonal and interpolates in the triangle.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Index = NDArray[np.uint32]
Region = tuple[int, int, int, int]
Size = tuple[int, int]

INTERPOLATIONS = ("Nearest", "Integer", "Bilinear", "Average", "Average9", "Average16", "Blend", "Catrom",
                  "Spline", "Mesh", "Background")  # fmt: skip
_NAMES = {name.lower(): name for name in INTERPOLATIONS} | {"average4": "Average"}
# first tap relative to the floor of the position (Nearest, Average9: to the nearest pixel), number of taps
_SPAN = {"Nearest": (0, 1), "Integer": (0, 1), "Average9": (-1, 3), "Average16": (-1, 4), "Catrom": (-1, 4),
         "Spline": (-1, 4)}  # fmt: skip


def canonical(name: str) -> str:
    """The spelling in ``INTERPOLATIONS`` of a name in any case; ValueError lists them if there is none."""
    try:
        return _NAMES[name.lower()]
    except KeyError:
        raise ValueError(f"unknown interpolation {name!r}; known: {', '.join(INTERPOLATIONS)}") from None


def source_region(region: Region, frame: Size, target: Size, interpolation: str) -> Region:
    """The part y0, y1, x0, x1 (half open, inside the frame) of the source that a region of the target needs."""
    name, bounds = canonical(interpolation), []
    for axis in (0, 1):
        start, stop = region[2 * axis : 2 * axis + 2]
        first, count, _ = _floor(np.array([start, stop - 1]), frame[axis], target[axis], name)
        low, high = np.clip([first[0], first[1] + count - 1], 0, frame[axis] - 1)
        bounds += [int(low), int(high) + 1]
    return bounds[0], bounds[1], bounds[2], bounds[3]


def _floor(
    at: NDArray[np.int64], size: int, target: int, name: str
) -> tuple[NDArray[np.int64], int, NDArray[np.float64]]:
    """First tap of each target index, number of taps, and the fraction t, all from whole numbers."""
    doubled = 2 * target
    above = (2 * at + 1) * size - target  # the position times 2 * target
    first, rest = above // doubled, above % doubled
    begin, count = _SPAN.get(name, (0, 2))
    if name in ("Nearest", "Average9"):
        first = first + (rest >= target)
    return first + begin, count, rest / doubled


class Taps(NamedTuple):
    """Places in the given plane and weight of every tap of an axis, (taps, n) both.

    ``begin``: where the taps of a pixel begin when the plane is extended by ``beyond`` samples at its ends.
    """

    samples: Index
    weight: Plane
    begin: Index
    beyond: Size


@lru_cache(maxsize=256)
def taps_along(start: int, stop: int, size: int, target: int, origin: int, extent: int, name: str) -> Taps:
    """The taps of target pixels ``start`` to ``stop`` of an axis; ValueError if the plane does not have all.

    The frame has ``size`` samples along it, the target ``target``, the plane ``extent`` from sample ``origin`` on.
    """
    first, count, t = _floor(np.arange(start, stop, dtype=np.int64), size, target, name)
    index = np.clip(first + np.arange(count)[:, np.newaxis], 0, size - 1) - origin
    if t.size == 0 or index.min() < 0 or index.max() >= extent:
        raise ValueError("not covered")
    first = first - origin  # taps outside the plane lie beyond the frame: its edges repeat
    beyond = max(0, -int(first.min())), max(0, int(first.max()) + count - extent)
    begin = (first + beyond[0]).astype(np.uint32)
    return Taps(index.astype(np.uint32), np.array(_weights(t, name), np.float32), begin, beyond)


def _weights(t: NDArray[np.float64], name: str) -> list[NDArray[np.float64]]:
    one = np.ones_like(t)
    if name in ("Nearest", "Integer"):
        return [one]
    if name in ("Average", "Average9", "Average16"):
        count = _SPAN.get(name, (0, 2))[1]
        return [one / count] * count
    if name == "Blend":
        right = np.where(t <= 0.25, 0.0, np.where(t >= 0.75, 1.0, 0.5))
        return [1 - right, right]
    if name == "Catrom":
        return [((2 - t) * t - 1) * t / 2, ((3 * t - 5) * t * t + 2) / 2, ((4 - 3 * t) * t + 1) * t / 2,
                (t - 1) * t * t / 2]  # fmt: skip
    if name == "Spline":
        s = 1 - t
        return [s**3 / 6, 2 / 3 - t * t * (2 - t) / 2, 2 / 3 - s * s * (2 - s) / 2, t**3 / 6]
    return [1 - t, t]
