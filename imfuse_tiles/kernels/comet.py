"""Comets: a plane smeared into four directions by half a Gaussian."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.edges import MODES, join
from imfuse_tiles.kernels.gaussian import blur_radius

Plane = NDArray[np.float32]


def comet_length(sigma: float, radius: int = 0) -> int:
    """Taps of a comet: blur_radius(sigma) + 1, or ``radius`` if that is given.  Its halo is one less."""
    return radius or blur_radius(sigma) + 1


def comet_taps(sigma: float, radius: int = 0) -> Plane:
    """The tail of a comet, float32 (length,), sum 1: half a Gaussian, brightest first.

    Tap i sums exp(-u^2/(2 (3s)^2)) over thirds of a pixel, u = 3i .. 3i + 2.
    """
    thirds = np.arange(3 * comet_length(sigma, radius))
    taps = np.exp(-(thirds**2) / (2 * (3 * sigma) ** 2)).reshape(-1, 3).sum(1)
    return (taps / taps.sum()).astype(np.float32)


def comet_copies(plane: Plane, taps: Plane) -> Plane:
    """The plane smeared to the right, down, to the left and up by the tail ``taps``.

    ``plane`` is float32 (y, x) with a halo of len(taps) - 1.  Returns float32 (4, y, x) without it, in
    the range of the plane.  Raises ValueError if the plane is smaller than the halo.
    """
    margin = 2 * (taps.size - 1)
    out = np.empty((4, plane.shape[0] - margin, plane.shape[1] - margin), np.float32)
    _smear(plane, taps, np.ascontiguousarray(taps[::-1]), -1, out)
    return out


def comet(plane: Plane, taps: Plane, mode: str = "lighten") -> Plane:
    """The copies of ``comet_copies`` joined: their largest ("lighten"), smallest ("darken") or "screen".

    Returns float32 (y, x) without the halo, in 0..1 for a plane in 0..1.  Raises KeyError for another mode.
    """
    margin = 2 * (taps.size - 1)
    out = np.empty((1, plane.shape[0] - margin, plane.shape[1] - margin), np.float32)
    _smear(plane, taps, np.ascontiguousarray(taps[::-1]), MODES[mode], out)
    return out[0]


@njit(cache=True, nogil=True)
def _smear(plane: Plane, taps: Plane, turned: Plane, mode: int, out: Plane) -> None:
    """Copies into ``out[direction]`` (mode -1), or joined into ``out[0]``; ``turned`` is taps[::-1]."""
    halo, cols = taps.size - 1, out.shape[2]
    copy = np.empty(cols, np.float32)
    for y in range(out.shape[1]):
        row = plane[y + halo]
        centre = row[halo : halo + cols]
        for direction in range(4):
            smear = copy if mode >= 0 else out[direction, y]
            smear.fill(0)
            if direction == 0:
                _add_along(row[: cols + halo], centre, turned, smear)
            elif direction == 2:
                _add_along(row[halo:], centre, taps, smear)
            else:
                _add_rows(plane, y + halo, direction - 2, halo, centre, taps, smear)
            # The taps have a sum of 1: so what is flat stays flat to the last bit, where a mask must be 0.
            for x in range(cols):
                smear[x] = centre[x] + smear[x]
            if mode >= 0:
                join(smear, direction == 0, direction == 3, mode, out[0, y])


@njit(cache=True, nogil=True, counted=False)
def _add_along(row: Plane, centre: Plane, taps: Plane, out: Plane) -> None:
    """out[x] += sum over i of taps[i] * (row[x + i] - centre[x])."""
    size, i = out.size, 0
    while i + 4 <= taps.size:
        part = row[i : i + size + 3]
        a, b, c, d = taps[i], taps[i + 1], taps[i + 2], taps[i + 3]
        for x in range(size):
            m = centre[x]
            near = (out[x] + a * (part[x] - m)) + b * (part[x + 1] - m)
            out[x] = (near + c * (part[x + 2] - m)) + d * (part[x + 3] - m)
        i += 4
    while i < taps.size:
        part, a = row[i : i + size], taps[i]
        for x in range(size):
            out[x] += a * (part[x] - centre[x])
        i += 1


@njit(cache=True, nogil=True, counted=False)
def _add_rows(plane: Plane, first: int, step: int, left: int, centre: Plane, taps: Plane, out: Plane) -> None:
    """out[x] += sum over i of taps[i] * (plane[first + i * step, left + x] - centre[x])."""
    size, y, i = out.size, first, 0
    while i + 3 <= taps.size:
        near, after = plane[y][left : left + size], plane[y + step][left : left + size]
        far = plane[y + 2 * step][left : left + size]
        a, b, c = taps[i], taps[i + 1], taps[i + 2]
        for x in range(size):
            m = centre[x]
            out[x] = ((out[x] + a * (near[x] - m)) + b * (after[x] - m)) + c * (far[x] - m)
        y, i = y + 3 * step, i + 3
    while i < taps.size:
        near, a = plane[y][left : left + size], taps[i]
        for x in range(size):
            out[x] += a * (near[x] - centre[x])
        y, i = y + step, i + 1
