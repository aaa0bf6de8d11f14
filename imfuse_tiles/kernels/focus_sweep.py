"""Where the frames of a stack are sharp, which of them are blurred, and their order in the sweep of focus.

Sharpness is the energy of gradients in cells of the frames' pyramids, laid over each other by their transforms.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .registration_matrices import moved
from .registration_pyramid import CELL

Maps = NDArray[np.float64]

#: A frame is sharp in a cell that has so much of the strongest energy there; cells count whose energy changes so much.
SHARP, CHANGE = 0.8, 2.0
#: Frames with less than this share of the cells are sharp nowhere; those with less than the second share of what either
#: neighbour has are blurred, if half of all cells have less than the third share of the energy there of both: few cells
#: of a long stack are sharpest in one frame, by chance, and what is transparent has least contrast where it is sharp.
NOWHERE, LESS, WEAKER = 0.002, 0.4, 0.9
#: A frame is out of order if it lies so many places off, or such a share of the stack.
PLACES, PART = 2, 0.25


def laid_over(maps: Sequence[NDArray[np.float32]], transforms: Sequence[NDArray[np.float64]], factor: int) -> Maps:
    """The energy of all frames in the cells of the reference: float64 (frames, cells), NaN beyond a frame.

    ``maps``: float32 (rows, columns) of each frame, cells of ``CELL`` pixels of the level of ``factor``.
    """
    rows, columns = maps[0].shape
    edge = CELL * factor
    y, x = np.mgrid[:rows, :columns]
    points = np.stack([(x.ravel() + 0.5) * edge, (y.ravel() + 0.5) * edge, np.ones(x.size)])
    out = np.full((len(maps), x.size), np.nan)
    for number, (energy, matrix) in enumerate(zip(maps, transforms, strict=True)):
        column, row = np.floor(moved(matrix, points) / edge).astype(int)
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        out[number, inside] = energy[row[inside], column[inside]]
    return out


def informative_cells(maps: Maps) -> Maps:
    """The cells that all frames show and whose sharpness changes."""
    seen = maps[:, np.isfinite(maps).all(axis=0)]
    return seen[:, (seen.max(axis=0) > CHANGE * seen.min(axis=0)) & (seen.max(axis=0) > 0)]


def sharp_share(maps: Maps) -> NDArray[np.float64]:
    """The share of the cells in which each frame is sharp, of all that tell."""
    cells = informative_cells(maps)
    if not cells.shape[1]:
        return np.ones(len(maps))
    return np.asarray((cells >= SHARP * cells.max(axis=0)).mean(axis=1))


def blurred_frames(maps: Maps) -> list[int]:
    """Frames that are sharp in far fewer cells than the frames before and behind, and weaker than both in most."""
    share, cells = sharp_share(maps), informative_cells(maps)
    around = {n: min(share[n - 1], share[n + 1]) for n in range(1, len(share) - 1)}
    few = [n for n, least in around.items() if least > NOWHERE and share[n] < LESS * least]
    return [n for n in few if (cells[n] < WEAKER * np.minimum(cells[n - 1], cells[n + 1])).mean() > 0.5]


def frames_sharp_nowhere(share: NDArray[np.float64]) -> list[int]:
    """Frames that are sharp nowhere."""
    return [n for n in range(len(share)) if share[n] < NOWHERE]


def sweep_order(maps: Maps) -> list[int]:
    """Numbers of the frames in the order of their focus, in the direction in which most of them are given.

    Frames that are sharp in like places are neighbours: the order of the second smallest eigenvector of the Laplacian
    of their likeness (J. E. Atkins, E. G. Boman, B. Hendrickson, 1998). The given order stays where it leads from frame
    to frame by smaller steps: at the ends, where all is blurred, that of the eigenvector is chance.
    """
    cells, count = informative_cells(maps), len(maps)
    if count < 3 or cells.shape[1] < count:
        return list(range(count))
    levels = np.log(cells + 1e-3 * cells.max(axis=0))
    levels -= levels.mean(axis=0)
    square = (levels * levels).sum(axis=1)
    distance = np.maximum(square[:, None] + square[None] - 2 * levels @ levels.T, 0)
    nearest = np.median(np.sort(distance, axis=1)[:, 1:3])
    likeness = np.exp(-distance / max(3 * nearest, 1e-12))
    np.fill_diagonal(likeness, 0)
    _, vectors = np.linalg.eigh(np.diag(likeness.sum(axis=1)) - likeness)
    order = [int(n) for n in np.argsort(vectors[:, 1], kind="stable")]
    if _way(distance, list(range(count))) <= _way(distance, order):
        return list(range(count))
    return order if np.corrcoef(order, np.arange(count))[0, 1] >= 0 else order[::-1]


def _way(squares: Maps, order: Sequence[int]) -> float:
    """How far it is from frame to frame in an order, by the squares of their distances."""
    return float(np.sqrt(squares[order[:-1], order[1:]]).sum())


def out_of_order(order: Sequence[int]) -> list[int]:
    """Frames that lie far from their place: not in the longest part whose order is right."""
    place = {number: rank for rank, number in enumerate(order)}
    right = longest_rise([place[number] for number in range(len(order))])
    far = max(PLACES, round(PART * len(order)))
    return [n for n in range(len(order)) if n not in right and abs(place[n] - n) >= far]


def longest_rise(values: Sequence[int]) -> set[int]:
    """Where the values of a longest rising part stand."""
    ends: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for at, value in enumerate(values):
        length = bisect.bisect_left(tops, value)
        before.append(ends[length - 1] if length else -1)
        if length == len(tops):
            tops.append(value)
            ends.append(at)
        else:
            tops[length], ends[length] = value, at
    found, at = set(), ends[-1] if ends else -1
    while at >= 0:
        found.add(at)
        at = before[at]
    return found
