"""What all frames of a stack show once they lie over each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .registration_matrices import inverse

Matrix = NDArray[np.float64]


def common_area(transforms: Sequence[Matrix], width: int, height: int) -> tuple[int, int, int, int]:
    """The rectangle y0, y1, x0, x1 of the reference that all frames cover; empty where there is none.

    Each side moves inwards until all its pixels are seen by all frames.
    """
    x0, x1, y0, y1 = 0.0, width - 1.0, 0.0, height - 1.0
    for _ in range(8):
        before = x0, x1, y0, y1
        for matrix in transforms:
            back = inverse(matrix)
            left = _line(back, 0, None, y0, y1)
            right = _line(back, width - 1, None, y0, y1)
            top, bottom = _line(back, None, 0, x0, x1), _line(back, None, height - 1, x0, x1)
            x0, x1 = max(x0, max(left)), min(x1, min(right))
            y0, y1 = max(y0, max(top)), min(y1, min(bottom))
        if before == (x0, x1, y0, y1):
            break
    small = 1e-6
    return (math.ceil(y0 - small), math.floor(y1 + small) + 1, math.ceil(x0 - small), math.floor(x1 + small) + 1)


def _line(back: Matrix, x: float | None, y: float | None, low: float, high: float) -> list[float]:
    """Where a border of the frame runs in the reference, at the two ends of a span of the other coordinate."""
    found = []
    for end in (low, high):
        at = end
        for _ in range(12):  # the place on the border whose image has the coordinate ``end``
            point = np.array([x, at, 1.0]) if x is not None else np.array([at, y, 1.0])
            image = back @ point
            image = image[:2] / image[2]
            at += end - (image[1] if x is not None else image[0])
        found.append(float(image[0] if x is not None else image[1]))
    return found
