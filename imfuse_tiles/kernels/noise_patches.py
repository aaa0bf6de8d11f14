"""The energies of detail in small patches of a frame, counted: all of a slice's patches in one call.

What lies between the patches is not computed, and the interpreter's lock is not asked for between them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .detail_energy import _SHIFT, BINS, BOX, _energy, _smooth
from .pyramid import Size, reduce_plane
from .pyramid_expand import column_weights


def count_energies(samples: NDArray[np.generic], origin: Size, frame: Size, patches: NDArray[np.int64],
                   full: float) -> NDArray[np.int64]:  # fmt: skip
    """Histogram (BINS,) int64 of the energies of a frame's finest detail, means of 5 x 5 pixels, at every second pixel
    of patches: what ``histogram(box(energy(...)))`` of the whole frame counts there.

    ``samples`` (planes, y, x), uint8, uint16 or float32 with ``full`` as full scale, begin at ``origin`` of a frame of
    size ``frame`` and hold 6 pixels around every patch, where these are in the frame; ``patches``: (n, 4), their y0,
    y1, x0, x1.
    """
    counts = np.zeros(BINS, np.int64)
    scale, left = np.float32(1 / (float(full) * full)), origin[1]
    across = column_weights((0, 0, left, left + samples.shape[2]), frame)
    _count(np.ascontiguousarray(samples), *origin, *frame, patches, *across, scale, BOX, counts)
    return counts


@njit(cache=True, nogil=True)
def _count(samples, y0, x0, height, width, patches, even, odd, scale, half, counts):  # type: ignore[no-untyped-def]
    for number in range(patches.shape[0]):
        first, stop, left, right = patches[number]
        wide = max(first - 2, 0), min(stop + 2, height), max(left - 2, 0), min(right + 2, width)
        skipped = wide[2] // 2 - x0 // 2
        detail = _detail(samples, y0, x0, height, width, wide, even[skipped:], odd[skipped:], scale)
        mean = np.empty((stop - first, right - left), np.float32)
        top, side = first - 2 < 0, left - 2 < 0
        columns = right - left + 4
        line = np.empty(columns if side or right + 2 > width else 0, np.float32)
        ring = np.empty((5, right - left), np.float32)
        _smooth(detail, 2 if top else 0, 2 if side else 0, half, line, ring, mean)
        bits = mean.view(np.uint32)
        for y in range(0, mean.shape[0], 2):
            for x in range(0, mean.shape[1], 2):
                if mean[y, x] > 0:
                    counts[bits[y, x] >> np.uint32(_SHIFT)] += 1


@njit(cache=True, nogil=True)
def _detail(samples, y0, x0, height, width, wide, even, odd, scale):  # type: ignore[no-untyped-def]
    """The energy of a region y0, y1, x0, x1, as ``detail_energy.energy`` has it; ``even``, ``odd``: from its x0 on."""
    rows, columns = (height + 1) // 2, (width + 1) // 2
    top, bottom = max((wide[0] - 1) // 2, 0), min((wide[1] + 3) // 2, rows)
    left, right = max((wide[2] - 1) // 2, 0), min((wide[3] + 3) // 2, columns)
    low = np.empty((samples.shape[0], bottom - top, right - left), np.float32)
    nothing, column_scale = np.zeros(samples.shape[2], samples.dtype), np.empty(right - left, np.float32)
    line = np.zeros(2 * (right - left) + 3, np.float32)
    for plane in range(samples.shape[0]):
        reduce_plane(samples[plane], y0, x0, height, width, top, left, nothing, line, column_scale, low[plane])
    count = (wide[3] + 1) // 2 - wide[2] // 2
    blended, doubled = np.zeros(count + 2, np.float32), np.empty(2 * count, np.float32)
    out = np.zeros((wide[1] - wide[0], wide[3] - wide[2]), np.float32)
    _energy(samples, y0, x0, low, top, left, height, width, wide[0], wide[2], even, odd, blended, doubled, scale, out)
    return out
