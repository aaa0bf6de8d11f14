"""Transforms of all frames that agree best with what is known of pairs: robust least squares, the reference fixed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .registration_fit import MODELS, displacement_basis
from .registration_matrices import distance, inverse, step, unit
from .registration_pairs import LEAST_DEVIATION

Matrix = NDArray[np.float64]

ROUNDS = 10


@dataclass(frozen=True)
class Link:
    """``matrix`` maps frame ``first`` to frame ``second``; ``deviation`` of the worst corner in pixels; ``apart``:
    share of the picture that lies elsewhere; ``factor`` of the level they were compared on."""

    first: int
    second: int
    matrix: Matrix
    deviation: float
    apart: float = 0.0
    factor: int = 1


def chained(count: int, links: Sequence[Link], reference: int) -> tuple[list[Matrix | None], list[float]]:
    """Transforms (3, 3) from the reference to every frame along the surest links, None where none leads, and the
    errors of their worst corners that are to be expected, in pixels: the sum of those on the way, for what grows with
    its blur shifts one frame after the other the same way."""
    best: list[float] = [0.0 if n == reference else math.inf for n in range(count)]
    errors = list(best)
    found: list[Matrix | None] = [np.eye(3) if n == reference else None for n in range(count)]
    changed = True
    while changed:
        changed = False
        for link in links:
            for a, b, forth in ((link.first, link.second, True), (link.second, link.first, False)):
                total, before = best[a] + link.deviation**2, found[a]
                if before is not None and total < best[b]:
                    best[b], errors[b], changed = total, errors[a] + link.deviation, True
                    found[b] = (link.matrix if forth else inverse(link.matrix)) @ before
    return found, errors


def agreed(transforms: Sequence[Matrix], links: Sequence[Link], reference: int, model: str, width: int, height: int
           ) -> tuple[list[Matrix], NDArray[np.float64]]:  # fmt: skip
    """Improve transforms from the reference to every frame.

    Returns them and by how much each link fails to close, in pixels of the worst corner. Links count by their
    deviation, and less (Cauchy) where they do not close.
    """
    found, weights = list(transforms), np.ones(len(links))
    pairs = np.array([(link.first, link.second) for link in links], np.int64).reshape(-1, 2)
    matrices = np.array([link.matrix for link in links]).reshape(-1, 3, 3)
    deviations = np.array([max(link.deviation, LEAST_DEVIATION * link.factor) for link in links])
    grid = _grid(width, height)
    for _ in range(ROUNDS):
        band, right = _equations(np.array(found), pairs, matrices, weights / deviations**2, reference, MODELS[model],
                                 grid, *unit(width, height))  # fmt: skip
        numbers = np.empty(right.size)
        _solve_band(band, right, numbers)
        steps = numbers.reshape(len(found), -1)
        found = [step(part, width, height) @ matrix for part, matrix in zip(steps, found, strict=True)]
        gaps = np.array([distance(t.matrix @ found[t.first], found[t.second], width, height) for t in links])
        share = gaps / deviations
        before, weights = weights, 1 / (1 + (share / (2 * max(float(np.median(share)), 0.5))) ** 2)
        if np.abs(weights - before).max() < 1e-3 and np.abs(steps).max() < 1e-4:
            break
    back = inverse(found[reference])
    return [matrix @ back for matrix in found], gaps


def _grid(width: int, height: int) -> Matrix:
    x, y = np.meshgrid(np.linspace(0, width - 1, 3), np.linspace(0, height - 1, 3))
    return np.vstack([x.ravel(), y.ravel(), np.ones(9)])


@njit(cache=True, nogil=True)
def _equations(transforms, pairs, matrices, weights, reference, size, grid, cx, cy, s):  # type: ignore[no-untyped-def]
    """Normal equations of a small step of every frame, as a band below the diagonal."""
    count = len(transforms)
    wide = (np.abs(pairs[:, 0] - pairs[:, 1]).max() + 1) * size
    band, right = np.zeros((count * size, wide)), np.zeros(count * size)
    for k in range(size):
        band[reference * size + k, 0] = 1e12
    rows, at = np.empty((2, 2 * size)), np.empty(2 * size, np.int64)
    one, other, gap, end = np.empty((2, size)), np.empty((2, size)), np.empty(2), np.empty(2)
    for p in range(len(pairs)):
        i, j = pairs[p, 0], pairs[p, 1]
        t = matrices[p]
        for g in range(grid.shape[1]):
            x, y = _point(transforms[i], grid[0, g], grid[1, g])
            end[0], end[1] = _point(transforms[j], grid[0, g], grid[1, g])
            gap[0], gap[1] = _point(t, x, y)
            w = t[2, 0] * x + t[2, 1] * y + t[2, 2]
            displacement_basis((x - cx) / s, (y - cy) / s, one)
            displacement_basis((end[0] - cx) / s, (end[1] - cy) / s, other)
            for r in range(2):
                jx, jy = (t[r, 0] - gap[r] * t[2, 0]) / w, (t[r, 1] - gap[r] * t[2, 1]) / w
                for k in range(size):
                    rows[r, k], rows[r, size + k] = jx * one[0, k] + jy * one[1, k], -other[r, k]
                    at[k], at[size + k] = i * size + k, j * size + k
            for r in range(2):
                for k in range(2 * size):
                    right[at[k]] -= weights[p] * rows[r, k] * (gap[r] - end[r])
                    for m in range(2 * size):
                        if at[k] >= at[m]:
                            band[at[k], at[k] - at[m]] += weights[p] * rows[r, k] * rows[r, m]
    return band, right


@njit(cache=True, nogil=True)
def _point(t, x, y):  # type: ignore[no-untyped-def]
    w = t[2, 0] * x + t[2, 1] * y + t[2, 2]
    return (t[0, 0] * x + t[0, 1] * y + t[0, 2]) / w, (t[1, 0] * x + t[1, 1] * y + t[1, 2]) / w


@njit(cache=True, nogil=True)
def _solve_band(band: Matrix, right: Matrix, out: Matrix) -> None:
    """Cholesky in place of a symmetric band: ``band[i, d]`` is the entry of row i, column i - d."""
    n, wide = band.shape
    for i in range(n):
        for d in range(min(wide - 1, i), -1, -1):
            j = i - d
            total = band[i, d]
            for k in range(max(0, i - wide + 1, j - wide + 1), j):
                total -= band[i, i - k] * band[j, j - k]
            band[i, d] = np.sqrt(max(total, 1e-12)) if d == 0 else total / band[j, 0]
    for i in range(n):
        total = right[i]
        for d in range(1, min(wide - 1, i) + 1):
            total -= band[i, d] * out[i - d]
        out[i] = total / band[i, 0]
    for i in range(n - 1, -1, -1):
        total = out[i]
        for k in range(i + 1, min(n, i + wide)):
            total -= band[k, k - i] * out[k]
        out[i] = total / band[i, 0]
