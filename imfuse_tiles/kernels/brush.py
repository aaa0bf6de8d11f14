"""How much a brush stroke covers each pixel: by the distance to its line, with a soft edge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]


def coverage(
    points: Sequence[Point], radius: float, softness: float, origin: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Coverage 0..1 (y, x) of pixels whose first is at ``origin`` (y, x) by a line through ``points`` (x, y).

    1 up to ``radius`` * (1 - ``softness``) pixels from the line, 0 from ``radius`` on, a cubic step between them. Every
    pixel is computed by itself in double precision, so that any window gives the same values.
    """
    squared = np.full(shape, np.inf)
    y = np.arange(origin[0], origin[0] + shape[0], dtype=np.float64)[:, None] + 0.5
    x = np.arange(origin[1], origin[1] + shape[1], dtype=np.float64)[None] + 0.5
    ends = list(points[1:]) or [points[0]]
    for (x0, y0), (x1, y1) in zip(points, ends, strict=False):
        rows = _span(min(y0, y1), max(y0, y1), radius, origin[0], shape[0])
        columns = _span(min(x0, x1), max(x0, x1), radius, origin[1], shape[1])
        if rows.start < rows.stop and columns.start < columns.stop:
            near = squared[rows, columns]
            np.minimum(near, _squared_distance(x[:, columns], y[rows], (x0, y0), (x1, y1)), out=near)
    distance = np.sqrt(squared)
    if softness <= 0:
        return np.asarray(distance < radius, np.float64)
    share = np.clip((radius - distance) / (radius * softness), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))


def passes(points: Sequence[Point], reach: float, rectangle: tuple[int, int, int, int]) -> bool:
    """Whether a line through ``points`` (x, y) comes into a rectangle that is ``reach`` wider on all sides.

    ``rectangle``: y0, y1, x0, x1. Where it does not, it is ``reach`` away at least.
    """
    places = np.asarray(points, np.float64)
    starts = places[: max(1, len(places) - 1)]
    steps = (places[1:] if len(places) > 1 else places) - starts
    y0, y1, x0, x1 = rectangle
    low, high = np.array([x0 - reach, y0 - reach]), np.array([x1 + reach, y1 + reach])
    with np.errstate(divide="ignore", invalid="ignore"):  # along a side: before and after every other place, or never
        ends = np.stack([(low - starts) / steps, (high - starts) / steps])
    enters, leaves = ends.min(0).max(1), ends.max(0).min(1)
    return bool(((enters <= leaves) & (leaves >= 0) & (enters <= 1)).any())


def _span(low: float, high: float, radius: float, first: int, count: int) -> slice:
    """Rows or columns of a window that a piece of the line may cover."""
    start, stop = int(low - radius) - 1 - first, int(high + radius) + 2 - first
    return slice(min(max(start, 0), count), min(max(stop, 0), count))


def _squared_distance(x: NDArray[np.float64], y: NDArray[np.float64], start: Point, stop: Point) -> NDArray[np.float64]:
    """Squared distance of pixels to a piece of a line."""
    dx, dy = stop[0] - start[0], stop[1] - start[1]
    length = dx * dx + dy * dy
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / length, 0.0, 1.0) if length > 0 else 0.0
    across, down = x - start[0] - along * dx, y - start[1] - along * dy
    return np.asarray(across * across + down * down)
