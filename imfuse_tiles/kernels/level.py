"""Stretching masks over the stack: limits, the equalisation table, and applying both."""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.crop import uncropped_array

STEPS = 65536
BINS = 256


def six_digits(value: float) -> float:
    """A mask value as its percent figure of six significant digits says it, which is how limits are kept."""
    return float(f"{value * 100:.6g}") / 100


def histogram(peak: np.ndarray, low: float, high: float) -> np.ndarray:
    """How many pixels of the stack's strongest mask fall into each of 256 bins of its levelled value.

    ``peak``: float32 (y, x), the largest raw mask over all slices, -inf where there is none, which does not count.
    Returns int64[256].
    """
    counts = np.zeros(BINS, np.int64)
    if peak.size and peak.min() == -np.inf:
        peak = peak[peak > -np.inf][None]
    _count(np.ascontiguousarray(peak), low, high - low, counts)
    return counts


@njit(cache=True, nogil=True)
def _count(peak, low, span, counts):  # type: ignore[no-untyped-def]
    bins = np.empty(peak.shape[1], np.int32)
    for y in range(peak.shape[0]):
        row = peak[y]
        for x in range(row.size):
            value = min(max((np.float64(row[x]) - low) / span, 0.0), 1.0)
            bins[x] = np.int32(255.0 * value + 0.5)
        for x in range(bins.size):
            counts[bins[x]] += 1


def equalisation(counts: np.ndarray) -> np.ndarray | None:
    """The equalisation curve at 256 points from the histogram; None when every pixel is in the last bin.

    Point k is the share of the pixels *below* bin k (exclusive), in whole 16-bit steps.
    """
    below = np.concatenate([[0], np.cumsum(counts)[:-1]])
    if below[255] == 0:
        return None
    factor = float(f"{65535 / below[255]:.6g}")
    return np.floor(factor * below) / 65535


def table(curve: np.ndarray | None) -> np.ndarray:
    """The curve read at every 16-bit level: float32[65536]; empty when there is no curve."""
    if curve is None:
        return np.empty(0, np.float32)
    return np.interp(np.arange(STEPS) / 65535 * 255, np.arange(BINS), curve).astype(np.float32)


@njit(cache=True, nogil=True, counted=False)
def _place_row(raw, low, scale, places):  # type: ignore[no-untyped-def]
    """The places of a row's values, stretched from ``low`` on by ``scale`` to 0..1, in a table of all 16-bit codes."""
    for x in range(raw.size):
        value = min(max((np.float64(raw[x]) - low) * scale, 0.0), 1.0)
        places[x] = np.int32(65535.0 * value + 0.5)


@njit(cache=True, nogil=True, counted=False)
def _look_up_row(table, places, out):  # type: ignore[no-untyped-def]
    for x in range(out.size):
        out[x] = table[places[x]]


@njit(cache=True, nogil=True)
def _levelled(raw, low, scale, steps, out):  # type: ignore[no-untyped-def]
    equalised = steps.size > 0
    places = np.empty(raw.shape[1], np.int32)
    for y in range(raw.shape[0]):
        if equalised:  # first all places, several at once, then all looked up
            _place_row(raw[y], low, scale, places)
            _look_up_row(steps, places, out[y])
        else:
            for x in range(raw.shape[1]):
                value = min(max((np.float64(raw[y, x]) - low) * scale, 0.0), 1.0)
                out[y, x] = np.float32(value)


