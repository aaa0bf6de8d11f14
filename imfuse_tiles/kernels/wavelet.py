"""The a-trous hat wavelet with a soft threshold per level.

A level smooths what the level before left over with the hat (1, 2, 1)/4 along both axes, its
samples d = 1, 2, 4, 8, 16 pixels apart, and takes the difference as detail.  Details smaller than
the threshold of their level vanish, larger ones lose the threshold.  Since the details and the last
smooth plane add up to the picture, the softened picture is

    W(X) = X - sum over levels of clip(detail, -threshold, +threshold)

which is what is computed here: one pass over the rows, every level a few rows behind the one
before, so that all intermediate rows stay in the processor's cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.codes import full_scale, unit_factors
from imfuse_tiles.kernels.codes import scale as scale_samples
from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]

Margins = tuple[int, int, int, int]
"""Rows above and below and columns left and right of a plane that are beyond the frame."""
NONE: Margins = (0, 0, 0, 0)
Factors = tuple[np.float32, np.float32]
"""What samples are multiplied by (``codes.unit_factors``)."""
WHOLE: Factors = (np.float32(1), np.float32(0))
LEVELS = 5
NOISE = (0.8002, 0.2735, 0.1202, 0.0585, 0.0291)
"""Share of white noise that each level holds: the threshold of a level is its noise times the strength."""


def levels_for(height: int, width: int) -> int:
    """Number of levels for a frame of ``height`` x ``width`` pixels: 5, fewer if the frame is tiny.

    The widest hat must stay smaller than the frame: 2**(levels - 1) < min(height, width).
    """
    levels = LEVELS
    while levels and 2.0 ** (levels - 1) >= min(height, width):
        levels -= 1
    return levels


def halo(levels: int) -> int:
    """Pixels that the transform sees in every direction: 1 + 2 + 4 + ... = 2**levels - 1."""
    return 2**levels - 1


def thresholds_for(percent: float, levels: int = LEVELS) -> Plane:
    """Soft thresholds, float32 (levels,), for a strength of ``percent``: percent/100 * NOISE."""
    return (np.array(NOISE[:levels]) * (percent / 100)).astype(np.float32)


def soften(plane: Plane, thresholds: Plane, margins: Margins = NONE) -> Plane:
    """Remove details weaker than the thresholds from a plane.

    ``plane`` is float32 (y, x) with ``halo(len(thresholds))`` pixels around it, less the ``margins`` (above, below,
    left, right): beyond the border of the frame so many pixels are mirrored about the edge sample (reflect-101).
    Mirroring once equals mirroring again at each level, because a symmetric filter keeps a mirrored picture mirrored.
    ``thresholds`` is float32, one per level, finest first, none negative.  Returns float32 (y, x) without the halo,
    the range of the input give or take the thresholds.  Raises ValueError if the plane is smaller than its halo.
    """
    out = _without_halo(plane, thresholds.size, margins)
    rows = _rows(out, thresholds.size)
    _stream(np.ascontiguousarray(plane), WHOLE, margins, thresholds, *rows, out, False, False, np.float32(1))
    return out


def residue(planes: NDArray[Any], thresholds: Plane, margins: Margins = NONE) -> Plane:
    """What ``soften`` changes, summed over colour planes: sum_c min(|soften(X_c) - X_c|, 1) / 4.

    ``planes`` is float32 (c, y, x), each plane as for ``soften``, or uint8 or uint16, codes of 0..1; a single plane
    stands for three equal ones.  Returns float32 (y, x) without the halo, in 0 .. c/4, bit-equal to composing it from
    ``soften`` with the planes added in order.  Raises ValueError as ``soften``.
    """
    factors = unit_factors(full_scale(planes.dtype))
    out = _without_halo(planes[0], thresholds.size, margins)
    rows, last = _rows(out, thresholds.size), planes.shape[0] - 1
    for index, plane in enumerate(planes):
        # A power of two, or 3/4 of one plane, which is (a + a + a)/4 to the last bit.
        scale = 1.0 if index < last else 0.25 if last else 0.75
        plane = np.ascontiguousarray(plane)
        _stream(plane, factors, margins, thresholds, *rows, out, True, index > 0, np.float32(scale))
    return out


def _without_halo(plane: NDArray[Any], levels: int, margins: Margins) -> Plane:
    above, below, left, right = margins
    width = 2 * halo(levels)
    return np.empty((plane.shape[0] + above + below - width, plane.shape[1] + left + right - width), np.float32)


def _rows(out: Plane, levels: int) -> tuple[Plane, Plane, Plane]:
    """Room for ``_stream``: the ring of rows, the totals, and one row."""
    width = out.shape[1] + 2 * halo(levels)
    # A row length that is no multiple of a page keeps rows from evicting each other.
    stride = (width + 31) // 32 * 32 + 16
    ring = np.empty(((3 << levels) + levels + 2, stride), np.float32)
    return ring, np.zeros((halo(levels) + 1, out.shape[1]), np.float32), np.empty(width, np.float32)


@njit(cache=True, nogil=True, counted=False, inline="always")
def _mirror(place: int, size: int) -> int:
    """Where a row or column beyond a border lies inside."""
    period = max(2 * size - 2, 1)
    place %= period
    return min(place, period - place) if size > 1 else 0


@njit(cache=True, nogil=True, counted=False)
def _fill_row(source: NDArray[Any], factors: Factors, left: int, out: Plane) -> None:
    """A row in 0..1, with so many mirrored samples in front, and behind it as many as there is room for."""
    size, inside, (high, low) = source.size, out[left:], factors
    if high == np.float32(1):
        for x in range(size):
            inside[x] = source[x]
    else:
        scale_samples(source, high, low, inside[:size])
    for x in range(left):
        out[x] = inside[_mirror(x - left, size)]
    for x in range(left + size, out.size):
        out[x] = inside[_mirror(x - left, size)]


@njit(cache=True, nogil=True, counted=False)
def _smooth_row(above: Plane, centre: Plane, below: Plane, column: Plane, step: int, low: Plane) -> None:
    """Hat down the three rows (into ``column``, four times too large), then along the row."""
    for x in range(column.size):
        column[x] = (centre[x] + centre[x]) + (above[x] + below[x])
    size = low.size
    left, middle, right = column[:size], column[step : step + size], column[2 * step : 2 * step + size]
    for x in range(size):
        low[x] = ((middle[x] + middle[x]) + (left[x] + right[x])) * np.float32(0.0625)


@njit(cache=True, nogil=True, counted=False)
def _clip_detail(centre: Plane, low: Plane, threshold: np.float32, total: Plane) -> None:
    for x in range(total.size):
        detail = centre[x] - low[x]
        total[x] += max(-threshold, min(detail, threshold))


@njit(cache=True, nogil=True, counted=False)
def _stream(
    plane: NDArray[Any], factors: Factors, margins: Margins, thresholds: Plane, ring: Plane, totals: Plane,
    column: Plane, out: Plane, difference: bool, add: bool, scale: np.float32,
) -> None:  # fmt: skip
    """Softened plane into ``out``, or its difference scaled, on top of what is in ``out`` if it is to ``add``.

    Level ``l`` has step d = 2**l and lies 2d - 1 pixels inside the input.  It needs the last 2d + 1 rows of the level
    before, kept in ``ring`` behind as many rows of the input as the last level lies inside it; the clipped details of
    an output row are gathered in ``totals`` until the last level has passed it.
    """
    levels = thresholds.size
    top, bottom, left, right = margins
    height, width = plane.shape[0] + top + bottom, plane.shape[1] + left + right
    rows, cols = out.shape
    halo = (1 << levels) - 1
    inputs = halo + 2
    for y in range(height):
        _fill_row(plane[_mirror(y - top, plane.shape[0])], factors, left, ring[y % inputs][:width])
        base = inputs
        for level in range(levels):
            step = 1 << level
            inset = 2 * step - 1
            row = y - 2 * inset
            if row < 0:
                break
            if level == 0:
                above, centre, below = ring[row % inputs], ring[(row + 1) % inputs], ring[y % inputs]
            else:
                kept = 2 * step + 1
                above, centre = ring[base + row % kept], ring[base + (row + step) % kept]
                below = ring[base + (row + 2 * step) % kept]
                base += kept
            size = width - 2 * inset
            low = ring[base + row % (4 * step + 1 if level < levels - 1 else 1)]
            span = size + 2 * step
            _smooth_row(above[:span], centre[:span], below[:span], column[:span], step, low[:size])
            place = y - inset - halo
            if 0 <= place < rows:
                total = totals[place & halo]
                if level == 0:
                    total.fill(0)
                skip = halo - inset
                middle = centre[skip + step : skip + step + cols]
                _clip_detail(middle, low[skip : skip + cols], thresholds[level], total)
        place = y - 2 * halo
        if place >= 0:
            source = ring[(y - halo) % inputs][halo : halo + cols]
            _finish_row(source, totals[place & halo], out[place], difference, add, scale)


@njit(cache=True, nogil=True, counted=False)
def _finish_row(source: Plane, total: Plane, out: Plane, difference: bool, add: bool, scale: np.float32) -> None:
    if not difference:
        for x in range(source.size):
            out[x] = source[x] - total[x]
    elif add:
        for x in range(source.size):
            change = abs((source[x] - total[x]) - source[x])
            out[x] = (out[x] + min(change, np.float32(1))) * scale
    else:
        for x in range(source.size):
            change = abs((source[x] - total[x]) - source[x])
            out[x] = min(change, np.float32(1)) * scale
