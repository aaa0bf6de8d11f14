"""Where focus lies between slices at every pixel, and how sure that is, from the evidence of slices one after another.

The depth is the peak of a parabola through the strongest slice and those beside it; in long stacks the mean of the
slices around the strongest window of some.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .focus_peak import Part, Peak, Plane, energy_deviation, signal_energy
from .focus_windows import WHITE, Windows, centre, measure_noise
from .level_codes import Codes, from_bfloat16, sample_codes, to_bfloat16

#: Slices by which long stacks are measured: in those of twice as many and more, the depth is the mean of the slices
#: near the peak: three slices are too like each other there for a parabola. In shorter ones too few slices are far from
#: the peak to compare it with: peaks of noise that neighbours share would speckle what is sharp in none of them.
SWEEP = 12
#: Slices by which a peak is uncertain at best; in long stacks as many times as much as slices count on either side, or
#: coarse levels, whose windows see several depths, would overrule fine ones.
LEAST_SPREAD = 0.1
#: Standard deviations above the mean of noise up to which the strongest evidence may be noise alone, and from which
#: on it surely is not.
CHANCE, CERTAIN = 3.0, 9.0
#: One over the variance of a place of which nothing is known, in short stacks and in long ones.
UNKNOWN = (1e-4, 1e-12)


class Place:
    """The place of the strongest evidence of ``total`` slices, which are added twice in their order.

    ``noise``: mean energy of noise; ``ordered``: slices follow each other in focus; otherwise the place is the
    sharpest slice itself. Planes are float32 (y, x).
    """

    def __init__(self, peak: Peak, total: int, noise: float, ordered: bool) -> None:
        self.peak, self.total, self.noise, self.ordered = peak, total, np.float32(noise), ordered
        #: Slices on either side of the strongest that count for the depth between slices; 1: a parabola.
        self.reach = max(total // SWEEP, 1) if ordered else 1
        self.block = max(self.reach // 4, 1)
        shape = peak.best.shape[0], peak.best.shape[1]
        #: All slices are needed a second time where there are some.
        self.windows = Windows(shape, self.block) if self.reach > 1 else None

    @property
    def peaks(self) -> tuple[Plane, NDArray[np.int32], Plane, Plane]:
        """The strongest evidence, of a slice or the mean of a window, where that begins, and those before and after."""
        if self.windows:
            return self.windows.best, self.windows.first, self.windows.before, self.windows.after
        return self.peak.best, self.peak.index, self.peak.before, self.peak.after

    def add(self, evidence: Plane) -> None:
        """Take the next slice's evidence, from 0 on, -1 where the slice has no picture, after the peak has."""
        if self.windows:
            self.windows.add(evidence)

    def add_again(self, evidence: Plane, z: int) -> None:
        """Take a slice of a long stack into account by how near it is to the strongest, once that is known."""
        if self.windows:
            self.windows.add_again(evidence, z, self.noise, self.reach, self.total)

    def codes(self, part: Part) -> Codes:
        """The place in a part, between slices from 0 on, and one over its variance, as :func:`stored_place` reads it.

        uint16 (2, y, x).
        """
        windows, width = self.windows, 2 * self.block if self.windows else 1
        where = np.empty_like(self.peak.best[part])
        sure, mean = np.empty_like(where), np.full_like(where, self.noise)
        deviation = mean * np.float32(WHITE)
        if windows:
            measure_noise(*(plane[part] for plane in windows.far), mean, deviation)
        peaks = (plane[part] for plane in self.peaks)
        bounds = UNKNOWN[self.reach > 1], LEAST_SPREAD * self.reach
        _place(*peaks, mean, deviation, width, self.total, self.ordered, *bounds, where, sure)
        if windows:
            centre(windows.first[part], windows.mass[part], windows.moment[part], self.block, where)
        return np.stack([sample_codes(where, max(self.total - 1, 1)), to_bfloat16(sure)])


def stored_place(codes: Codes, count: int) -> Plane:
    """The place between ``count`` slices, from 0 on, and one over its variance, float32 (2, y, x), from their codes."""
    return np.stack([codes[0] * np.float32(max(count - 1, 1) / 65535), from_bfloat16(codes[1])])


@njit(cache=True, nogil=True)
def _place(best, first, before, after, mean, deviation, width, count, ordered, unknown, least, where, sure):  # type: ignore[no-untyped-def]
    """The peak of a parabola through the logarithms of three windows of ``width`` slices, the strongest beginning at
    ``first``. What noise does to them, over the bend, is the deviation of that, and ``least`` what it is at least."""
    for y in range(where.shape[0]):
        for x in range(where.shape[1]):
            i, noise = first[y, x], mean[y, x]
            b = math.log(signal_energy(best[y, x], noise) + np.float32(1e-12))
            a = math.log(signal_energy(before[y, x], noise) + np.float32(1e-12))
            c = math.log(signal_energy(after[y, x], noise) + np.float32(1e-12))
            error_b = _relative(best[y, x], noise, width)
            error_a, error_c = _relative(before[y, x], noise, width), _relative(after[y, x], noise, width)
            if i < width or before[y, x] < 0:
                a, error_a = c, error_c
            if i + 2 * width > count or after[y, x] < 0:
                c, error_c = a, error_a
            bend = max(2 * b - a - c, 1e-3) if count > 1 else 1e-3
            shift = min(max(0.5 * (c - a) / bend, -0.5), 0.5) if ordered else 0.0
            where[y, x] = max(i, 0) + 0.5 * (width - 1) + shift * width
            spread = ((0.25 + shift * shift) * (error_a + error_c) + 4 * shift * shift * error_b + error_b) * width**2
            precision = 1 / (spread / (bend * bend) + least * least)
            above = (best[y, x] - noise) * math.sqrt(width) / (deviation[y, x] + 1e-20)
            real = min(max((above - CHANCE) / (CERTAIN - CHANCE), 0.0), 1.0)
            sure[y, x] = max(precision * real * real, unknown)


@njit(cache=True, nogil=True, inline="always")
def _relative(energy, noise, slices):  # type: ignore[no-untyped-def]
    """Variance of the logarithm of an energy, the mean of so many slices, through noise, 9 at most."""
    share = energy_deviation(energy, noise) / (signal_energy(energy, noise) + np.float32(1e-12))
    return min(share * share / slices, np.float32(9))
