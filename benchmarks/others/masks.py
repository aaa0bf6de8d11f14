"""Filters of masks, cuts and final steps by others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from benchmarks.others.common import Contender, Pictures, Plane, clamped, smooth


def kuwahara(op: Any) -> dict[str, Contender]:
    """Means and variances of boxes by OpenCV, the four corners of each pixel compared."""
    r, (by_cv, _) = int(op.r), smooth(op, max(int(op.r) - 0.5, 0.5))

    def run(x: Plane) -> Plane:
        x = by_cv(x)
        mean, square = cv2.boxFilter(x, -1, (r + 1, r + 1)), cv2.sqrBoxFilter(x, cv2.CV_32F, (r + 1, r + 1))
        variance = cv2.subtract(square, cv2.multiply(mean, mean))
        best, out = None, None
        for dy in (-(r // 2), r - r // 2):
            for dx in (-(r // 2), r - r // 2):
                here, value = np.roll(variance, (dy, dx), (0, 1)), np.roll(x, (dy, dx), (0, 1))
                if best is None:
                    best, out = here, value
                    continue
                less = cv2.compare(here, best, cv2.CMP_LT)
                cv2.copyTo(here, less, best)
                cv2.copyTo(value, less, out)
        return out

    return {"OpenCV": lambda p: run(p.mask)}


def enhance(op: Any) -> dict[str, Contender]:
    """OpenCV's bilateral filter of the same diameter: the same kind of mean, with smooth weights."""

    def run(x: Plane) -> Plane:
        for _ in range(op.n):
            x = cv2.bilateralFilter(x, 5, 0.066, 2)
        return x

    return {"OpenCV": lambda p: run(p.mask)}


def despeckle(op: Any) -> dict[str, Contender]:
    """The same hulls in NumPy, a half after the other on the whole plane."""
    one, two = np.float32(257 / 65535), np.float32(514 / 65535)

    def run(x: Plane) -> Plane:
        for dx, dy in ((0, 1), (1, 0), (1, 1), (-1, 1)) * op.n:
            for sign, up in ((1, 1), (-1, 1), (-1, -1), (1, -1)):
                ahead, behind = np.roll(x, (sign * dy, sign * dx), (0, 1)), np.roll(x, (-sign * dy, -sign * dx), (0, 1))
                x = x + np.float32(up) * one * (ahead * up >= x * up + two)
                x = x + np.float32(up) * one * ((behind * up >= x * up + two) & (ahead * up > x * up))
        return x

    return {"NumPy": lambda p: run(p.mask)}


def threshold(op: Any) -> dict[str, Contender]:
    t, T = op.t / 100, op.T / 100

    def run(x: Plane) -> Plane:
        x = cv2.threshold(x, t, 0, cv2.THRESH_TOZERO)[1]
        return cv2.max(x, cv2.threshold(x, T, 1, cv2.THRESH_BINARY)[1])

    return {"OpenCV": lambda p: run(p.mask)}


def limited(limit: Callable[[Any, Pictures], Plane]) -> Callable[[Any], dict[str, Contender]]:
    return lambda op: {"OpenCV": lambda p: cv2.min(p.cut, limit(op, p))}


def slope(op: Any, p: Pictures) -> Plane:
    return clamped(cv2.addWeighted(p.mask, (op.P - op.p) / 100, p.mask, 0, op.p / 100))


def final_alpha(op: Any) -> dict[str, Contender]:
    """Two copies with another opacity."""

    def run(p: Pictures) -> tuple[Plane, Plane]:
        alpha = np.ones_like(p.mask) if op.word1 else slope(op, p)
        return np.concatenate([p.frame, alpha[None]]), np.stack([p.mask, alpha])

    return {"OpenCV": run}


def final_threshold(op: Any) -> dict[str, Contender]:
    """As final_alpha, with the mask limited as well."""

    def run(p: Pictures) -> tuple[Plane, ...]:
        kept = cv2.threshold(p.mask, op.t / 100, 1, cv2.THRESH_BINARY)[1]
        kept = cv2.min(kept, cv2.threshold(p.mask, op.T / 100, 1, cv2.THRESH_BINARY_INV)[1])
        kept = smooth(op, op.s)[0](kept) if op.s else kept
        left = cv2.min(p.mask, kept)
        again = cv2.min(cv2.threshold(left, op.t / 100, 1, cv2.THRESH_BINARY)[1], kept)
        return np.concatenate([p.frame, cv2.min(p.cut, kept)[None]]), left, np.stack([p.mask, cv2.min(p.cut, again)])

    return {"OpenCV": run}


def final_blur(op: Any) -> dict[str, Contender]:
    """Colours blurred, laid over by a blurred opacity."""

    def run(p: Pictures) -> Plane:
        weak = cv2.threshold(p.mask, op.t / 100, 1, cv2.THRESH_BINARY_INV)[1]
        a = smooth(op, op.S)[0](weak) if op.S else weak
        rest = cv2.multiply(p.cut, cv2.subtract(1.0, a))
        opacity = cv2.add(a, rest)
        colours = [cv2.divide(cv2.add(cv2.multiply(smooth(op, op.s)[0](plane), a), cv2.multiply(plane, rest)), opacity)
                   for plane in p.frame]  # fmt: skip
        return np.stack([*colours, opacity])

    return {"OpenCV": run}


def final_gamma(op: Any) -> dict[str, Contender]:
    def run(p: Pictures) -> Plane:
        return np.stack([*(cv2.pow(clamped(plane.copy()), 0.8) for plane in p.frame), p.cut])

    return {"OpenCV": run}
