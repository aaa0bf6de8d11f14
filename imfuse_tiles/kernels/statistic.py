"""Statistics of a window that slides over a plane.

The window is `width` pixels wide and high, at offsets -floor(width/2) .. width - 1 - floor(width/2): an even
one reaches a pixel further to the left and to the top. Sums are those of `moments`, or for whole numbers
of `deviation`, extremes those of `morphology`, median, mode and nonpeak those of `ranks`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.codes import full_scale, scale_to_unit
from imfuse_tiles.kernels.deviation import deviation, exact_sum_type
from imfuse_tiles.kernels.moments import DEVIATION, MEAN, SQUARE, moment
from imfuse_tiles.kernels.morphology import dilate, erode
from imfuse_tiles.kernels.ranks import RANKS, rank_filter

Plane = NDArray[np.float32]

SUMS = {"Mean": MEAN, "RMS": SQUARE, "StandardDeviation": DEVIATION}
MODES = (*SUMS, "Minimum", "Maximum", "Gradient", "Contrast", *RANKS)


def before(width: float) -> int:
    """Rows above and columns to the left of a pixel that its window needs."""
    return int(width) // 2


def after(width: float) -> int:
    """Rows below and columns to the right of a pixel that its window needs."""
    return int(width) - 1 - before(width)


def statistic(samples: NDArray[Any], width: float, mode: str) -> Plane:
    """One number for each window of floor(width)^2 = n pixels. float32 (y, x) -> (y - w + 1, x - w + 1).

    Samples of uint8 and uint16 are codes of 0..1; their deviation is computed from them, without rounding before.

    Mean; RMS = sqrt(mean x*x); StandardDeviation = sqrt(mean x*x - mean^2); Minimum; Maximum; Gradient =
    max - min; Contrast = |max - min| / |max + min| / 65535 (0 if max + min is 0). Of samples rounded to 16 bit:
    Median = sorted[n // 2]; Mode = the most frequent value, the lowest of equals; NonPeak = the median, or if
    nothing is smaller the next larger value, or if nothing is larger the next smaller one.
    Raises ValueError for another mode or a width below 1.
    """
    width = int(width)
    if width < 1:
        raise ValueError("the window of a statistic is at least 1 pixel wide")
    if mode == "StandardDeviation" and exact_sum_type(samples.dtype, width):
        return deviation(samples, width)
    plane = scale_to_unit(samples, full_scale(samples.dtype))
    if mode in SUMS:
        return moment(plane, width, SUMS[mode])
    if mode in RANKS:
        return rank_filter(plane, width, mode)
    if mode not in MODES:
        raise ValueError(f"no statistic is called {mode!r}; there are {', '.join(MODES)}")
    return _extremes(plane, np.ones((width, width), np.bool_), mode)


def _extremes(plane: Plane, window: NDArray[np.bool_], mode: str) -> Plane:
    if mode == "Minimum":
        return erode(plane, window)
    high = dilate(plane, window)
    if mode == "Maximum":
        return high
    low = erode(plane, window)
    if mode == "Gradient":
        return np.subtract(high, low, out=high)
    span, total = high - low, np.abs(high + low) * np.float32(65535)
    return np.divide(span, total, out=np.zeros_like(span), where=total > 0)
