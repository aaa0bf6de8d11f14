"""The strongest window of slices at every pixel of a long stack, and what slices in, beside and far from it show.

In long stacks single slices tell little: strong is what stays strong over a window of slices, and the depth is the
mean of those around. A peak is compared with what the pixel's own slices far from it show, not with the noise of the
whole stack: noise grows with brightness, and what blurs over a pixel from elsewhere is there in all of them.
"""

from __future__ import annotations

import numpy as np

from .compiler import njit
from .detail_energy import SAMPLES
from .focus_peak import Plane, signal_energy

#: Slices count for the depth by how far their energy is above this share of the strongest.
NEAR_SHARE = 0.5
#: Slices that are farther from the peak than so many times those that count on either side are far from it.
FAR = 2
#: Standard deviation of an energy of white noise, in units of its mean: what neighbours share deviates more.
WHITE = (2 / SAMPLES) ** 0.5
#: Share of the mean noise of the stack that there is everywhere, even where what is clipped shows none.
LEAST_NOISE = 0.25
#: What a slice without a picture adds to the mean of a window: far below any energy.
NO_PICTURE = -1e9


class Windows:
    """The strongest window of two blocks of slices at every pixel, and what its slices and those beside it show."""

    def __init__(self, shape: tuple[int, int], block: int) -> None:
        self.block, self.count = block, 0
        self.first = np.full(shape, -2, np.int32)
        self.best, self.last = np.full(shape, -1, np.float32), np.full(shape, -1, np.float32)
        self.sum, self.before, self.after, self.mass, self.moment = (np.zeros(shape, np.float32) for _ in range(5))
        #: Sum of the evidence of slices far from the strongest window, of its square, and their number.
        self.far = np.zeros((3, *shape), np.float32)

    def add(self, evidence: Plane) -> None:
        """Take the next slice; windows begin with every block."""
        self.count += 1
        self.sum += evidence
        if self.count % self.block == 0:
            first = self.count - 2 * self.block
            if first >= 0:
                _choose_window(self.last, self.sum, first, np.float32(0.5 / self.block), self.best, self.first)
            self.last, self.sum = self.sum, np.zeros_like(self.sum)

    def add_again(self, evidence: Plane, z: int, noise: np.float32, reach: int, total: int) -> None:
        """Take a slice of ``total`` into account; ``reach``: slices that count on either side."""
        beside = self.before, self.after, self.mass, self.moment
        _add_near(evidence, z, self.best, self.first, self.block, noise, reach, total, *beside)
        _add_far(evidence, z, self.first, self.block, FAR * reach, *self.far)


@njit(cache=True, nogil=True)
def _choose_window(last, current, first, share, best, where):  # type: ignore[no-untyped-def]
    for y in range(best.shape[0]):
        for x in range(best.shape[1]):
            mean = (last[y, x] + current[y, x]) * share
            stronger = mean > best[y, x]
            best[y, x] = mean if stronger else best[y, x]
            where[y, x] = first if stronger else where[y, x]


@njit(cache=True, nogil=True)
def _add_far(evidence, z, first, block, least, total, square, count):  # type: ignore[no-untyped-def]
    for y in range(total.shape[0]):
        for x in range(total.shape[1]):
            value = evidence[y, x]
            far = abs(z - first[y, x] - block) > least and value >= 0
            total[y, x] += value if far else np.float32(0)
            square[y, x] += value * value if far else np.float32(0)
            count[y, x] += np.float32(1) if far else np.float32(0)


@njit(cache=True, nogil=True)
def measure_noise(total, square, count, mean, deviation):  # type: ignore[no-untyped-def]
    """Mean and deviation of what slices far from the peak show, as far as there are some."""
    for y in range(mean.shape[0]):
        for x in range(mean.shape[1]):
            slices = count[y, x]
            if slices > 0:
                far = total[y, x] / slices
                spread = max(square[y, x] / slices - far * far, np.float32(0))
                mean[y, x] = max(far, np.float32(LEAST_NOISE) * mean[y, x])
                deviation[y, x] = max(np.float32(WHITE) * mean[y, x], np.sqrt(spread))


@njit(cache=True, nogil=True)
def _add_near(evidence, z, best, first, block, noise, reach, total, before, after, mass, moment):  # type: ignore[no-untyped-def]
    """Means of the windows before and after the strongest, below 0 where a slice of theirs has no picture; weights of
    the slices on either side of its middle, which lies between two: as many on one as on the other."""
    share, none = np.float32(0.5 / block), np.float32(0)
    for y in range(best.shape[0]):
        for x in range(best.shape[1]):
            value, ahead = evidence[y, x], np.int32(z) - first[y, x]
            mean = value * share if value >= none else np.float32(NO_PICTURE)
            before[y, x] += mean if (ahead < 0) & (ahead >= -2 * block) else none
            after[y, x] += mean if (ahead >= 2 * block) & (ahead < 4 * block) else none
            middle, away = first[y, x] + block, ahead - block
            half = min(reach + 1, min(middle, total - middle))
            near = (away >= -half) & (away < half)
            least = noise + np.float32(NEAR_SHARE) * signal_energy(best[y, x], noise)
            weight = max(value - least, none) if near else none
            mass[y, x] += weight
            moment[y, x] += weight * np.float32(away)


@njit(cache=True, nogil=True)
def centre(first, mass, moment, block, where):  # type: ignore[no-untyped-def]
    """The mean of the slices near the strongest window, by their weights: into ``where`` if any has one."""
    for y in range(where.shape[0]):
        for x in range(where.shape[1]):
            if mass[y, x] > 0:
                where[y, x] = np.float32(first[y, x] + block) + moment[y, x] / mass[y, x]
