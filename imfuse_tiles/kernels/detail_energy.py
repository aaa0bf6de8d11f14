"""How much detail a slice has around every pixel of a pyramid level, and how much of that is noise.

The energy of a level is the sum over the colours of the squared Laplacian, averaged by a small Gaussian window;
samples are in units of full scale. White noise of variance s^2 in the samples gives a mean energy of
s^2 * colours * GAINS[level].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .gaussian import gaussian_taps
from .pyramid_expand import Plane, Region, Size, blend_rows, column_weights, double_line, line_buffers

#: Rows above and below, columns left and right.
Border = tuple[int, int, int, int]

#: Standard deviation in pixels and radius of the window of an energy.
SIGMA, RADIUS = 1.3, 4
#: Independent samples in the window of an energy (its standard deviation of 1.3 pixels, squared, times 19); standard
#: deviations of a mean of noise beyond which it is taken for detail where finer levels take part in a decision.
SAMPLES, CHANCE = 32.0, 3.0
#: Energy of white noise of variance 1 at each level: that of the Laplacian's impulse response.
GAINS = (0.891, 0.053, 0.010, 0.0024, 0.0006, 0.00015, 0.00004, 0.00001, 0.000003, 0.000001)
#: Taps of a mean of 5 x 5 pixels: the middle one and those on one side.
BOX = np.full(3, 0.2, np.float32)
#: Bins of a histogram of energies: the exponent and three bits of the mantissa of a float32.
BINS, _SHIFT = 1 << 11, 20
#: The 10 % quantile of the mean of 25 squared Laplacians of noise, over their expectation (chi-square, 40 degrees).
LOW_SHARE, LOW_QUANTILE = 0.1, 0.75


def taps(sigma: float, radius: int) -> Plane:
    """The outer half of a Gaussian window: middle tap first, float32 (radius + 1,)."""
    return gaussian_taps(sigma, radius)[radius:]


def smooth(plane: Plane, half: Plane, border: Border = (0, 0, 0, 0)) -> Plane:
    """A plane (y, x) under symmetric taps along both axes, without the radius around it: float32.

    ``border``: rows above and below, columns left and right of the plane, to be made up by repeating its edge.
    """
    radius, (top, bottom, left, right) = half.size - 1, border
    height, width = plane.shape[0] + top + bottom, plane.shape[1] + left + right
    out = np.empty((height - 2 * radius, width - 2 * radius), np.float32)
    ring = np.empty((2 * radius + 1, out.shape[1]), np.float32)
    line = np.empty(width if left or right else 0, np.float32)
    _smooth(np.ascontiguousarray(plane), top, left, half, line, ring, out)
    return out


def box(plane: Plane) -> Plane:
    """Means of 5 x 5 pixels of a plane (y, x) without the 2 pixels that it is padded by: float32."""
    return smooth(plane, BOX)


def energy(fine: NDArray[np.generic], coarse: Plane, origins: tuple[Size, Size], frame: Size, region: Region,
           full: float) -> Plane:  # fmt: skip
    """Squared detail of a level summed over its planes, not yet averaged: float32 (y, x) of a region y0, y1, x0, x1.

    ``fine`` (planes, y, x), uint8, uint16 or float32 with ``full`` as full scale, ``coarse`` (planes, y, x) float32,
    the next level in the same units; ``origins``: where each begins in its level; ``frame``: size of the fine level.
    """
    across = column_weights(region, frame)
    out = np.zeros((region[1] - region[0], region[3] - region[2]), np.float32)
    _energy(np.ascontiguousarray(fine), *origins[0], np.ascontiguousarray(coarse), *origins[1], *frame, region[0],
            region[2], *across, *line_buffers(across[0].size), np.float32(1 / (float(full) * full)), out)  # fmt: skip
    return out


def significant(evidence: Plane, noise: float) -> Plane:
    """What of the evidence (y, x) is more than chance: beyond the mean ``noise`` and CHANCE of its deviations."""
    out = np.empty_like(evidence)
    _significant(evidence, np.float32(noise * (1 + CHANCE * (2 / SAMPLES) ** 0.5)), out)
    return out


def histogram(energies: Plane) -> NDArray[np.int64]:
    """Counts of energies above 0 by logarithmic bins, eight to a doubling: int64 (BINS,)."""
    bins = np.ascontiguousarray(energies).view(np.uint32)[energies > 0] >> np.uint32(_SHIFT)
    return np.bincount(bins, minlength=BINS).astype(np.int64)


def noise_variance(counts: NDArray[np.int64], colours: int, step: float) -> float:
    """Variance of a sample's noise from the histogram of energies of the finest level, means of 5 x 5 pixels.

    ``step``: the distance of two codes; rounding to it is noise, too: step^2 / 12 at least.
    """
    least = step * step / 12
    total = int(counts.sum())
    if not total:
        return least
    place = int(np.searchsorted(np.cumsum(counts), LOW_SHARE * total))
    low = float(np.array([place << _SHIFT, (place + 1) << _SHIFT], np.uint32).view(np.float32).mean())
    return max(low / (LOW_QUANTILE * colours * GAINS[0]), least)


@njit(cache=True, nogil=True, counted=False)
def _smooth(plane, top, left, half, line, ring, out):  # type: ignore[no-untyped-def]
    """``ring``: room for as many rows as there are taps; the usual radii have all taps in one expression.

    ``line``: room for a row with what is made up beside it; empty where that is nothing.
    """
    radius = half.size - 1
    window = 2 * radius + 1
    for y in range(out.shape[0] + 2 * radius):
        row, target = plane[min(max(y - top, 0), plane.shape[0] - 1)], ring[y % window]
        if line.size:
            _repeat_edges(row, left, line)
            row = line
        if radius == 4:
            _nine(row, row[1:], row[2:], row[3:], row[4:], row[5:], row[6:], row[7:], row[8:], half, target)
        elif radius == 2:
            _five(row, row[1:], row[2:], row[3:], row[4:], half, target)
        else:
            _middle(row[radius:], half, target)
            for k in range(1, radius + 1):
                _pair(row[radius - k :], row[radius + k :], half[k], target)
        n = y - 2 * radius
        if n < 0:
            continue
        if radius == 4:
            _nine(ring[n % 9], ring[(n + 1) % 9], ring[(n + 2) % 9], ring[(n + 3) % 9], ring[(n + 4) % 9],
                  ring[(n + 5) % 9], ring[(n + 6) % 9], ring[(n + 7) % 9], ring[(n + 8) % 9], half, out[n])  # fmt: skip
        elif radius == 2:
            _five(ring[n % 5], ring[(n + 1) % 5], ring[(n + 2) % 5], ring[(n + 3) % 5], ring[(n + 4) % 5], half, out[n])
        else:
            _middle(ring[(n + radius) % window], half, out[n])
            for k in range(1, radius + 1):
                _pair(ring[(n + radius - k) % window], ring[(n + radius + k) % window], half[k], out[n])


@njit(cache=True, nogil=True, counted=False)
def _repeat_edges(row, left, line):  # type: ignore[no-untyped-def]
    """A row from place ``left`` of a longer line on, whose rest repeats its first and last pixels."""
    for x in range(left):
        line[x] = row[0]
    inside = line[left:]
    for x in range(row.size):
        inside[x] = row[x]
    for x in range(row.size, inside.size):
        inside[x] = row[row.size - 1]


@njit(cache=True, nogil=True, counted=False)
def _nine(a, b, c, d, middle, e, f, g, h, half, out):  # type: ignore[no-untyped-def]
    t0, t1, t2, t3, t4 = half[0], half[1], half[2], half[3], half[4]
    for x in range(out.size):
        near = t0 * middle[x] + t1 * (d[x] + e[x]) + t2 * (c[x] + f[x])
        out[x] = near + t3 * (b[x] + g[x]) + t4 * (a[x] + h[x])


@njit(cache=True, nogil=True, counted=False)
def _five(a, b, middle, c, d, half, out):  # type: ignore[no-untyped-def]
    t0, t1, t2 = half[0], half[1], half[2]
    for x in range(out.size):
        out[x] = t0 * middle[x] + t1 * (b[x] + c[x]) + t2 * (a[x] + d[x])


@njit(cache=True, nogil=True, counted=False)
def _middle(middle, half, out):  # type: ignore[no-untyped-def]
    for x in range(out.size):
        out[x] = half[0] * middle[x]


@njit(cache=True, nogil=True, counted=False)
def _pair(left, right, tap, out):  # type: ignore[no-untyped-def]
    for x in range(out.size):
        out[x] += tap * (left[x] + right[x])


@njit(cache=True, nogil=True, counted=False)
def _significant(evidence, least, out):  # type: ignore[no-untyped-def]
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x] = max(evidence[y, x] - least, np.float32(0))


@njit(cache=True, nogil=True, counted=False)
def _energy(fine, fy, fx, coarse, cy, cx, height, width, row, column, even, odd, line, made, scale, out):  # type: ignore[no-untyped-def]
    shown = made[column % 2 :]
    for y in range(out.shape[0]):
        target = out[y]
        for plane in range(fine.shape[0]):
            source = fine[plane, row + y - fy][column - fx :]
            blend_rows(coarse[plane], cy, cx, height, row + y, column // 2, line)
            double_line(line, even, odd, made)
            for x in range(target.size):
                detail = np.float32(source[x]) - shown[x]
                target[x] += detail * detail
        for x in range(target.size):
            target[x] *= scale
