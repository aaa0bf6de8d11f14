"""Noise reduction by the mean of those neighbours that look alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]

HALO = 2
WEIGHTS = np.array(
    [[5, 8, 10, 8, 5], [8, 20, 40, 20, 8], [10, 40, 80, 40, 10], [8, 20, 40, 20, 8], [5, 8, 10, 8, 5]],
    np.float32,
)


def enhance(plane: Plane) -> Plane:
    """One pass of the weighted 5x5 mean. float32 (y, x) 0..1 -> (y - 4, x - 4), halo 2 on each side.

    A neighbour q of the pixel x takes part if (16 - m) (q - x)^2 < 0.069 with m = (q + x)/2, that is if it
    differs by less than about 0.066. The result is the weighted mean of those plus 0.5/65535.
    """
    return _enhance(plane, WEIGHTS)


@njit(cache=True, nogil=True)
def _enhance(plane: Plane, weights: Plane) -> Plane:
    high, wide = plane.shape[0] - 4, plane.shape[1] - 4
    out = np.empty((high, wide), np.float32)
    total, weight = np.empty(wide, np.float32), np.empty(wide, np.float32)
    for y in range(high):
        centre = plane[y + 2, 2 : wide + 2]
        total[:] = np.float32(0)
        weight[:] = np.float32(0)
        for j in range(5):
            for i in range(5):
                other, share = plane[y + j, i:], weights[j, i]
                for x in range(wide):
                    q, c = other[x], centre[x]
                    apart = (np.float32(16) - (q + c) * np.float32(0.5)) * ((q - c) * (q - c))
                    w = share if apart < np.float32(0.069) else np.float32(0)
                    weight[x] += w
                    total[x] += w * q
        row = out[y]
        for x in range(wide):
            row[x] = total[x] / weight[x] + np.float32(0.5 / 65535)
    return out
