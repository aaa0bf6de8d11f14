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
    _filled(*arrays, *origins[0], *origins[1], out)
    return out


@njit(cache=True, nogil=True)
def _filled(peak, picture, coarse, coarse_picture, y0, x0, cy0, cx0, out):  # type: ignore[no-untyped-def]
    for y in range(peak.shape[1]):
        for x in range(peak.shape[2]):
            middle_y, middle_x = (y0 + y) / 2 - cy0, (x0 + x) / 2 - cx0
            depth, sure, total = 0.0, 0.0, 0.0
            for j in range(max(int(middle_y) - 1, 0), min(int(middle_y) + 2, coarse.shape[1])):
                for i in range(max(int(middle_x) - 1, 0), min(int(middle_x) + 2, coarse.shape[2])):
                    apart = 0.0
                    for plane in range(picture.shape[0]):
                        step = picture[plane, y, x] - coarse_picture[plane, j, i]
                        apart += step * step
                    near = 1 / (1 + apart / (COLOUR * COLOUR))
                    away = (j - middle_y) ** 2 + (i - middle_x) ** 2
                    near = (near * near + LEAST) / (1 + away * away)
                    sure += near * coarse[1, j, i]
                    depth += near * coarse[1, j, i] * coarse[0, j, i]
                    total += near
            trust, own = TRUST * sure / total, peak[1, y, x]
            out[0, y, x] = (own * peak[0, y, x] + trust * depth / sure) / (own + trust)
            out[1, y, x] = own + trust
