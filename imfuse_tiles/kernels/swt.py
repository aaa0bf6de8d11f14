"""Wavelet denoising with the filters of a named wavelet: PyWavelets' stationary transform, one window at a time.

Nothing is decimated: level j applies the filters with their taps 2^(j-1) pixels apart, so every pixel is treated
alike and a window with enough halo gives the pixels of the whole plane. Filters are divided by sqrt(2), which
keeps the coarse plane in the range of the plane (PyWavelets calls it norm=True).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pywt
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]

WIDEST = 256  # the largest halo that levels_named() allows by itself


class Bank(NamedTuple):
    """The four filters in the order in which they meet the pixels from left to right, ends without zeros."""

    split_low: Plane
    split_high: Plane
    join_low: Plane
    join_high: Plane

    @property
    def reach(self) -> int:
        """Pixels that splitting and joining read on each side, at level 1."""
        return (len(self.split_low) + len(self.join_low)) // 2 - 1


def known_wavelets() -> tuple[str, ...]:
    """Names of all orthogonal and biorthogonal wavelets: haar, db2, sym4, coif1, bior4.4 ..."""
    return tuple(pywt.wavelist(kind="discrete"))


def halo_named(wavelet: str, levels: int) -> int:
    """Pixels on each side that `soften_named` needs: 3 (2^levels - 1) for db2, 31 for haar with 5 levels."""
    return bank(wavelet).reach * (2**levels - 1)


def levels_named(wavelet: str, height: int, width: int, widest: int = WIDEST) -> int:
    """Levels for a frame: at most 5, steps shorter than the frame, the halo not above `widest`; at least 1."""
    levels = 5
    while levels > 1 and (2 ** (levels - 1) >= min(height, width) or halo_named(wavelet, levels) > widest):
        levels -= 1
    return levels


def noise_named(wavelet: str, levels: int) -> tuple[float, ...]:
    """Deviation of the details of each level for white noise of deviation 1; 2^-level if orthogonal.

    The root mean square of the three orientations: a threshold in these units cuts all levels alike.
    """
    low, high = (taps.astype(np.float64) for taps in bank(wavelet)[:2])
    smooth, gains = np.ones(1), []
    for level in range(levels):
        fine, coarse = (np.convolve(smooth, _spread(taps, 2**level)) for taps in (high, low))
        h, c = np.sum(fine**2), np.sum(coarse**2)
        gains.append(float(np.sqrt((2 * h * c + h * h) / 3)))
        smooth = coarse
    return tuple(gains)


def soften_named(plane: Plane, wavelet: str, levels: int, thresholds: Sequence[float]) -> Plane:
    """Transform, shrink the details, transform back. float32 (y, x) -> (y - 2h, x - 2h), h = halo_named(...).

    thresholds[j] is for level j + 1, in the units of the plane: a detail d of any of the three orientations
    becomes sign(d) max(|d| - threshold, 0). Thresholds of 0 give the plane back. Beyond the frame the caller
    mirrors about the edge sample, once. Needs memory for 3 levels + 2 planes of the size of the window.
    Raises ValueError for an unknown wavelet or if there are fewer thresholds than levels.
    """
    if len(thresholds) < levels:
        raise ValueError(f"{levels} levels need as many thresholds, not {len(thresholds)}")
    filters, details = bank(wavelet), []
    low, high = filters.split_low, filters.split_high
    for level in range(levels):
        step, t = 2**level, np.float32(thresholds[level])
        steep = _split(plane, high, low, high, step, t, t)
        plane, across = _split(plane, low, low, high, step, np.float32(0), t)
        details.append((across, *steep))
    for level in reversed(range(levels)):
        margin = filters.reach * (2**levels - 2 ** (level + 1))  # the halo of the deeper levels
        plane = _join(plane, *details.pop(), filters.join_low, filters.join_high, 2**level, margin)
    return plane


@lru_cache(maxsize=16)
def bank(wavelet: str) -> Bank:
    """The filters of a wavelet. Raises ValueError if there is no such orthogonal or biorthogonal wavelet."""
    name = wavelet.lower()
    if name not in known_wavelets():
        raise ValueError(f"no orthogonal or biorthogonal wavelet is called {wavelet!r}")
    filters = (np.trim_zeros(np.array(taps)) for taps in pywt.Wavelet(name).filter_bank)
    return Bank(*(np.ascontiguousarray(taps[::-1] / np.sqrt(2), np.float32) for taps in filters))


def _spread(taps: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    spread = np.zeros((len(taps) - 1) * step + 1)
    spread[::step] = taps
    return spread


@njit(cache=True, nogil=True, counted=False)
def _add_rows(plane: Plane, top: int, left: int, taps: Plane, step: int, row: Plane) -> None:
    """Add to a row the rows of a plane from `top` on, `step` rows apart, weighted by the taps."""
    for k in range(0, len(taps) - 1, 2):
        a, b = plane[top + k * step, left:], plane[top + (k + 1) * step, left:]
        s, t = taps[k], taps[k + 1]
        for x in range(len(row)):
            row[x] += s * a[x] + t * b[x]
    if len(taps) % 2:
        a, s = plane[top + (len(taps) - 1) * step, left:], taps[-1]
        for x in range(len(row)):
            row[x] += s * a[x]


@njit(cache=True, nogil=True, counted=False)
def _add_shifted(source: Plane, taps: Plane, step: int, row: Plane) -> None:
    """Add to a row another one, shifted by 0, `step`, 2 `step` ... pixels and weighted by the taps."""
    for k in range(0, len(taps) - 1, 2):
        a, b = source[k * step :], source[(k + 1) * step :]
        s, t = taps[k], taps[k + 1]
        for x in range(len(row)):
            row[x] += s * a[x] + t * b[x]
    if len(taps) % 2:
        a, s = source[(len(taps) - 1) * step :], taps[-1]
        for x in range(len(row)):
            row[x] += s * a[x]


@njit(cache=True, nogil=True, counted=False)
def _shrink(row: Plane, threshold: float) -> None:
    for x in range(len(row)):
        above, below = row[x] - threshold, row[x] + threshold
        above = above if above > np.float32(0) else np.float32(0)
        row[x] = above + (below if below < np.float32(0) else np.float32(0))


@njit(cache=True, nogil=True)
def _split(
    plane: Plane, taps: Plane, low: Plane, high: Plane, step: int, shrink_low: float, shrink_high: float
) -> tuple[Plane, Plane]:
    """Filter by `taps` down the columns, then by `low` and by `high` along the rows; shrink both."""
    rows, columns = plane.shape[0] - (len(taps) - 1) * step, plane.shape[1]
    smooth = np.empty((rows, columns - (len(low) - 1) * step), np.float32)
    detail = np.empty((rows, columns - (len(high) - 1) * step), np.float32)
    row = np.empty(columns, np.float32)
    for y in range(rows):
        row[:] = np.float32(0)
        smooth[y] = np.float32(0)
        detail[y] = np.float32(0)
        _add_rows(plane, y, 0, taps, step, row)
        _add_shifted(row, low, step, smooth[y])
        _add_shifted(row, high, step, detail[y])
        if shrink_low > 0:
            _shrink(smooth[y], shrink_low)
        _shrink(detail[y], shrink_high)
    return smooth, detail


@njit(cache=True, nogil=True)
def _join(
    smooth: Plane,
    across: Plane,
    down: Plane,
    both: Plane,
    low: Plane,
    high: Plane,
    step: int,
    margin: int,
) -> Plane:
    """The plane that was split. The details `across`, `down`, `both` have a margin that `smooth` lost."""
    rows, columns = smooth.shape[0] - (len(low) - 1) * step, smooth.shape[1] - (len(low) - 1) * step
    out = np.zeros((rows, columns), np.float32)
    even, odd = np.empty(smooth.shape[1], np.float32), np.empty(across.shape[1] - 2 * margin, np.float32)
    for y in range(rows):
        even[:] = np.float32(0)
        odd[:] = np.float32(0)
        _add_rows(smooth, y, 0, low, step, even)
        _add_rows(down, y + margin, margin, high, step, even)
        _add_rows(across, y + margin, margin, low, step, odd)
        _add_rows(both, y + margin, margin, high, step, odd)
        _add_shifted(even, low, step, out[y])
        _add_shifted(odd, high, step, out[y])
    return out
