"""Morphology, statistics, wavelets, Fourier masks and other sizes by others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import scipy.fft
from scipy import ndimage

from benchmarks.others.common import EDGE, Contender, Filter, Plane, on
from imfuse_tiles import kernels


def morphology(op: Any) -> dict[str, Contender]:
    element, times = op.structuring_element().astype(np.uint8), int(op.R)
    footprint = element.astype(bool)

    def by_cv(mode: str) -> Filter:
        function = cv2.dilate if mode == "D" else cv2.erode
        return lambda x: function(x, element, iterations=times, borderType=EDGE)

    def by_scipy(mode: str) -> Filter:
        function = ndimage.maximum_filter if mode == "D" else ndimage.minimum_filter

        def run(x: Plane) -> Plane:
            for _ in range(times):
                x = function(x, footprint=footprint, mode="nearest")
            return x

        return run

    def built(step: Callable[[str], Filter]) -> Filter:
        dilate, erode = step("D"), step("E")
        table: dict[str, Filter] = {
            "Dilate": dilate, "Erode": erode, "Open": lambda x: dilate(erode(x)), "Close": lambda x: erode(dilate(x)),
            "Smooth": lambda x: erode(dilate(dilate(erode(x)))), "Edge": lambda x: cv2.subtract(dilate(x), erode(x)),
            "EdgeIn": lambda x: cv2.subtract(x, erode(x)), "EdgeOut": lambda x: cv2.subtract(dilate(x), x),
            "TopHat": lambda x: cv2.subtract(x, dilate(erode(x))),
            "BottomHat": lambda x: cv2.subtract(erode(dilate(x)), x),
        }  # fmt: skip
        return table[op.word1]

    return on(op, OpenCV=built(by_cv), SciPy=built(by_scipy))


def box(width: float, mode: str) -> dict[str, Filter]:
    """A statistic of a box, by those libraries that have it."""
    side, n = int(width), int(width) ** 2
    size, anchor = (side, side), (side // 2, side // 2)
    mean = lambda x: cv2.boxFilter(x, -1, size, anchor=anchor, borderType=EDGE)  # noqa: E731
    square = lambda x: cv2.sqrBoxFilter(x, cv2.CV_32F, size, anchor=anchor, borderType=EDGE)  # noqa: E731
    flat = np.ones(size, np.uint8)
    dilate = lambda x: cv2.dilate(x, flat, anchor=anchor, borderType=EDGE)  # noqa: E731
    erode = lambda x: cv2.erode(x, flat, anchor=anchor, borderType=EDGE)  # noqa: E731
    whole = lambda x: cv2.convertScaleAbs(x) if x.dtype == np.uint8 else (x * 65535 + 0.5).astype(np.uint16)  # noqa: E731
    table: dict[str, dict[str, Filter]] = {
        "Mean": {"OpenCV": mean, "SciPy": lambda x: ndimage.uniform_filter(x, side, mode="nearest")},
        "RMS": {"OpenCV": lambda x: cv2.sqrt(square(x))},
        "StandardDeviation": {
            "OpenCV": lambda x: cv2.sqrt(cv2.max(cv2.subtract(square(x), cv2.pow(mean(x), 2)), 0)),
            "SciPy": lambda x: np.sqrt(np.maximum(ndimage.uniform_filter(x * x, side, mode="nearest")
                                                  - ndimage.uniform_filter(x, side, mode="nearest") ** 2, 0)),
        },
        "Minimum": {"OpenCV": erode, "SciPy": lambda x: ndimage.minimum_filter(x, side, mode="nearest")},
        "Maximum": {"OpenCV": dilate, "SciPy": lambda x: ndimage.maximum_filter(x, side, mode="nearest")},
        "Gradient": {"OpenCV": lambda x: cv2.subtract(dilate(x), erode(x))},
        "Contrast": {"OpenCV": lambda x: cv2.divide(cv2.subtract(a := dilate(x), b := erode(x)), cv2.add(a, b))},
        "Median": {"SciPy": lambda x: ndimage.rank_filter(whole(x), n // 2, size=side, mode="nearest").astype("f4")},
    }  # fmt: skip
    if mode == "Median" and side in (3, 5):
        table["Median"]["OpenCV"] = lambda x: np.divide(cv2.medianBlur(whole(x), side), 65535, dtype=np.float32)
    return table.get(mode, {})


def statistic(op: Any) -> dict[str, Contender]:
    second = getattr(op, "word2", op.word1)
    once, again = box(op.r, op.word1), box(getattr(op, "R", None) or op.r, second)
    if op.name != "diffstat" and getattr(op, "R", None) is None:
        return on(op, **once)
    both = {name: (one, again.get(name, next(iter(again.values())))) for name, one in once.items() if again}
    return on(op, **{name: lambda x, a=a, b=b: cv2.absdiff(a(x), b(x)) for name, (a, b) in both.items()})


def wavelet(op: Any) -> dict[str, Contender]:
    """The same transform, level by level."""
    percents = [p for p in (op.p, getattr(op, "P", None)) if p is not None]
    if op.word1:
        return on(op, **{"PyWavelets": lambda x: by_pywavelets(x, op.word1)})
    made = lambda x: [softened(x, p) for p in percents]  # noqa: E731
    return on(op, OpenCV=lambda x: made(x)[0] if len(percents) == 1 else cv2.absdiff(*made(x)))


def softened(x: Plane, percent: float) -> Plane:
    current, total = x, np.zeros_like(x)
    for level, limit in enumerate(kernels.wavelet.thresholds_for(percent)):
        taps = np.zeros(2 * 2**level + 1, np.float32)
        taps[[0, 2**level, -1]] = 0.25, 0.5, 0.25
        low = cv2.sepFilter2D(current, -1, taps, taps, borderType=cv2.BORDER_REFLECT_101)
        detail = cv2.subtract(current, low)
        cv2.add(total, cv2.min(cv2.max(detail, -float(limit)), float(limit)), dst=total)
        current = low
    return cv2.subtract(x, total, dst=total)


def by_pywavelets(x: Plane, name: str) -> Plane:
    import pywt

    levels = 5
    rim = -len(x) % 2**levels
    parts = pywt.swt2(np.pad(x, (0, rim), mode="symmetric"), name, levels, trim_approx=True, norm=True)
    limits = [0.01] * levels
    soft = [tuple(pywt.threshold(p, t, "soft") for p in level) for level, t in zip(parts[1:], limits, strict=True)]
    return pywt.iswt2([parts[0], *soft], name, norm=True)[: x.shape[0], : x.shape[1]].astype(np.float32)


def fourier(op: Any) -> dict[str, Contender]:
    """The padded plane there and back; the response is ready."""

    def run(x: Plane) -> Plane:
        response = op.responses(x.shape)[0]
        size = kernels.fft.fft_size(*x.shape)
        if (response, size) not in GAINS:
            GAINS[response, size] = np.ascontiguousarray(kernels.fft.gain_plane(response, *x.shape).T)
        top, left = (size - x.shape[0]) // 2, (size - x.shape[1]) // 2
        around = ((top, size - x.shape[0] - top), (left, size - x.shape[1] - left))
        spectrum = scipy.fft.rfft2(np.pad(x, around, "edge"), workers=1)
        spectrum *= GAINS[response, size]
        return scipy.fft.irfft2(spectrum, (size, size), workers=1)[top : top + x.shape[0], left : left + x.shape[1]]

    if getattr(op, "R", None):
        return on(op, SciPy=lambda x: np.abs(run(x) - run(x)))
    return on(op, SciPy=run)


GAINS: dict[Any, Plane] = {}


def resized(op: Any) -> dict[str, Contender]:
    """OpenCV has the cubic and the linear one; SciPy's cubic spline without its prefilter is the spline."""
    how = {"Spline": cv2.INTER_CUBIC, "Catrom": cv2.INTER_CUBIC, "Nearest": cv2.INTER_NEAREST}
    p = op.p / 100

    def run(x: Plane) -> Plane:
        mode = how.get(op.word1, cv2.INTER_LINEAR)
        small = cv2.resize(x, (round(x.shape[1] * p), round(x.shape[0] * p)), interpolation=mode)
        return cv2.resize(small, x.shape[::-1], interpolation=mode)

    def slow(x: Plane) -> Plane:
        more = dict(order=3, prefilter=False, mode="nearest", grid_mode=True)
        small = ndimage.zoom(x, p, **more)
        return ndimage.zoom(small, (x.shape[0] / small.shape[0], x.shape[1] / small.shape[1]), **more)

    return on(op, OpenCV=run, SciPy=slow) if op.word1 == "Spline" else on(op, OpenCV=run)
