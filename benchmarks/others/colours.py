"""Colour planes and comparisons by others."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from skimage import color

from benchmarks.others.common import Contender, Pictures, Plane

CODES = {
    "HSL": (cv2.COLOR_RGB2HLS, {0: 0, 1: 2, 2: 1}), "HSB": (cv2.COLOR_RGB2HSV, {0: 0, 1: 1, 2: 2}),
    "Lab": (cv2.COLOR_RGB2Lab, {0: 0, 1: 1, 2: 2}), "Luv": (cv2.COLOR_RGB2Luv, {0: 0, 1: 1, 2: 2}),
    "YCbCr": (cv2.COLOR_RGB2YCrCb, {0: 0, 1: 2, 2: 1}), "XYZ": (cv2.COLOR_RGB2XYZ, {0: 0, 1: 1, 2: 2}),
}  # fmt: skip


BY_SKIMAGE = {"HSB": color.rgb2hsv, "Lab": color.rgb2lab, "Luv": color.rgb2luv, "YCbCr": color.rgb2ycbcr,
              "XYZ": color.rgb2xyz, "YIQ": color.rgb2yiq}  # fmt: skip


def channel(op: Any) -> dict[str, Contender]:
    """A plane of a colour space; OpenCV and scikit-image make all of them, so simple ones are made by hand."""
    space, c = op.C or "sRGB", op.c
    largest = lambda p: cv2.max(cv2.max(p.frame[0], p.frame[1]), p.frame[2])  # noqa: E731
    least = lambda p: cv2.min(cv2.min(p.frame[0], p.frame[1]), p.frame[2])  # noqa: E731
    turned = (lambda x: cv2.subtract(1.0, x)) if op.neg else (lambda x: x)
    by_hand: dict[tuple[str, int | None], Contender] = {
        ("HSL", 2): lambda p: turned(cv2.addWeighted(largest(p), 0.5, least(p), 0.5, 0)),
        ("HCL", 1): lambda p: cv2.subtract(largest(p), least(p)),
        ("CMYK", 3): lambda p: cv2.subtract(1.0, largest(p)),
        ("sRGB", None): lambda p: cv2.multiply(cv2.add(cv2.add(p.frame[0], p.frame[1]), p.frame[2]), 0.25),
        ("Gray", None): lambda p: cv2.multiply(cv2.cvtColor(p.interleaved, cv2.COLOR_RGB2GRAY), 0.75),
    }
    made: dict[str, Contender] = {}
    if (space, c) in by_hand:
        made["OpenCV"] = by_hand[space, c]
    elif space in CODES and c is not None:
        code, order = CODES[space]
        made["OpenCV"] = lambda p: turned(cv2.extractChannel(cv2.cvtColor(p.interleaved, code), order[c]))
    if space in BY_SKIMAGE and c is not None:
        made["scikit-image"] = lambda p: BY_SKIMAGE[space](p.interleaved)[..., c]
    return made


def alike(op: Any) -> dict[str, Contender]:
    def run(p: Pictures) -> Plane:
        total = cv2.absdiff(p.frame[0], p.other[0])
        for a, b in zip(p.frame[1:], p.other[1:], strict=True):
            total = cv2.add(total, cv2.absdiff(a, b), dst=total)
        return cv2.subtract(0.75, cv2.multiply(total, 0.25, dst=total), dst=total)

    return {"OpenCV": run, "NumPy": lambda p: (3 - np.abs(p.frame - p.other).sum(0)) * np.float32(0.25)}
