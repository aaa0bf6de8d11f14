"""Transforms as numbers and as matrices: made of each other, inverted, compared.

A field of small displacements has 2, 4, 6 or 8 numbers, as its model is a shift, a similarity, an affine map or a
homography. Points are taken relative to the middle of the frame, in units of half its longer side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiler import njit

Matrix = NDArray[np.float64]


def unit(width: float, height: float) -> tuple[float, float, float]:
    """Middle and unit of length of a frame, in pixels."""
    return (width - 1) / 2, (height - 1) / 2, max(width, height) / 2


def step(numbers: Matrix, width: float, height: float) -> Matrix:
    """The transform (3, 3) that displaces every point by the field of these numbers."""
    out = np.empty((3, 3))
    step_into(numbers, *unit(width, height), out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def step_into(numbers: Matrix, cx: float, cy: float, s: float, out: Matrix) -> None:
    """In units of the frame the field adds to every point its shift and slopes, and divides by its perspective."""
    n, count = np.zeros(8), numbers.size
    n[:count] = numbers
    if count == 4:
        n[3], n[4], n[5] = -numbers[3], numbers[3], numbers[2]
    out[0, 0], out[0, 1], out[0, 2] = 1 + n[2] / s, n[3] / s, n[0] / s
    out[1, 0], out[1, 1], out[1, 2] = n[4] / s, 1 + n[5] / s, n[1] / s
    out[2, 0], out[2, 1], out[2, 2] = -n[6] / s, -n[7] / s, 1.0
    for i in range(3):
        out[i, 2] -= out[i, 0] * cx / s + out[i, 1] * cy / s
        out[i, 0], out[i, 1] = out[i, 0] / s, out[i, 1] / s
    for j in range(3):
        out[0, j], out[1, j] = s * out[0, j] + cx * out[2, j], s * out[1, j] + cy * out[2, j]


def inverse(matrix: Matrix) -> Matrix:
    """The inverse of a matrix (3, 3), by its minors: the same on every machine."""
    out = np.empty((3, 3))
    invert_into(matrix, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def invert_into(m: Matrix, out: Matrix) -> None:
    """The inverse of a matrix (3, 3) into another one: its adjugate over its determinant."""
    a, b, c, d, e, f, g, h, i = m[0, 0], m[0, 1], m[0, 2], m[1, 0], m[1, 1], m[1, 2], m[2, 0], m[2, 1], m[2, 2]
    out[0, 0], out[0, 1], out[0, 2] = e * i - f * h, c * h - b * i, b * f - c * e
    out[1, 0], out[1, 1], out[1, 2] = f * g - d * i, a * i - c * g, c * d - a * f
    out[2, 0], out[2, 1], out[2, 2] = d * h - e * g, b * g - a * h, a * e - b * d
    whole = a * out[0, 0] + b * out[1, 0] + c * out[2, 0]
    for k in range(3):
        for n in range(3):
            out[k, n] /= whole


def corners(width: float, height: float) -> Matrix:
    """The middles of the four corner pixels as columns (3, 4)."""
    w, h = width - 1, height - 1
    return np.array([[0, w, 0, w], [0, 0, h, h], [1, 1, 1, 1]], float)


def moved(matrix: Matrix, points: Matrix) -> Matrix:
    """Where ``matrix`` (3, 3) maps points (3, n) to: (2, n)."""
    image = matrix @ points
    return image[:2] / image[2]


def distance(one: Matrix, other: Matrix, width: float, height: float) -> float:
    """How far apart two transforms put a corner of a frame, at most, in pixels."""
    return float(_distance(one, other, width - 1.0, height - 1.0))


@njit(cache=True, nogil=True, error_model="numpy")
def _distance(one: Matrix, other: Matrix, right: float, bottom: float) -> float:
    most = 0.0
    for x in (0.0, right):
        for y in (0.0, bottom):
            w = one[2, 0] * x + one[2, 1] * y + one[2, 2]
            w2 = other[2, 0] * x + other[2, 1] * y + other[2, 2]
            dx = (one[0, 0] * x + one[0, 1] * y + one[0, 2]) / w
            dx -= (other[0, 0] * x + other[0, 1] * y + other[0, 2]) / w2
            dy = (one[1, 0] * x + one[1, 1] * y + one[1, 2]) / w
            dy -= (other[1, 0] * x + other[1, 1] * y + other[1, 2]) / w2
            most = max(most, np.sqrt(dx * dx + dy * dy))
    return most