def table_places(raw: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where a raw mask float32 (y, x), stretched from low..high, lies in the table of an equalisation: uint16 (y, x).

    The table at these places is what ``stretch_levels`` gives. ``high`` is above ``low``.
    """
    out = np.empty(raw.shape, np.uint16)
    _places(np.ascontiguousarray(raw), low, 1.0 / (high - low), out)
    return out


@njit(cache=True, nogil=True)
def _places(raw, low, scale, out):  # type: ignore[no-untyped-def]
    for y in range(raw.shape[0]):
        _place_row(raw[y], low, scale, out[y])


def look_up(table: np.ndarray, places: np.ndarray) -> np.ndarray:
    """What stands at places, uint16 (y, x), of a table float32[65536]: float32 (y, x)."""
    out = np.empty(places.shape, np.float32)
    _look_up(table, np.ascontiguousarray(places), out)
    return out


@njit(cache=True, nogil=True)
def _look_up(table, places, out):  # type: ignore[no-untyped-def]
    for y in range(places.shape[0]):
        _look_up_row(table, places[y], out[y])


def stretch_levels(
    raw: np.ndarray, low: float, high: float, steps: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """A raw mask float32 (y, x) stretched from low..high to 0..1, then through ``steps`` if there are any.

    A mask without range (low == high over the whole stack) is 0 everywhere. Returns a new array or ``out``.
    """
    out = np.empty_like(raw) if out is None else out
    if high <= low:
        out.fill(0)
        return out
    _levelled(raw, low, 1.0 / (high - low), steps, out)
    return out


def raise_peak(mask: np.ndarray, peak: np.ndarray, shown: np.ndarray | None = None) -> float:
    """Raise ``peak``, the largest values so far, to those of one more mask; its smallest. All float32 (y, x).

    ``shown``: only these pixels count, bool (y, x); the smallest of none is infinite.
    """
    if shown is not None and not shown.all():
        np.maximum(peak, mask, out=peak, where=shown)
        return float(np.min(mask, where=shown, initial=np.inf))
    lows = np.full(mask.shape[1], np.inf, np.float32)
    _gathered(np.ascontiguousarray(mask), *uncropped_array(peak), lows)
    return float(lows.min())


@njit(cache=True, nogil=True, counted=False)
def _gathered(mask, peak, top, left, lows):  # type: ignore[no-untyped-def]
    for y in range(mask.shape[0]):
        row, most = mask[y], peak[top + y][left : left + mask.shape[1]]
        for x in range(row.size):
            most[x] = max(most[x], row[x])
            lows[x] = min(lows[x], row[x])


def clamp_and_extremes(mask: np.ndarray) -> tuple[np.ndarray, float, float]:
    """A mask float32 (y, x) in 0..1, changed in place if it can be; its smallest and its largest value."""
    mask = np.require(mask, np.float32, ["C", "W"])
    lows, highs = (np.full(mask.shape[1], value, np.float32) for value in (np.inf, -np.inf))
    _limited(mask, lows, highs)
    return mask, float(lows.min()), float(highs.max())


@njit(cache=True, nogil=True)
def _limited(mask, lows, highs):  # type: ignore[no-untyped-def]
    """Extremes column by column, which is as fast as the limiting alone."""
    for y in range(mask.shape[0]):
        row = mask[y]
        for x in range(row.size):
            value = min(max(row[x], np.float32(0)), np.float32(1))
            row[x] = value
            lows[x] = min(lows[x], value)
            highs[x] = max(highs[x], value)


def threshold_and_weigh(mask: np.ndarray, t: float | None, T: float | None, weight: float) -> np.ndarray:
    """A mask with values below t percent set to 0, above T percent set to 1, times weight percent / 100."""
    if t is None and T is None and weight == 100:
        return mask
    out = np.empty(mask.shape, np.float32)
    low, high = np.float32(-np.inf if t is None else t / 100), np.float32(np.inf if T is None else T / 100)
    _weighed(np.ascontiguousarray(mask), low, high, np.float32(weight / 100), out)
    return out


@njit(cache=True, nogil=True)
def _weighed(mask, low, high, weight, out):  # type: ignore[no-untyped-def]
    zero, one = np.float32(0), np.float32(1)
    for y in range(mask.shape[0]):
        source, row = mask[y], out[y]
        for x in range(row.size):
            value = zero if source[x] < low else source[x]
            row[x] = (one if value > high else value) * weight
