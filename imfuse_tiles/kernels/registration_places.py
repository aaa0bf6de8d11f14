"""Which blocks of two frames are compared: those with strong gradients in both, and some everywhere."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .registration_pyramid import CELL, Level

Matrix = NDArray[np.float64]
Index = NDArray[np.int64]
Energy = NDArray[np.float32]


def chosen_blocks(one: Level, other: Level, matrix: Matrix, size: int, count: int, spread: float
                  ) -> Index:  # fmt: skip
    """Places (n, 2), x and y of the first pixels, of at most ``count`` blocks of the first level.

    ``matrix`` (3, 3) maps pixels of the first level to those of the other; ``size``: edge of a block. A share
    ``spread`` of the blocks is the strongest of a cell of the frame each; the strongest come first.
    """
    high, wide = one.plane.shape
    columns, rows = (wide - 4) // size, (high - 4) // size
    cells = max(1, int(spread * count))
    across = max(1, round(math.sqrt(cells * wide / high)))
    places = np.empty((columns * rows, 2), np.int64)
    strength = np.empty(len(places), np.float32)
    _strengths(one.energy, other.energy, matrix, wide, high, size, columns, strength, places)
    if len(places) <= count:
        return places
    order = np.argsort(-strength, kind="stable")
    return places[_chosen(places, order, wide, high, across, max(1, cells // across), count)]


@njit(cache=True, nogil=True, error_model="numpy")
def _strengths(one: Energy, other: Energy, matrix: Matrix, wide: int, high: int, size: int, columns: int,
               strength: Energy, places: Index) -> None:  # fmt: skip
    """The places of all blocks, and for each the energy around its middle in the frame that has less of it."""
    rows = len(places) // columns
    left, top = (wide - columns * size) // 2, (high - rows * size) // 2
    for n in range(len(places)):
        x, y = left + size * (n % columns), top + size * (n // columns)
        places[n, 0], places[n, 1] = x, y
        u, v = x + size / 2, y + size / 2
        w = matrix[2, 0] * u + matrix[2, 1] * v + matrix[2, 2]
        x2 = np.rint((matrix[0, 0] * u + matrix[0, 1] * v + matrix[0, 2]) / w - size / 2)
        y2 = np.rint((matrix[1, 0] * u + matrix[1, 1] * v + matrix[1, 2]) / w - size / 2)
        strength[n] = min(_around(one, x + size // 2, y + size // 2), _around(other, x2 + size // 2, y2 + size // 2))


@njit(cache=True, nogil=True)
def _around(energy: Energy, x: float, y: float) -> np.float32:
    """Energy of the four cells about a point."""
    rows, columns = energy.shape
    i, j = int(min(max(x / CELL, 0), columns)), int(min(max(y / CELL, 0), rows))
    left, right, above, below = max(i - 1, 0), min(i, columns - 1), max(j - 1, 0), min(j, rows - 1)
    return energy[above, left] + energy[above, right] + energy[below, left] + energy[below, right]


@njit(cache=True, nogil=True)
def _chosen(places: Index, order: Index, wide: int, high: int, across: int, down: int, count: int) -> Index:
    """Of the blocks in ``order`` the first of each of ``across`` x ``down`` cells, and the first others."""
    seen, chosen = np.zeros((down + 1) * (across + 1), np.bool_), np.zeros(len(order), np.bool_)
    left = count
    for rank in range(len(order)):
        place = places[order[rank]]
        cell = place[0] * across // wide + across * (place[1] * down // high)
        if not seen[cell]:
            seen[cell] = chosen[rank] = True
            left -= 1
    out, n = np.empty(count, np.int64), 0
    for rank in range(len(order)):
        if not chosen[rank] and left > 0:
            chosen[rank], left = True, left - 1
        if chosen[rank] and n < count:
            out[n], n = order[rank], n + 1
    return out[:n]
