"""A plane resampled to another size, any window of it, in step with the whole frame.

``interpolation`` says which samples a pixel is made of, and by what weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.interpolation import canonical, taps_along

Plane = NDArray[np.float32]
Index = NDArray[np.uint32]
Region = tuple[int, int, int, int]
Size = tuple[int, int]


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
        rows, across = (taps_along(*each) for each in parts)
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
