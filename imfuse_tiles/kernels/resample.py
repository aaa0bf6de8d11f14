"""A plane resampled to another size, any window of it, in step with the whole frame.

Pixel i of the target looks at the position (i + 1/2) * source/target - 1/2 of the source, f its floor and t its
fraction, found in whole numbers, so that every window sees the same positions. Beyond the frame its edge pixels
repeat. All interpolations but mesh are products of a weight in x and a weight in y:

nearest 1 at floor(position + 1/2); integer 1 at f; bilinear and background 1-t, t at f, f+1; average 1/2, 1/2;
average9 1/3 each at the nearest pixel and its two neighbours; average16 1/4 each at f-1..f+2; blend the left pixel
for t <= 1/4, the right for t >= 3/4, else half of both; catrom the Catmull-Rom cubic and spline the cubic B-spline
at f-1..f+2. mesh splits the square of four pixels along one diagonal and interpolates in the triangle.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]
Index = NDArray[np.uint32]
Region = tuple[int, int, int, int]
Size = tuple[int, int]

INTERPOLATIONS = ("Nearest", "Integer", "Bilinear", "Average", "Average9", "Average16", "Blend", "Catrom",
                  "Spline", "Mesh", "Background")  # fmt: skip
_NAMES = {name.lower(): name for name in INTERPOLATIONS} | {"average4": "Average"}
# first tap relative to the floor of the position (Nearest, Average9: to the nearest pixel), number of taps
_SPAN = {"Nearest": (0, 1), "Integer": (0, 1), "Average9": (-1, 3), "Average16": (-1, 4), "Catrom": (-1, 4),
         "Spline": (-1, 4)}  # fmt: skip


def canonical(name: str) -> str:
    """The spelling in ``INTERPOLATIONS`` of a name in any case; ValueError lists them if there is none."""
    try:
        return _NAMES[name.lower()]
    except KeyError:
        raise ValueError(f"unknown interpolation {name!r}; known: {', '.join(INTERPOLATIONS)}") from None


def source_region(region: Region, frame: Size, target: Size, interpolation: str) -> Region:
    """The part y0, y1, x0, x1 (half open, inside the frame) of the source that a region of the target needs."""
    name, bounds = canonical(interpolation), []
    for axis in (0, 1):
        start, stop = region[2 * axis : 2 * axis + 2]
        first, count, _ = _floor(np.array([start, stop - 1]), frame[axis], target[axis], name)
        low, high = np.clip([first[0], first[1] + count - 1], 0, frame[axis] - 1)
        bounds += [int(low), int(high) + 1]
    return bounds[0], bounds[1], bounds[2], bounds[3]


def resample(plane: Plane, origin: Size, frame: Size, target: Size, region: Region, interpolation: str,
             luma: Plane | None = None) -> Plane:  # fmt: skip
    """Rows ty0..ty1, columns tx0..tx1 of the frame resampled to ``target`` (h, w): float32 (ty1-ty0, tx1-tx0).

    ``plane`` is the part of the frame (H, W) that begins at ``origin`` (y0, x0) and covers ``source_region``
    (ValueError if it does not). ``luma``, of the shape of ``plane``, decides the diagonals of mesh; without it the
    plane itself does.
    """
    name = canonical(interpolation)
    parts = ((*region[2 * axis : 2 * axis + 2], frame[axis], target[axis], origin[axis], plane.shape[axis], name)
             for axis in (0, 1))  # fmt: skip
    try:
        rows, across = (_taps(*each) for each in parts)
    except ValueError:
        raise ValueError(f"the plane of shape {plane.shape} at {origin} does not cover the region {region}") from None
    plane = np.ascontiguousarray(plane, np.float32)
    out = np.empty((region[1] - region[0], region[3] - region[2]), np.float32)
    if name == "Mesh":
        _mesh(
            plane,
            plane if luma is None else np.ascontiguousarray(luma, np.float32),
            rows.samples,
            rows.weight,
            across.samples,
            across.weight,
            out,
        )
    else:
        beyond, begin = across.beyond, across.begin
        line = np.empty(plane.shape[1] + sum(beyond), np.float32)
        way = _smaller if target[0] < frame[0] else _larger
        way(plane, rows.samples, rows.weight, begin, across.weight, beyond[0], line, out)
    return out


def _floor(
    at: NDArray[np.int64], size: int, target: int, name: str
) -> tuple[NDArray[np.int64], int, NDArray[np.float64]]:
    """First tap of each target index, number of taps, and the fraction t, all from whole numbers."""
    doubled = 2 * target
    above = (2 * at + 1) * size - target  # the position times 2 * target
    first, rest = above // doubled, above % doubled
    begin, count = _SPAN.get(name, (0, 2))
    if name in ("Nearest", "Average9"):
        first = first + (rest >= target)
    return first + begin, count, rest / doubled


class _Taps(NamedTuple):
    """Places in the given plane and weight of every tap of an axis, (taps, n) both.

    ``begin``: where the taps of a pixel begin when the plane is extended by ``beyond`` samples at its ends.
    """

    samples: Index
    weight: Plane
    begin: Index
    beyond: Size


@lru_cache(maxsize=256)
def _taps(start: int, stop: int, size: int, target: int, origin: int, extent: int, name: str) -> _Taps:
    first, count, t = _floor(np.arange(start, stop, dtype=np.int64), size, target, name)
    index = np.clip(first + np.arange(count)[:, np.newaxis], 0, size - 1) - origin
    if t.size == 0 or index.min() < 0 or index.max() >= extent:
        raise ValueError("not covered")
    first = first - origin  # taps outside the plane lie beyond the frame: its edges repeat
    beyond = max(0, -int(first.min())), max(0, int(first.max()) + count - extent)
    begin = (first + beyond[0]).astype(np.uint32)
    return _Taps(index.astype(np.uint32), np.array(_weights(t, name), np.float32), begin, beyond)


def _weights(t: NDArray[np.float64], name: str) -> list[NDArray[np.float64]]:
    one = np.ones_like(t)
    if name in ("Nearest", "Integer"):
        return [one]
    if name in ("Average", "Average9", "Average16"):
        count = _SPAN.get(name, (0, 2))[1]
        return [one / count] * count
    if name == "Blend":
        right = np.where(t <= 0.25, 0.0, np.where(t >= 0.75, 1.0, 0.5))
        return [1 - right, right]
    if name == "Catrom":
        return [((2 - t) * t - 1) * t / 2, ((3 * t - 5) * t * t + 2) / 2, ((4 - 3 * t) * t + 1) * t / 2,
                (t - 1) * t * t / 2]  # fmt: skip
    if name == "Spline":
        s = 1 - t
        return [s**3 / 6, 2 / 3 - t * t * (2 - t) / 2, 2 / 3 - s * s * (2 - s) / 2, t**3 / 6]
    return [1 - t, t]


@njit(cache=True, nogil=True, counted=False)
def _across(line: Plane, begin: Index, weight: Plane, row: Plane) -> None:
    """One row interpolated in x: pixel x is made of as many samples as there are weights, from begin[x] on.

    The weights of a pixel have a sum of 1, and what the others differ from one of them is added to that one: what is
    flat stays flat to the last bit, and a sample of the whole weight is taken as it is.
    """
    one, two, three = np.uint32(1), np.uint32(2), np.uint32(3)
    if len(weight) == 4:
        a, c, d = weight[0], weight[2], weight[3]
        for x in range(row.size):
            at = begin[x]
            m = line[at + one]
            row[x] = m + ((a[x] * (line[at] - m) + c[x] * (line[at + two] - m)) + d[x] * (line[at + three] - m))
    elif len(weight) == 2:
        a, b = weight[0], weight[1]
        for x in range(row.size):
            left, right = line[begin[x]], line[begin[x] + one]
            row[x] = left + b[x] * (right - left) if b[x] < a[x] else right + a[x] * (left - right)
    elif len(weight) == 3:
        a, c = weight[0], weight[2]
        for x in range(row.size):
            m = line[begin[x] + one]
            row[x] = m + (a[x] * (line[begin[x]] - m) + c[x] * (line[begin[x] + two] - m))
    else:
        for x in range(row.size):
            row[x] = line[begin[x]]


@njit(cache=True, nogil=True)
def _weighted(plane: Plane, rows: Index, down: Plane, y: int, mask: np.uint32, out: Plane) -> None:
    """``_across`` down: rows ``rows[:, y] & mask`` of a plane by their weights."""
    if len(rows) == 4:
        a, b = plane[rows[0, y] & mask], plane[rows[1, y] & mask]
        c, d = plane[rows[2, y] & mask], plane[rows[3, y] & mask]
        p, r, s = down[0, y], down[2, y], down[3, y]
        for x in range(out.size):
            m = b[x]
            out[x] = m + ((p * (a[x] - m) + r * (c[x] - m)) + s * (d[x] - m))
    elif len(rows) == 2:
        nearer = 0 if down[1, y] < down[0, y] else 1
        near, other, q = plane[rows[nearer, y] & mask], plane[rows[1 - nearer, y] & mask], down[1 - nearer, y]
        for x in range(out.size):
            out[x] = near[x] + q * (other[x] - near[x])
    elif len(rows) == 3:
        above, centre, below = plane[rows[0, y] & mask], plane[rows[1, y] & mask], plane[rows[2, y] & mask]
        p, r = down[0, y], down[2, y]
        for x in range(out.size):
            out[x] = centre[x] + (p * (above[x] - centre[x]) + r * (below[x] - centre[x]))
    else:
        out[:] = plane[rows[0, y] & mask][: out.size]


@njit(cache=True, nogil=True)
def _extended(line: Plane, left: int, wide: int) -> None:
    """Repeat the ends of the ``wide`` samples that begin at ``left``."""
    line[:left] = line[left]
    line[left + wide :] = line[left + wide - 1]


@njit(cache=True, nogil=True)
def _smaller(plane: Plane, rows: Index, down: Plane, begin: Index, right: Plane, left: int, line: Plane,
             out: Plane) -> None:  # fmt: skip
    """First in y: fewer rows are left for the slower way along x. ``line``: room for a row and what lies beyond."""
    wide, every = plane.shape[1], np.uint32(0xFFFFFFFF)
    for y in range(out.shape[0]):
        _weighted(plane, rows, down, y, every, line[left : left + wide])
        _extended(line, left, wide)
        _across(line, begin, right, out[y])


@njit(cache=True, nogil=True)
def _larger(plane: Plane, rows: Index, down: Plane, begin: Index, right: Plane, left: int, line: Plane,
            out: Plane) -> None:  # fmt: skip
    """First in x: rows so made wait in a ring of four until the last target row that needs them is done."""
    ring = np.empty((4, out.shape[1] + 16), np.float32)
    held = np.full(4, -1, np.int64)
    wide, turn = plane.shape[1], np.uint32(3)  # taps are neighbours, so four of them never collide
    for y in range(out.shape[0]):
        for k in range(len(rows)):
            at = rows[k, y]
            if held[at & turn] != at:
                source, inner = plane[at], line[left : left + wide]
                for x in range(wide):
                    inner[x] = source[x]
                _extended(line, left, wide)
                _across(line, begin, right, ring[at & turn, : out.shape[1]])
                held[at & turn] = at
        _weighted(ring, rows, down, y, turn, out[y])


@njit(cache=True, nogil=True, counted=False)
def _mesh(plane: Plane, luma: Plane, rows: Index, down: Plane, columns: Index, right: Plane,
          out: Plane) -> None:  # fmt: skip
    """Barycentric in the triangle that holds the position; the square is cut along the diagonal of less contrast."""
    one = np.float32(1)
    for y in range(out.shape[0]):
        top, bottom, v = rows[0, y], rows[1, y], down[1, y]
        for x in range(out.shape[1]):
            left, far, u = columns[0, x], columns[1, x], right[1, x]
            p00, p01, p10, p11 = plane[top, left], plane[top, far], plane[bottom, left], plane[bottom, far]
            falling = abs(luma[top, left] - luma[bottom, far]) < abs(luma[top, far] - luma[bottom, left])
            if falling and u <= v:
                out[y, x] = p10 + u * (p11 - p10) + (one - v) * (p00 - p10)
            elif falling:
                out[y, x] = p01 + (one - u) * (p00 - p01) + v * (p11 - p01)
            elif u + v <= one:
                out[y, x] = p00 + u * (p01 - p00) + v * (p10 - p00)
            else:
                out[y, x] = p11 + (one - u) * (p10 - p11) + (one - v) * (p01 - p11)
