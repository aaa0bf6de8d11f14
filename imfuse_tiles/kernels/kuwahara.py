"""Kuwahara's edge-preserving smoothing: each pixel takes the colour of its calmest neighbouring square."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.moments import VARIANCE, moment

Plane = NDArray[np.float32]


def blur_sigma(radius: float) -> float:
    """Sigma of the blur (of radius floor(radius), edges repeated) whose result `kuwahara` expects."""
    return int(radius) - 0.5


def kuwahara(blurred: Plane, radius: float) -> Plane:
    """Smooth an already blurred plane. float32 (y, x) -> (y - 2r, x - 2r), r = floor(radius), halo r on each side.

    Four squares of (r + 1)^2 pixels have the pixel in a corner: upper left, upper right, lower left, lower right.
    The first one of least variance is chosen, and the result is the blurred plane at its upper left pixel plus
    (r + 1)/2 both ways, for even r the mean of four pixels (half a pixel beyond the middle of the square).
    The caller blurs (halo r more) and pads again, as beyond the frame the *blurred* edge is repeated.
    Raises ValueError for a radius below 1.
    """
    r = int(radius)
    if r < 1:
        raise ValueError("Kuwahara's filter needs a radius of at least 1")
    return _calmest(blurred, moment(blurred, r + 1, VARIANCE), r)


@njit(cache=True, nogil=True)
def _calmest(blurred: Plane, variance: Plane, r: int) -> Plane:
    high, wide = blurred.shape[0] - 2 * r, blurred.shape[1] - 2 * r
    out = np.empty((high, wide), np.float32)
    least, quarter = np.empty(wide, np.float32), np.float32(0.25)
    first, second = (r + 1) // 2, (r + 2) // 2  # equal for odd r
    for y in range(high):
        target = out[y]
        least[:] = np.float32(np.inf)
        for corner in range(4):
            top, left = y + corner // 2 * r, corner % 2 * r
            here = variance[top, left:]
            a, b = blurred[top + first, left + first :], blurred[top + first, left + second :]
            c, d = blurred[top + second, left + first :], blurred[top + second, left + second :]
            for x in range(wide):
                middle = ((a[x] + b[x]) + (c[x] + d[x])) * quarter
                v, best, kept = here[x], least[x], target[x]
                target[x] = middle if v < best else kept
                least[x] = v if v < best else best
    return out
