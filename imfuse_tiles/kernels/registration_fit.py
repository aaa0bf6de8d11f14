"""A transform from the shifts of blocks: robust weighted least squares.

It has as many numbers as ``MODELS`` says; ``registration_matrices`` tells what they are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .registration_blocks import AT_X, AT_Y, COUNT, REST, XX, XY, YY, X, Y

Matrix = NDArray[np.float64]

#: The models and how many numbers each has.
MODELS = {"shift": 2, "similarity": 4, "affine": 6, "homography": 8}
#: Neighbouring pixels do not err independently: they are smoothed and were interpolated.
CORRELATION = 6.0
ROUNDS = 8
#: Variance of a pixel below which nothing is believed.
FINEST = 1e-8


@njit(cache=True, nogil=True)
def corner_deviation(covariance: Matrix, cx: float, cy: float, s: float, width: float, height: float) -> float:
    """The standard deviation of the corner that is known worst, in pixels."""
    basis, worst = np.empty((2, len(covariance))), 0.0
    for x in (0.0, width - 1.0):
        for y in (0.0, height - 1.0):
            displacement_basis((x - cx) / s, (y - cy) / s, basis)
            total = 0.0
            for r in range(2):
                for i in range(len(covariance)):
                    for j in range(len(covariance)):
                        total += basis[r, i] * covariance[i, j] * basis[r, j]
            worst = max(worst, total)
    return math.sqrt(worst)


@njit(cache=True, nogil=True)
def displacement_basis(x: float, y: float, out: Matrix) -> None:
    """Displacement (2) of a point per number of the model."""
    count = out.shape[1]
    out[:] = 0
    out[0, 0] = out[1, 1] = 1
    if count == 4:
        out[0, 2], out[0, 3], out[1, 2], out[1, 3] = x, -y, y, x
    if count >= 6:
        out[0, 2], out[0, 3], out[1, 4], out[1, 5] = x, y, x, y
    if count == 8:
        out[0, 6], out[0, 7], out[1, 6], out[1, 7] = x * x, x * y, x * y, y * y


@njit(cache=True, nogil=True)
def solve(matrix: Matrix, right: Matrix, out: Matrix) -> bool:
    """``out`` = matrix^-1 right for a symmetric positive matrix (n, n) and right sides (n, m), by Cholesky."""
    n = len(matrix)
    low = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= low[i, k] * low[j, k]
            if i > j:
                low[i, j] = total / low[j, j]
            elif total > 1e-13 * matrix[i, i]:
                low[i, i] = np.sqrt(total)
            else:
                return False
    for m in range(right.shape[1]):
        for i in range(n):
            total = right[i, m]
            for k in range(i):
                total -= low[i, k] * out[k, m]
            out[i, m] = total / low[i, i]
        for i in range(n - 1, -1, -1):
            total = out[i, m]
            for k in range(i + 1, n):
                total -= low[k, i] * out[k, m]
            out[i, m] = total / low[i, i]
    return True


@njit(cache=True, nogil=True)
def fit(normals: Matrix, use: NDArray[np.bool_], cx: float, cy: float, s: float, numbers: Matrix, covariance: Matrix,
        left: Matrix) -> float:  # fmt: skip
    """Fit a model's ``numbers`` (k) to the equations of blocks (n, 9), those that ``use`` (n) names.

    Blocks count by how little of their difference stays unexplained, and less (Cauchy) when they want another shift
    than the model gives. ``covariance`` (k, k) of the numbers; ``left`` (n, 3): the shift that each block still wants
    and its square in units of what it knows. Returns how much larger these squares are than chance makes them, at
    least 1; 0 when the blocks do not determine the model.
    """
    count, size = len(normals), numbers.size
    basis, chosen, weight = np.empty((count, 2, size)), np.zeros(count, np.bool_), np.zeros(count)
    for n in range(count):
        chosen[n] = use[n] and normals[n, COUNT] > 0
        if chosen[n]:
            displacement_basis((normals[n, AT_X] - cx) / s, (normals[n, AT_Y] - cy) / s, basis[n])
            weight[n] = 1 / max(normals[n, REST] / normals[n, COUNT], FINEST)
    if 2 * chosen.sum() < size + 2:
        return 0.0
    a, g, found, before = np.empty((size, size)), np.empty((size, 1)), np.zeros((size, 1)), np.zeros((size, 1))
    scale = 1.0
    for _ in range(ROUNDS):
        _assemble(normals, chosen, weight, basis, a, g)
        before[:] = found
        if not solve(a, g, found):
            return 0.0
        scale = _reweigh(normals, chosen, basis, found, weight, left)
        if np.abs(found - before).max() < 2e-4:
            break
    numbers[:] = found[:, 0]
    if not solve(a, np.eye(size), covariance):
        return 0.0
    covariance *= CORRELATION * scale
    return scale


@njit(cache=True, nogil=True)
def _assemble(normals, chosen, weight, basis, a, g):  # type: ignore[no-untyped-def]
    a[:], g[:] = 0, 0
    for n in range(len(normals)):
        if chosen[n]:
            b, w, row = basis[n], weight[n], normals[n]
            for i in range(len(a)):
                px = w * (b[0, i] * row[XX] + b[1, i] * row[XY])
                py = w * (b[0, i] * row[XY] + b[1, i] * row[YY])
                for j in range(len(a)):
                    a[i, j] += px * b[0, j] + py * b[1, j]
                g[i, 0] += w * (b[0, i] * row[X] + b[1, i] * row[Y])


@njit(cache=True, nogil=True)
def _reweigh(normals, chosen, basis, found, weight, left):  # type: ignore[no-untyped-def]
    squares = np.empty(chosen.sum())
    m = 0
    for n in range(len(normals)):
        left[n] = 0
        if chosen[n]:
            row, u, v = normals[n], 0.0, 0.0
            for i in range(len(found)):
                u, v = u + basis[n, 0, i] * found[i, 0], v + basis[n, 1, i] * found[i, 0]
            hu, hv = row[XX] * u + row[XY] * v, row[XY] * u + row[YY] * v
            rest = max(row[REST] - 2 * (row[X] * u + row[Y] * v) + u * hu + v * hv, 1e-9 * row[COUNT])
            variance = max(rest / row[COUNT], FINEST)
            rx, ry, xx, yy = row[X] - hu, row[Y] - hv, row[XX] + 1e-9, row[YY] + 1e-9
            size = xx * yy - row[XY] * row[XY]
            left[n, 0], left[n, 1] = (yy * rx - row[XY] * ry) / size, (xx * ry - row[XY] * rx) / size
            left[n, 2] = (left[n, 0] * rx + left[n, 1] * ry) / (variance * CORRELATION)
            weight[n] = 1 / variance
            squares[m] = left[n, 2]
            m += 1
    scale = max(np.median(squares) / 1.39, 1.0)
    for n in range(len(normals)):
        if chosen[n]:
            weight[n] /= 1 + left[n, 2] / scale / 4
    return scale
