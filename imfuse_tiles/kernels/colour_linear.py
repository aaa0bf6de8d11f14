"""Colour spaces that are a weighted sum of R, G and B: matrices (planes, 4), last column the offset.

Planes are flat, float32 (3, n); results are written to ``out``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.codes import decode_double
from imfuse_tiles.kernels.compiler import njit

Planes = NDArray[np.float32]
Matrix = NDArray[np.float64]


def _matrix(*rows: tuple[float, ...]) -> Matrix:
    return np.array(rows, np.float64)


def _inverse(*rows: tuple[float, ...]) -> Matrix:
    forward = np.array(rows, np.float64)
    turned = np.linalg.inv(forward[:, :3])
    return np.column_stack([turned, -turned @ forward[:, 3]])


_MIDDLE = 32768 / 65535
_YIQ = ((0.298839, 0.586811, 0.114350, 0.0), (0.595716, -0.274453, -0.321263, 0.5),
        (0.211456, -0.522591, 0.311135, 0.5))  # fmt: skip
_OHTA = ((0.33333, 0.33334, 0.33333, 0.0), (0.5, 0.0, -0.5, _MIDDLE), (-0.25, 0.5, -0.25, _MIDDLE))

GRAY = _matrix((0.212656, 0.715158, 0.072186, 0.0))
MEAN = _matrix((1 / 3, 1 / 3, 1 / 3, 0.0))
CMY = _matrix((-1, 0, 0, 1), (0, -1, 0, 1), (0, 0, -1, 1))  # its own inverse
YCBCR = _matrix((0.298839, 0.586811, 0.114350, 0.0), (-0.1687367, -0.331264, 0.5, 0.5),
                (0.5, -0.418688, -0.081312, 0.5))  # fmt: skip
YCBCR_BACK = _matrix((1, 0, 1.402, -0.701), (1, -0.344136, -0.714136, 0.529136), (1, 1.772, 0, -0.886))
YIQ, YIQ_BACK = _matrix(*_YIQ), _inverse(*_YIQ)
OHTA, OHTA_BACK = _matrix(*_OHTA), _inverse(*_OHTA)


@njit(cache=True, nogil=True, error_model="numpy")
def weigh(row: Matrix, planes: Planes, out: Planes) -> None:
    """Weighted sum a R + b G + c B + d of three planes with row (a, b, c, d), from left to right; out (n,)."""
    first, second, third = planes[0], planes[1], planes[2]
    a, b, c, d = row[0], row[1], row[2], row[3] * 65535.0
    for i in range(first.size):
        out[i] = np.float32(
            (a * decode_double(first[i]) + b * decode_double(second[i]) + c * decode_double(third[i]) + d) * (1 / 65535)
        )


def mix(matrix: Matrix, planes: Planes, out: Planes) -> None:
    """Three planes times a matrix (rows, 4), the last column added; out (rows, n)."""
    for row, target in zip(matrix, out, strict=True):
        weigh(row, planes, target)
