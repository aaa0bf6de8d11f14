"""Which model of a transform a stack asks for: the simplest that predicts the shifts of blocks it has not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .registration_blocks import AT_X, AT_Y, COUNT, REST, XX, XY, YY, X, Y
from .registration_fit import CORRELATION, FINEST, MODELS, displacement_basis, fit
from .registration_matrices import unit

Matrix = NDArray[np.float64]

#: The models that are chosen from, the simplest first.
RICHER = ("similarity", "affine", "homography")
#: A richer model is taken if it lowers the misfit of all blocks by so many deviations and by this share, or that of
#: one pair of frames by so many deviations. Stacks that were moved by similarities stay below 4; photographed leaves,
#: to which a check by other means says that a similarity fits best, reach 7.1; bent frames are far above.
SURE, SHARE = 7.5, 0.05


def chosen_model(pairs: Sequence[Matrix]) -> str:
    """The model that misfits (blocks, 3) of pairs of frames ask for."""
    best = 0
    for column in range(1, len(RICHER)):
        gains = [pair[:, best] - pair[:, column] for pair in pairs]
        total = sum(float(pair[:, best].sum()) for pair in pairs)
        if not gains:
            break
        together = np.concatenate(gains)
        if (_deviations(together) > SURE and together.sum() > SHARE * total) or max(map(_deviations, gains)) > SURE:
            best = column
    return RICHER[best]


def _deviations(gains: Matrix) -> float:
    """A sum in units of its standard deviation if it were nothing but chance."""
    scatter = math.sqrt(float((gains * gains).sum()))
    return float(gains.sum()) / scatter if scatter > 0 else 0.0


def misfits(normals: Matrix, even: NDArray[np.bool_], width: float, height: float) -> Matrix | None:
    """How badly each model, fitted to one half of the blocks, predicts the shifts of the others.

    ``even`` (n) tells the halves apart. Returns (blocks, 3): of a similarity, an affine map and a homography; None
    where a half does not determine one of them. A misfit is the logarithm of 1 + a quarter of the square of the shift
    left over, in units of what is known of it and of what such squares are for a similarity.
    """
    place, scale = unit(width, height), 1.0
    predicted = np.zeros((len(normals), len(RICHER)))
    for column, model in enumerate(RICHER):
        size = MODELS[model]
        for half in (even, ~even):
            numbers, covariance, left = np.zeros(size), np.zeros((size, size)), np.zeros((len(normals), 3))
            factor = fit(normals, half, *place, numbers, covariance, left)
            if factor == 0:
                return None
            scale = factor if column == 0 and half is even else scale
            _squares(normals, ~half, *place, numbers, predicted[:, column])
    return np.log1p(predicted[normals[:, COUNT] > 0] / (4 * scale))


@njit(cache=True, nogil=True)
def _squares(normals, use, cx, cy, s, numbers, out):  # type: ignore[no-untyped-def]
    """Squares of the shifts that blocks still want, in units of what is known of them."""
    basis = np.empty((2, numbers.size))
    for n in range(len(normals)):
        row = normals[n]
        if use[n] and row[COUNT] > 0:
            displacement_basis((row[AT_X] - cx) / s, (row[AT_Y] - cy) / s, basis)
            u, v = 0.0, 0.0
            for i in range(numbers.size):
                u, v = u + basis[0, i] * numbers[i], v + basis[1, i] * numbers[i]
            xx, yy = row[XX] + 1e-9, row[YY] + 1e-9
            size = xx * yy - row[XY] * row[XY]
            best_u, best_v = (yy * row[X] - row[XY] * row[Y]) / size, (xx * row[Y] - row[XY] * row[X]) / size
            rest = max(row[REST] - best_u * row[X] - best_v * row[Y], 1e-9 * row[COUNT])
            du, dv = best_u - u, best_v - v
            out[n] = (xx * du * du + 2 * row[XY] * du * dv + yy * dv * dv) / (
                max(rest / row[COUNT], FINEST) * CORRELATION
            )
