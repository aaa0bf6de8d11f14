"""Pixels that have no picture take the colours of the nearest one that has, band by band.

The nearest pixel in the Euclidean sense, found exactly: first the nearest of each column, then the lower envelope of
parabolas along each row (A. Meijster, J. Roerdink, W. Hesselink, "A general algorithm for computing distance
transforms in linear time", 2000). Beyond a straight margin that is its edge repeated. Of two pixels as far away the
upper one of a column is taken, then the one furthest right of a row. All is in whole numbers, so bands change nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiler import njit

#: More than any squared distance.
FAR = 1 << 40


class ColumnEnds(NamedTuple):
    """The nearest covered pixel of every column outside a band: row, int64 (x,), -1 for none; and colours (c, x)."""

    rows: NDArray[np.int64]
    colours: NDArray[Any]


def first_covered(colours: NDArray[Any], covered: NDArray[np.bool_], y0: int) -> ColumnEnds:
    """The first covered pixel of every column of a band (c, y, x) that begins at row ``y0``."""
    return _ends(colours, covered, covered.argmax(axis=0), y0)


def last_covered(colours: NDArray[Any], covered: NDArray[np.bool_], y0: int) -> ColumnEnds:
    """The last covered pixel of every column of a band."""
    return _ends(colours, covered, len(covered) - 1 - covered[::-1].argmax(axis=0), y0)


def _ends(colours: NDArray[Any], covered: NDArray[np.bool_], place: NDArray[np.int64], y0: int) -> ColumnEnds:
    columns = np.arange(covered.shape[1])
    rows = np.where(covered[place, columns], place + y0, -1)
    return ColumnEnds(rows, colours[:, place, columns])


def nearer_ends(ends: ColumnEnds, others: ColumnEnds) -> ColumnEnds:
    """``ends``, and in columns that have none ``others``."""
    return ColumnEnds(*(np.where(ends.rows >= 0, one, two) for one, two in zip(ends, others, strict=True)))


def fill(colours: NDArray[Any], covered: NDArray[np.bool_], y0: int, above: ColumnEnds, below: ColumnEnds) -> None:
    """Fill the pixels of a band (c, y, x) beginning at row ``y0`` that are not ``covered`` (y, x), in place.

    ``above`` and ``below``: the nearest covered pixels outside the band. Where there is none at all nothing is filled.
    """
    _fill(colours, covered, y0, above.rows, np.ascontiguousarray(above.colours), below.rows,
          np.ascontiguousarray(below.colours))  # fmt: skip


@njit(cache=True, nogil=True)
def _fill(colours, covered, y0, above_rows, above_colours, below_rows, below_colours):  # type: ignore[no-untyped-def]
    height, width = covered.shape
    below = np.empty((height, width), np.int64)
    last = below_rows.copy()
    for y in range(height - 1, -1, -1):
        for x in range(width):
            if covered[y, x]:
                last[x] = y0 + y
            below[y, x] = last[x]
    above, source, distance = above_rows.copy(), np.empty(width, np.int64), np.empty(width, np.int64)
    site, start = np.empty(width, np.int64), np.empty(width, np.int64)
    for y in range(height):
        row, gap = y0 + y, False
        for x in range(width):
            if covered[y, x]:
                above[x], source[x], distance[x] = row, row, 0
                continue
            gap = True
            up = row - above[x] if above[x] >= 0 else FAR
            down = below[y, x] - row if below[y, x] >= 0 else FAR
            source[x] = above[x] if up <= down else below[y, x]
            distance[x] = min(up, down)
        if not gap:
            continue
        last_site = _envelope(distance, site, start)
        if last_site < 0:
            continue
        for x in range(width - 1, -1, -1):
            column = site[last_site]
            if not covered[y, x]:
                there = source[column] - y0
                for c in range(colours.shape[0]):
                    if there < 0:
                        colours[c, y, x] = above_colours[c, column]
                    elif there >= height:
                        colours[c, y, x] = below_colours[c, column]
                    else:
                        colours[c, y, x] = colours[c, there, column]
            if x == start[last_site]:
                last_site -= 1


@njit(cache=True, nogil=True)
def _envelope(distance, site, start):  # type: ignore[no-untyped-def]
    """The columns that are nearest somewhere in a row, and from where on each is; the number of the last one."""
    q, width = -1, distance.size
    for u in range(width):
        if distance[u] >= FAR:
            continue
        square = distance[u] * distance[u]
        while q >= 0:
            i, t = site[q], start[q]
            if (t - i) * (t - i) + distance[i] * distance[i] > (t - u) * (t - u) + square:
                q -= 1
            else:
                break
        if q < 0:
            q = 0
            site[0], start[0] = u, 0
            continue
        i = site[q]
        cross = 1 + (u * u - i * i + square - distance[i] * distance[i]) // (2 * (u - i))
        if cross < width:
            q += 1
            site[q], start[q] = u, cross
    return q
