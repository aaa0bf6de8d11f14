"""The strongest of many slices at every pixel, what its neighbours say of the peak, and soft weights around it.

Slices come one after the other, so that memory does not depend on their number: a first pass keeps the strongest
evidence with that of the slices before and after, a second one weighs every slice by how far it stays below.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .detail_energy import SAMPLES
from .level_codes import Codes, from_bfloat16, sample_codes, to_bfloat16

Plane = NDArray[np.float32]
#: Rows and columns of a part of a plane.
Part = tuple[slice, slice]

#: A slice counts less by what it stays below the strongest, in units of so many standard deviations of the noise of
#: an energy plus this share of it; at ``REACH`` units it does not count any more.
NOISE_WIDTH, SHARE_WIDTH, REACH = 1.5, 0.06, 8.0
#: Largest logarithm of the detail that defocus is taken to have cost the slice next to the focus.
MOST_GAIN = 0.8
#: Blur (sigma, radius) of that logarithm, and of the weights of slices.
GAIN_BLUR, WEIGHT_BLUR = (1.5, 4), (0.7, 2)
#: What is left of the detail is taken to be at least this share.
LEAST_LEFT = 0.4
#: In stacks of twice as many slices and more, the depth is the mean of the slices near the peak, weighed by how far
#: their energy is above this share of the strongest: three slices are too like each other there for a parabola.
SWEEP, NEAR_SHARE = 12, 0.5
#: Slices by which a peak is uncertain at best; in long stacks as many times as much as slices count on either side, or
#: coarse levels, whose windows see several depths, would overrule fine ones.
LEAST_SPREAD = 0.1
#: Standard deviations above the mean of noise up to which the strongest evidence may be noise alone, and from which
#: on it surely is not.
CHANCE, CERTAIN = 3.0, 9.0


class Peak:
    """The strongest evidence so far, float32 (y, x), and its neighbours in z; slices are added in their order."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.best = np.full(shape, -1, np.float32)
        self.index = np.full(shape, -2, np.int32)
        self.before, self.after, self.previous = (np.zeros(shape, np.float32) for _ in range(3))
        self.count = 0
        self.mass, self.moment = (np.empty((0, 0), np.float32) for _ in range(2))

    def add(self, evidence: Plane) -> None:
        """Take the next slice's evidence, float32 (y, x) from 0 on, -1 where the slice has no picture."""
        _advance(evidence, self.count, self.best, self.index, self.before, self.after, self.previous)
        self.count += 1

    @property
    def reach(self) -> int:
        """Slices on either side of the strongest that count for the depth between slices; 1: a parabola."""
        return max(self.count // SWEEP, 1)

    def add_near(self, evidence: Plane, z: int, noise: float) -> None:
        """Take a slice into account for the mean of those near the strongest, once that is known."""
        if self.mass.size == 0:
            self.mass, self.moment = (np.zeros(self.best.shape, np.float32) for _ in range(2))
        _add_near(evidence, z, self.best, self.index, np.float32(noise), self.reach, self.mass, self.moment)

    def tolerance(self, noise: float, part: Part) -> Plane:
        """One over the distance below the strongest at which a slice counts no more; ``noise``: mean noise energy."""
        best = self.best[part]
        out = np.empty(best.shape, np.float32)
        _tolerance(best, np.float32(noise), out)
        return out

    def place(self, noise: float, ordered: bool, part: Part) -> Codes:
        """Where the evidence peaks in a part, between slices, and one over the variance of that, as it is kept.

        ``ordered``: slices follow each other in focus; otherwise it is the sharpest slice itself. uint16 (2, y, x),
        see :func:`stored_place`. Long sweeps need :meth:`add_near` of all slices before.
        """
        planes = [plane[part] for plane in (self.best, self.index, self.before, self.after)]
        where, sure = np.empty(planes[0].shape, np.float32), np.empty(planes[0].shape, np.float32)
        _place(
            *planes, np.float32(noise), self.count, ordered, LEAST_SPREAD * (self.reach if ordered else 1), where, sure
        )
        if self.mass.size:
            _centre(planes[1], self.mass[part], self.moment[part], self.count, self.reach, where)
        return np.stack([sample_codes(where, max(self.count - 1, 1)), to_bfloat16(sure)])

    def gain(self, noise: float) -> Plane:
        """The logarithm of the energy that the peak between slices has beyond the strongest slice: float32 (y, x)."""
        out = np.zeros_like(self.best)
        if self.count > 2:
            _gain(self.best, self.index, self.before, self.after, np.float32(noise), self.count, out)
        return out

    def inverse_top(self, gain: Plane, noise: float, part: Part) -> Plane:
        """One over the energy, without noise, at the peak between slices: float32 of a part."""
        best = self.best[part]
        out = np.empty(best.shape, np.float32)
        _inverse_top(best, gain, np.float32(noise), out)
        return out


def stored_place(codes: Codes, count: int) -> Plane:
    """The place between ``count`` slices, from 0 on, and one over its variance, float32 (2, y, x), from their codes."""
    return np.stack([codes[0] * np.float32(max(count - 1, 1) / 65535), from_bfloat16(codes[1])])


def weights(evidence: Plane, best: Plane, tolerance: Plane) -> Plane:
    """Weight of a slice, float32 0..1: (1 - distance below the strongest times ``tolerance``) to the eighth power.

    Close to an exponential function, but exactly 0 from a finite distance on, and the same on every machine.
    """
    out = np.empty_like(evidence)
    _weights(evidence, best, tolerance, out)
    return out


def add_shares(weight: Plane, energy: Plane, noise: float, inverse_top: Plane, total: Plane, left: Plane) -> None:
    """Add a slice's weight to ``total``, and times the share of the detail that its defocus has left to ``left``."""
    _add_shares(weight, energy, np.float32(noise), inverse_top, total, left)


@njit(cache=True, nogil=True, inline="always")
def _clean(energy, noise):  # type: ignore[no-untyped-def]
    return max(energy - noise, np.float32(0.1) * noise)


@njit(cache=True, nogil=True)
def _advance(evidence, z, best, index, before, after, previous):  # type: ignore[no-untyped-def]
    for y in range(best.shape[0]):
        for x in range(best.shape[1]):
            value = evidence[y, x]
            last = previous[y, x]
            stronger = value > best[y, x]
            after[y, x] = value if index[y, x] == z - 1 else after[y, x]
            before[y, x] = last if stronger else before[y, x]
            best[y, x] = value if stronger else best[y, x]
            index[y, x] = z if stronger else index[y, x]
            previous[y, x] = value


@njit(cache=True, nogil=True)
def _deviation(best, noise):  # type: ignore[no-untyped-def]
    """Standard deviation of an energy through noise: chi-square around its own mean."""
    signal = max(best - noise, np.float32(0))
    return np.sqrt((np.float32(2) * noise * noise + np.float32(4) * noise * signal) / np.float32(SAMPLES))


@njit(cache=True, nogil=True)
def _tolerance(best, noise, out):  # type: ignore[no-untyped-def]
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            width = np.float32(NOISE_WIDTH) * _deviation(best[y, x], noise) + np.float32(SHARE_WIDTH) * best[y, x]
            out[y, x] = np.float32(1) / (np.float32(REACH) * width + np.float32(1e-20))


@njit(cache=True, nogil=True)
def _weights(evidence, best, tolerance, out):  # type: ignore[no-untyped-def]
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            rest = max(np.float32(1) - (best[y, x] - evidence[y, x]) * tolerance[y, x], np.float32(0))
            rest = rest * rest
            rest = rest * rest
            out[y, x] = rest * rest


@njit(cache=True, nogil=True)
def _gain(best, index, before, after, noise, count, out):  # type: ignore[no-untyped-def]
    """A parabola through the logarithms of three energies, where its peak lies between them."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            if index[y, x] < 1 or index[y, x] > count - 2 or min(before[y, x], after[y, x]) < 0:
                continue
            a = math.log(_clean(before[y, x], noise) + np.float32(1e-7))
            b = math.log(_clean(best[y, x], noise) + np.float32(1e-7))
            c = math.log(_clean(after[y, x], noise) + np.float32(1e-7))
            bend = max(2 * b - a - c, 1e-6)
            if abs(c - a) < 1.5 * bend:
                out[y, x] = min(0.125 * (c - a) ** 2 / bend, MOST_GAIN)


@njit(cache=True, nogil=True)
def _inverse_top(best, gain, noise, out):  # type: ignore[no-untyped-def]
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            top = _clean(best[y, x], noise) * np.float32(math.exp(gain[y, x]))
            out[y, x] = np.float32(1) / max(top, np.float32(1e-12))


@njit(cache=True, nogil=True)
def _add_shares(weight, energy, noise, inverse_top, total, left):  # type: ignore[no-untyped-def]
    for y in range(total.shape[0]):
        for x in range(total.shape[1]):
            share = min(np.sqrt(_clean(energy[y, x], noise) * inverse_top[y, x]), np.float32(1))
            total[y, x] += weight[y, x]
            left[y, x] += weight[y, x] * share


@njit(cache=True, nogil=True)
def _place(best, index, before, after, noise, count, ordered, least, where, sure):  # type: ignore[no-untyped-def]
    """The same parabola's peak. What noise does to the three logarithms, over its bend, is the deviation of that, and
    ``least`` what it is at least."""
    for y in range(where.shape[0]):
        for x in range(where.shape[1]):
            i = index[y, x]
            b = math.log(_clean(best[y, x], noise) + np.float32(1e-12))
            a = math.log(_clean(before[y, x], noise) + np.float32(1e-12))
            c = math.log(_clean(after[y, x], noise) + np.float32(1e-12))
            error_b = _relative(best[y, x], noise)
            error_a, error_c = _relative(before[y, x], noise), _relative(after[y, x], noise)
            if i <= 0 or before[y, x] < 0:
                a, error_a = c, error_c
            if i == count - 1 or after[y, x] < 0:
                c, error_c = a, error_a
            bend = max(2 * b - a - c, 1e-3) if count > 1 else 1e-3
            shift = min(max(0.5 * (c - a) / bend, -0.5), 0.5) if ordered else 0.0
            where[y, x] = max(i, 0) + shift
            spread = (0.25 + shift * shift) * (error_a + error_c) + 4 * shift * shift * error_b
            precision = 1 / ((spread + error_b) / (bend * bend) + least * least)
            above = (best[y, x] - noise) / (noise * math.sqrt(2 / SAMPLES) + 1e-20)
            real = min(max((above - CHANCE) / (CERTAIN - CHANCE), 0.0), 1.0)
            sure[y, x] = max(precision * real * real, 1e-4)


@njit(cache=True, nogil=True)
def _add_near(evidence, z, best, index, noise, reach, mass, moment):  # type: ignore[no-untyped-def]
    for y in range(best.shape[0]):
        for x in range(best.shape[1]):
            away = z - index[y, x]
            if -reach <= away <= reach:
                least = np.float32(NEAR_SHARE) * _clean(best[y, x], noise)
                weight = max(_clean(evidence[y, x], noise) - least, np.float32(0))
                mass[y, x] += weight
                moment[y, x] += weight * np.float32(away)


@njit(cache=True, nogil=True)
def _centre(index, mass, moment, count, reach, where):  # type: ignore[no-untyped-def]
    for y in range(where.shape[0]):
        for x in range(where.shape[1]):
            if reach <= index[y, x] < count - reach:
                where[y, x] = index[y, x] + moment[y, x] / mass[y, x]


@njit(cache=True, nogil=True, inline="always")
def _relative(energy, noise):  # type: ignore[no-untyped-def]
    """Variance of an energy's logarithm through noise, 9 at most."""
    share = _deviation(energy, noise) / (_clean(energy, noise) + np.float32(1e-12))
    return min(share * share, np.float32(9))
