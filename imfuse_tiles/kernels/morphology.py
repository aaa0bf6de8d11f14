"""Dilation and erosion by flat structuring elements.

Each row of the element is cut into runs of neighbouring pixels: the extreme of a run is the extreme of shorter,
overlapping runs, so a row of the plane is widened once per *length* of run and every pixel compares one number per
*run*; a disk of radius 10 (317 pixels) costs some thirty comparisons. OpenCV has tall rectangles.
Maximum and minimum round nothing, so any order of comparing gives the same bits.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]
Element = NDArray[np.bool_]
Numbers = NDArray[np.int64]

SHAPES = ("Octagon", "Diamond", "Square", "Disk", "Plus", "Cross")
TALL = 12  # rectangles taller than this are left to OpenCV
STRIP = 2048  # columns at a time: the row buffers stay in the nearest caches
# What a radius below 1 stands for; the disk of 4.3 is the set u*u + v*v <= 18.
DEFAULT_RADIUS = {"Octagon": 2.0, "Diamond": 1.0, "Square": 1.0, "Disk": 4.3, "Plus": 2.0, "Cross": 2.0}


def structuring_element(shape: str, radius: float) -> Element:
    """The structuring element: bools of shape (2r + 1, 2r + 1), r = floor(radius), origin in the middle.

    With u, v the distances from the middle: Octagon |u| + |v| <= r + floor(r/2), Diamond |u| + |v| <= r,
    Square everything, Disk u*u + v*v <= radius*radius, Plus the two axes, Cross the two diagonals.
    A radius below 1 means 2 for Octagon, Plus and Cross, 1 for Diamond and Square, 4.3 for Disk.
    Raises ValueError for another shape.
    """
    if shape not in DEFAULT_RADIUS:
        raise ValueError(f"no structuring element is called {shape!r}; there are {', '.join(SHAPES)}")
    if radius < 1:
        radius = DEFAULT_RADIUS[shape]
    r = int(radius)
    v, u = np.abs(np.mgrid[-r : r + 1, -r : r + 1])
    tables = {
        "Octagon": u + v <= r + r // 2,
        "Diamond": u + v <= r,
        "Square": u >= 0,
        "Disk": u * u + v * v <= radius * radius,
        "Plus": (u == 0) | (v == 0),
        "Cross": u == v,
    }
    return np.ascontiguousarray(tables[shape])


def dilate(plane: Plane, element: Element) -> Plane:
    """The largest pixel under the element. float32 (y, x) -> (y - h + 1, x - w + 1) for an element (h, w).

    out[y, x] = max of plane[y + i, x + j] over all element[i, j]: valid convention, halo (h - 1)/2 and
    (w - 1)/2 for the elements of `structuring_element()`; even sides are allowed. Any range of values, no NaN.
    Raises ValueError for an element without a pixel.
    """
    return _compare(plane, element, True)


def erode(plane: Plane, element: Element) -> Plane:
    """The smallest pixel under the element; shapes as for `dilate`."""
    return _compare(plane, element, False)


def _compare(plane: Plane, element: Element, largest: bool) -> Plane:
    height, width = element.shape
    if not element.any():
        raise ValueError("a structuring element needs at least one pixel")
    if element.all() and height > TALL:
        filtered = (cv2.dilate if largest else cv2.erode)(plane, element.astype(np.uint8), anchor=(0, 0))
        return np.ascontiguousarray(filtered[: plane.shape[0] - height + 1, : plane.shape[1] - width + 1])
    out = np.empty((plane.shape[0] - height + 1, plane.shape[1] - width + 1), np.float32)
    _extreme(np.ascontiguousarray(plane), *_runs(element.tobytes(), height, width), height, width, largest, out)
    return out


@lru_cache(maxsize=64)
def _runs(table: bytes, height: int, width: int) -> tuple[Numbers, Numbers]:
    """The lengths of runs, ascending from 1, and rows (number of the length, i, j): a run begins at element[i, j]."""
    element = np.frombuffer(table, np.bool_).reshape(height, width)
    edges = np.diff(np.pad(element, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    first, last = np.argwhere(edges == 1), np.argwhere(edges == -1)
    lengths, number = np.unique(np.append(last[:, 1] - first[:, 1], 1), return_inverse=True)
    return lengths, np.ascontiguousarray(np.column_stack([number[:-1], first]))


@njit(cache=True, nogil=True, inline="always")
def _two(a: Plane, b: Plane, n: int, largest: bool, out: Plane) -> None:
    if largest:
        for x in range(n):
            out[x] = a[x] if a[x] > b[x] else b[x]
    else:
        for x in range(n):
            out[x] = a[x] if a[x] < b[x] else b[x]


@njit(cache=True, nogil=True, inline="always")
def _three(a: Plane, b: Plane, c: Plane, n: int, largest: bool, out: Plane) -> None:
    if largest:
        for x in range(n):
            near = a[x] if a[x] > b[x] else b[x]
            out[x] = near if near > c[x] else c[x]
    else:
        for x in range(n):
            near = a[x] if a[x] < b[x] else b[x]
            out[x] = near if near < c[x] else c[x]


@njit(cache=True, nogil=True)
def _widen(row: Plane, lengths: Numbers, span: int, largest: bool, rings: Plane, slot: int, spare: Plane) -> None:
    """Extremes of every 2, 3 ... neighbours of a row into ``rings[number of the length, slot]``."""
    now, length, turn = row, 1, 0
    for k in range(1, len(lengths)):
        while length < lengths[k]:  # overlapping parts make any length up to three times the present one
            more = min(2 * length, lengths[k] - length)
            length += more
            target = rings[k, slot] if length == lengths[k] else spare[turn]
            turn = 1 - turn
            _three(now, now[(more + 1) // 2 :], now[more:], span - length + 1, largest, target)
            now = target


@njit(cache=True, nogil=True)
def _extreme(plane: Plane, lengths: Numbers, runs: Numbers, height: int, width: int, largest: bool, out: Plane) -> None:
    rows, wide = plane.shape[0], out.shape[1]
    room = min(wide, STRIP) + width + 15
    rings, spare = np.empty((len(lengths), height, room), np.float32), np.empty((2, room), np.float32)
    for left in range(0, wide, STRIP):
        n = min(wide - left, STRIP)
        for y in range(rows):
            _widen(plane[y, left:], lengths, n + width - 1, largest, rings, y % height, spare)
            top = y - height + 1
            if top < 0:
                continue
            target, first, k = out[top, left:], _run(plane, rings, runs[0], top, left), 1
            if len(runs) == 1:
                for x in range(n):
                    target[x] = first[x]
            elif len(runs) % 2 == 0:
                _two(first, _run(plane, rings, runs[1], top, left), n, largest, target)
                k = 2
            while k < len(runs):
                a, b = _run(plane, rings, runs[k], top, left), _run(plane, rings, runs[k + 1], top, left)
                _three(first if k == 1 else target, a, b, n, largest, target)
                k += 2


@njit(cache=True, nogil=True, inline="always")
def _run(plane: Plane, rings: Plane, run: Numbers, top: int, left: int) -> Plane:
    """The row of extremes of a run for the output row ``top``."""
    if run[0] == 0:
        return plane[top + run[1], left + run[2] :]
    return rings[run[0], (top + run[1]) % rings.shape[1], run[2] :]
