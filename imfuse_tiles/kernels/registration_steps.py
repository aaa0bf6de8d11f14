"""Steps of a transform towards what the blocks of two frames ask for, and what is known of it in the end."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .registration_blocks import COUNT, block_normals
from .registration_fit import MODELS, corner_deviation, fit
from .registration_matrices import invert_into, step_into, unit

Matrix = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

STEPS = 6
#: No step is longer than so many pixels.
LONGEST = 8.0
#: Blocks lie elsewhere if they want to be moved by so many pixels of the level, a square so many times their variance.
APART, APART_SURE = 1.5, 16.0


def steps(parts: list[tuple[Any, ...]], matrix: Matrix, model: str, size: int, frame: tuple[int, int], small: float,
          split: bool = True) -> tuple[Any, ...] | None:  # fmt: skip
    """Gauss-Newton steps of ``matrix`` over blocks, until none is longer than ``small`` pixels.

    ``parts``: (first, its left, top, second, its left, top, blocks) as of :func:`block_normals`; ``size``: edge of the
    blocks; ``frame``: width and height. Returns the matrix, the deviation of its worst corner and half the distance of
    the corners of every second block's matrix (NaN unless ``split``), in pixels; how much more blocks differ than
    chance makes them; the share of those that lie elsewhere, their number, their equations, and which half each
    belongs to. None where the blocks do not determine the model.
    """
    blocks = parts[0][6] if len(parts) == 1 else np.concatenate([part[6] for part in parts])
    normals, left, even = np.empty((len(blocks), 9)), np.zeros((len(blocks), 3)), np.empty(len(blocks), np.bool_)
    numbers, covariance = np.zeros(MODELS[model]), np.zeros((MODELS[model],) * 2)
    matrix, place = np.array(matrix, float), unit(*frame)
    for _ in range(STEPS):
        begin = 0
        for *planes, places in parts:
            block_normals(*planes, matrix, places, size, normals[begin : begin + len(places)])
            begin += len(places)
        scatter, longest = _advance(normals, *place, numbers, covariance, left, matrix)
        if scatter == 0:
            return None
        if longest < small:
            break
    deviation, halves, apart, count = _knowledge(normals, blocks, size, *place, *map(float, frame), covariance, left,
                                                 even, split)  # fmt: skip
    return matrix, deviation, halves, scatter, apart, count, normals, even


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(normals, cx, cy, s, numbers, covariance, left, matrix):  # type: ignore[no-untyped-def]
    """One step of ``matrix`` (in place): how much more blocks differ than chance makes them, 0 where they do not
    determine the ``numbers``, and the largest of these."""
    scatter = fit(normals, np.ones(len(normals), np.bool_), cx, cy, s, numbers, covariance, left)
    if scatter == 0:
        return 0.0, 0.0
    share = min(1.0, LONGEST / max(np.abs(numbers[:2]).max(), 1e-9))
    forth, back, before = np.empty((3, 3)), np.empty((3, 3)), matrix.copy()
    step_into(numbers * share, cx, cy, s, forth)
    invert_into(forth, back)
    for i in range(3):
        for j in range(3):
            matrix[i, j] = before[i, 0] * back[0, j] + before[i, 1] * back[1, j] + before[i, 2] * back[2, j]
    return scatter, np.abs(numbers).max()


@njit(cache=True, nogil=True, error_model="numpy")
def _knowledge(normals, blocks, size, cx, cy, s, width, height, covariance, left, even, split):  # type: ignore[no-untyped-def]
    """Deviation of the worst corner, half the distance of the halves' corners, share of the blocks that want another
    shift than the model gives, by far and for sure, and the number of blocks; fills in ``even``."""
    far, count = 0, 0
    for n in range(len(normals)):
        even[n] = (blocks[n, 0] // size + blocks[n, 1] // size) % 2 == 0
        count += normals[n, COUNT] > 0
        far += math.hypot(left[n, 0], left[n, 1]) > APART and left[n, 2] > APART_SURE
    deviation = corner_deviation(covariance, cx, cy, s, width, height)
    halves = _halves(normals, even, cx, cy, s, width, height, len(covariance)) if split else np.nan
    return deviation, halves, far / max(count, 1), count


@njit(cache=True, nogil=True, error_model="numpy")
def _halves(normals, even, cx, cy, s, width, height, size):  # type: ignore[no-untyped-def]
    """Half the distance of a corner between the fits to every second block and to the others."""
    one, other, covariance, left = np.zeros(size), np.zeros(size), np.zeros((size, size)), np.zeros((len(normals), 3))
    if fit(normals, even, cx, cy, s, one, covariance, left) == 0:
        return np.nan
    if fit(normals, ~even, cx, cy, s, other, covariance, left) == 0:
        return np.nan
    difference = one - other
    for i in range(size):
        for j in range(size):
            covariance[i, j] = difference[i] * difference[j] / 4
    return corner_deviation(covariance, cx, cy, s, width, height)
