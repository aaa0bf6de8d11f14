"""What the contenders share: the pictures they get, and how planes become a mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from scipy import ndimage

from imfuse_tiles.options.grammar import Option

cv2.setNumThreads(1)

Plane = np.ndarray
Filter = Callable[[Plane], Plane]
EDGE = cv2.BORDER_REPLICATE


@dataclass(frozen=True)
class Pictures:
    """What every contender gets: a frame (3, y, x), the same interleaved, a picture of the stack, a mask, a cut."""

    frame: Plane
    interleaved: Plane
    other: Plane
    mask: Plane
    cut: Plane


Contender = Callable[[Pictures], Any]


def summed(one: Filter, differs: bool) -> Contender:
    """A generator: every plane filtered, compared to the plane, a quarter of the sum."""

    def run(p: Pictures) -> Plane:
        total = None
        for plane in p.frame:
            made = one(plane)
            made = cv2.absdiff(made, plane) if differs else made
            total = made if total is None else cv2.add(total, made, dst=total)
        return cv2.multiply(total, 0.25, dst=total)

    return run


def on(op: Option, **filters: Filter) -> dict[str, Contender]:
    """The same filters for a generator, a mask filter or a cut filter."""
    if hasattr(op, "takes_difference"):
        return {name: summed(one, op.takes_difference) for name, one in filters.items()}
    what = "cut" if op.name.startswith("cut") else "mask"
    return {name: lambda p, one=one: one(getattr(p, what)) for name, one in filters.items()}


def smooth(op: Any, sigma: float) -> tuple[Filter, Filter]:
    """A Gaussian by OpenCV and by SciPy, as wide as ours."""
    from imfuse_tiles.options.shared_filters import smoothing_radius

    reach = smoothing_radius(sigma, getattr(op, "r", 0), getattr(op, "word1", None) is not None)
    side = (2 * reach + 1, 2 * reach + 1)
    return (
        lambda x: cv2.GaussianBlur(x, side, sigma, borderType=EDGE),
        lambda x: ndimage.gaussian_filter(x, sigma, radius=reach, mode="nearest"),
    )


def clamped(x: Plane) -> Plane:
    return cv2.min(cv2.max(x, 0, dst=x), 1, dst=x)


def joined(parts: list[Plane], mode: str) -> Plane:
    """Answers of several directions as one."""
    total = parts[0]
    for part in parts[1:]:
        if mode == "Lighten":
            total = cv2.max(total, part, dst=total)
        elif mode == "Darken":
            total = cv2.min(total, part, dst=total)
        elif mode == "Multiply":
            total = cv2.multiply(total, part, dst=total)
        else:
            total = cv2.subtract(cv2.add(total, part), cv2.multiply(total, part), dst=total)
    return total
