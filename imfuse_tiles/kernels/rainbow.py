"""The colours of a depth map: indigo at the back, through blue, green, yellow, orange and red, to white in front."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imfuse_tiles.kernels.compiler import njit

Planes = NDArray[np.float32]

_STOPS = np.array([(75, 0, 130), (0, 0, 255), (0, 128, 0), (255, 255, 0), (255, 165, 0), (255, 0, 0),
                   (255, 255, 255)], np.float64) / 255  # fmt: skip
_SAMPLES = 512  # per segment; neighbouring segments share none
_FRACTION = np.linspace(0, 1, _SAMPLES)[:, np.newaxis]
_TABLE = np.concatenate([a + (b - a) * _FRACTION for a, b in pairwise(_STOPS)]).T
_TABLE = np.ascontiguousarray(_TABLE, np.float32)


def rainbow(value: ArrayLike) -> Planes:
    """Colour (3, ...) of depth values of any shape: 0 = indigo, the very back, 1 = white; float32 in 0..1.

    Six straight segments of 512 samples; a value v lies at sample v * 3071, with straight lines between samples.
    Values outside 0..1 take the colour of the nearer end.
    """
    values = np.ascontiguousarray(value, np.float32)
    out = np.empty((3, *np.shape(value)), np.float32)
    _rainbow(values.reshape(-1), _TABLE, out.reshape(3, -1))
    return out


def colour_table(count: int) -> NDArray[np.uint8]:
    """The colours (count, 3) uint8 of ``count`` depths from the back to the front, for a display; loads no compiler."""
    places = np.linspace(0, len(_STOPS) - 1, count)
    planes = [np.interp(places, np.arange(len(_STOPS)), plane) for plane in _STOPS.T]
    return (np.stack(planes, axis=1) * 255 + 0.5).astype(np.uint8)


@njit(cache=True, nogil=True)
def _rainbow(value: Planes, table: Planes, out: Planes) -> None:
    last = table.shape[1] - 1
    for i in range(value.size):
        v = value[i] if value[i] > 0 else np.float32(0)  # also what is not a number
        at = min(v, np.float32(1)) * last  # in double precision
        k = min(int(at), last - 1)
        t = np.float32(at - k)
        for p in range(3):
            out[p, i] = table[p, k] + t * (table[p, k + 1] - table[p, k])


def likeness(rgb: Planes, alpha: Planes, colour: ArrayLike) -> Planes:
    """How much a depth map (3, y, x) with alpha (y, x) has the colour (3,) of a slice: float32 (y, x) in 1/4..1.

    (1 + sum over R, G, B of min(1 - |min(rgb, alpha) - colour|, alpha)) / 4.
    """
    out = np.empty(alpha.shape, np.float32)
    flat = np.ascontiguousarray(rgb, np.float32).reshape(3, -1)
    veil = np.ascontiguousarray(alpha, np.float32).reshape(-1)
    _likeness(flat, veil, np.asarray(colour, np.float32), out.reshape(-1))
    return out


@njit(cache=True, nogil=True)
def _likeness(rgb: Planes, alpha: Planes, colour: Planes, out: Planes) -> None:
    one = np.float32(1)
    for i in range(out.size):
        total = one
        for k in range(3):
            total += min(one - abs(min(rgb[k, i], alpha[i]) - colour[k]), alpha[i])
        out[i] = total * np.float32(0.25)
