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


class Peak:
    """The strongest evidence so far, float32 (y, x), and its neighbours in z; slices are added in their order."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.best = np.full(shape, -1, np.float32)
        self.index = np.full(shape, -2, np.int32)
        self.before, self.after, self.previous = (np.zeros(shape, np.float32) for _ in range(3))
        self.count = 0

    def add(self, evidence: Plane) -> None:
        """Take the next slice's evidence, float32 (y, x) from 0 on, -1 where the slice has no picture."""
        _advance(evidence, self.count, self.best, self.index, self.before, self.after, self.previous)
        self.count += 1

    def tolerance(self, noise: float, part: Part) -> Plane:
        """One over the distance below the strongest at which a slice counts no more; ``noise``: mean noise energy."""
        best = self.best[part]
        out = np.empty(best.shape, np.float32)
        _tolerance(best, np.float32(noise), out)
        return out

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
def signal_energy(energy, noise):  # type: ignore[no-untyped-def]
    """What of an energy is not noise, at least a tenth of the mean noise."""
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
def energy_deviation(best, noise):  # type: ignore[no-untyped-def]
    """Standard deviation of an energy through noise: chi-square around its own mean."""
    signal = max(best - noise, np.float32(0))
    return np.sqrt((np.float32(2) * noise * noise + np.float32(4) * noise * signal) / np.float32(SAMPLES))


@njit(cache=True, nogil=True)
def _tolerance(best, noise, out):  # type: ignore[no-untyped-def]
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            width = np.float32(NOISE_WIDTH) * energy_deviation(best[y, x], noise) + np.float32(SHARE_WIDTH) * best[y, x]
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
            a = math.log(signal_energy(before[y, x], noise) + np.float32(1e-7))
            b = math.log(signal_energy(best[y, x], noise) + np.float32(1e-7))
            c = math.log(signal_energy(after[y, x], noise) + np.float32(1e-7))
            bend = max(2 * b - a - c, 1e-6)
            if abs(c - a) < 1.5 * bend:
                out[y, x] = min(0.125 * (c - a) ** 2 / bend, MOST_GAIN)


@njit(cache=True, nogil=True)
def _inverse_top(best, gain, noise, out):  # type: ignore[no-untyped-def]
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            top = signal_energy(best[y, x], noise) * np.float32(math.exp(gain[y, x]))
            out[y, x] = np.float32(1) / max(top, np.float32(1e-12))


@njit(cache=True, nogil=True)
def _add_shares(weight, energy, noise, inverse_top, total, left):  # type: ignore[no-untyped-def]
    for y in range(total.shape[0]):
        for x in range(total.shape[1]):
            share = min(np.sqrt(signal_energy(energy[y, x], noise) * inverse_top[y, x]), np.float32(1))
            total[y, x] += weight[y, x]
            left[y, x] += weight[y, x] * share
