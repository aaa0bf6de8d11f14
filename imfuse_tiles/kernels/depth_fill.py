"""Depth that is unsure at a level filled from the next coarser one, along the edges of the picture.

Joint bilateral upsampling: J. Kopf, M. F. Cohen, D. Lischinski and M. Uyttendaele, ACM Transactions on Graphics 26
(2007), with one over the variance of the depth as a further weight.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .pyramid import Size

Planes = NDArray[np.float32]

#: Difference of two colours, in full scale, at which a coarse pixel counts a quarter of one of the same colour.
COLOUR = 0.03
#: What a coarse level's certainty counts at the next finer one: its windows are larger than what they describe. In
#: simulated scenes 0.05 would halve the errors beside fronts; in photographs, whose noise neighbours share and JPEG
#: shapes, peaks of noise then speckle all smooth places, at 0.2 four times as many pixels as at 0.4, at 0.3 few more.
TRUST = 0.3
#: How much the variance of the depths of 5 x 5 pixels adds to that of each of them.
UNSTEADY = 3.0
#: Weight of a coarse pixel however different its colour is, so that every pixel gets a depth.
LEAST = 1e-3
#: One over the variance that the coarsest level has at least: peaks of noise at finer levels must not count as much.
LEAST_SURE = 1e-4


def coarsest_depth(peak: Planes) -> Planes:
    """Depth and one over its variance (2, y, x) of the coarsest level, sure enough to fill what no level is sure of."""
    return np.stack([peak[0], np.maximum(peak[1], np.float32(LEAST_SURE))])


def steady_depth(peak: Planes, mean: NDArray[np.float32], square: NDArray[np.float32]) -> Planes:
    """Depth and one over its variance (2, y, x), surer where neighbours agree: peaks of mere noise lie anywhere.

    ``mean`` and ``square``: means of the depth and of its square around every pixel, float32 (y, x).
    """
    spread = np.maximum(square - mean * mean, np.float32(0)) * np.float32(UNSTEADY)
    return np.stack([peak[0], np.float32(1) / (np.float32(1) / peak[1] + spread)])


def fill_depth(peak: Planes, picture: Planes, coarse: Planes, coarse_picture: Planes, origins: tuple[Size, Size],
               ) -> Planes:  # fmt: skip
    """Depth and one over its variance, float32 (2, y, x), of a level from its own peak and the next coarser level.

    ``peak`` and ``coarse``: depth and one over its variance (2, y, x); ``picture`` and ``coarse_picture`` the fused
    pictures (planes, y, x) in 0..1, float32, each over the same pixels as those; ``origins``: where the fine and the
    coarse arrays begin in their levels. The fine ones begin on even pixels, and the coarse
    ones cover ``pyramid.coarser`` of them.
    """
    out = np.empty_like(peak)
    arrays = [np.ascontiguousarray(each) for each in (peak, picture, coarse, coarse_picture)]
    width, count = peak.shape[2], len(picture)
    room = np.empty((6, width)), np.zeros((count + 2, width + 4 + width % 2), np.float32)
    _fill(*arrays, *origins[0], *origins[1], *room, out)
    return out


@njit(cache=True, nogil=True, counted=False, error_model="numpy")
def _fill(peak, picture, coarse, coarse_picture, y0, x0, cy0, cx0, sums, lines, out):  # type: ignore[no-untyped-def]
    """``sums``: room for six rows; ``lines``: for rows of the coarse arrays, each pixel twice, two more at either end.

    Row by row and neighbour by neighbour, so that the inner loops have no branches.
    """
    apart, divisor, depth, sure, total = sums[0], sums[1], sums[2], sums[3], sums[4]
    count, width, columns = picture.shape[0], peak.shape[2], coarse.shape[2]
    depths, weights = lines[count], lines[count + 1]
    for y in range(peak.shape[1]):
        middle = (y0 + y) // 2 - cy0
        for x in range(width):
            depth[x], sure[x], total[x] = 0.0, 0.0, 0.0
        for j in range(max(middle - 1, 0), min(middle + 2, coarse.shape[1])):
            for plane in range(count):
                _repeat(coarse_picture[plane, j], x0, cx0, lines[plane])
            _repeat(coarse[0, j], x0, cx0, depths)
            _repeat(coarse[1, j], x0, cx0, weights)
            down = j - ((y0 + y) / 2 - cy0)
            for i in range(-1, 2):
                begin, stop = max(2 * (cx0 - i) - x0, 0), min(2 * (cx0 - i + columns) - x0, width)
                part, shift = apart[: max(stop - begin, 0)], begin + 2 + 2 * i
                for x in range(part.size):
                    across = i - 0.5 * ((x0 + begin + x) & 1)
                    away = down * down + across * across
                    divisor[x], part[x] = 1 + away * away, 0.0
                for plane in range(count):
                    _add_squares(picture[plane, y][begin:], lines[plane][shift:], part)
                _add_neighbours(depths[shift:], weights[shift:], part, divisor, depth[begin:], sure[begin:],
                                total[begin:])  # fmt: skip
        _mix(peak[0, y], peak[1, y], depth, sure, total, out[0, y], out[1, y])


@njit(cache=True, nogil=True, counted=False)
def _repeat(row, x0, cx0, line):  # type: ignore[no-untyped-def]
    """Each pixel of a coarse row twice, in step with the fine columns from ``x0 - 2`` on."""
    first = 2 * cx0 - (x0 - 2)
    for k in range(max(-first // 2, 0), min((line.size - first) // 2, row.size)):
        line[first + 2 * k] = row[k]
        line[first + 2 * k + 1] = row[k]


@njit(cache=True, nogil=True, counted=False)
def _add_squares(row, line, apart):  # type: ignore[no-untyped-def]
    for x in range(apart.size):
        step = row[x] - line[x]
        apart[x] += step * step


@njit(cache=True, nogil=True, counted=False, error_model="numpy")
def _add_neighbours(depths, weights, apart, divisor, depth, sure, total):  # type: ignore[no-untyped-def]
    for x in range(apart.size):
        near = 1 / (1 + apart[x] / (COLOUR * COLOUR))
        apart[x] = (near * near + LEAST) / divisor[x]
    for x in range(apart.size):
        total[x] += apart[x]
    for x in range(apart.size):
        sure[x] += apart[x] * weights[x]
    for x in range(apart.size):
        depth[x] += apart[x] * weights[x] * depths[x]


@njit(cache=True, nogil=True, counted=False, error_model="numpy")
def _mix(peak, precision, depth, sure, total, out, out_precision):  # type: ignore[no-untyped-def]
    for x in range(out.size):
        trust, own = TRUST * sure[x] / total[x], precision[x]
        out[x] = (own * peak[x] + trust * depth[x] / sure[x]) / (own + trust)
        out_precision[x] = own + trust
