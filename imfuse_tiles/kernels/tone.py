"""Tone curves, one pixel at a time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compiler import njit

Plane = NDArray[np.float32]


def powered(plane: Plane, power: float) -> Plane:
    """Samples kept in 0..1 and raised to a power, float32 (y, x).

    In double precision by the scalar function: NumPy's own may round differently at the end of a row.
    """
    out = np.empty(plane.shape, np.float32)
    _powered(plane.reshape(-1), float(power), out.reshape(-1))
    return out


@njit(cache=True, nogil=True)
def _powered(plane: Plane, power: float, out: Plane) -> None:
    for i in range(out.size):
        value = min(max(plane[i], np.float32(0)), np.float32(1))
        out[i] = np.float32(math.pow(float(value), power))
