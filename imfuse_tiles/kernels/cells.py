"""A frame on cells of 8 x 8 pixels: smaller by means, larger again by cubic B-splines.

The cells lie on a grid fixed to the frame, so any tile computes the same cells and the same pixels. A
reduced plane has a ring of EDGE cells around those of the frame, because the last cells inside are means
and no replica of the edge; a plane to be enlarged has MARGIN cells around them, which the splines reach.

Regions are (top, left, bottom, right) in pixels of the frame, or in cells of a plane of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]
Region = tuple[int, int, int, int]

STEP = 8
EDGE = 1
MARGIN = 2


def reduced_shape(height: int, width: int) -> tuple[int, int]:
    """Shape of the reduced plane of a frame: its cells, the last ones ragged, and a ring of EDGE cells."""
    return -(-height // STEP) + 2 * EDGE, -(-width // STEP) + 2 * EDGE


def reduced_region(region: Region, height: int, width: int) -> Region:
    """The cells of the reduced plane that a tile fills; tiles that cover the frame fill every cell once.

    The edges of the tile are multiples of STEP or the end of the frame; at the border it also fills the ring.
    Raises ValueError for other regions.
    """
    top, left, bottom, right = region
    if top % STEP or left % STEP or (bottom % STEP and bottom != height) or (right % STEP and right != width):
        raise ValueError(f"region {region} cuts cells of {STEP} pixels of a {height} x {width} frame")
    rows, columns = reduced_shape(height, width)
    return (
        top // STEP + EDGE if top else 0,
        left // STEP + EDGE if left else 0,
        rows if bottom == height else bottom // STEP + EDGE,
        columns if right == width else right // STEP + EDGE,
    )


def reduced_source(cells: Region) -> Region:
    """The pixels that `reduce8` reads for cells of `reduced_region`.

    They leave the frame by up to 2 STEP - 1 pixels, where the caller replicates the edge.
    """
    top, left, bottom, right = ((edge - EDGE) * STEP for edge in cells)
    return top, left, bottom, right


def reduce8(window: Plane) -> Plane:
    """Means of the 8 x 8 cells of a window: float32 (8 h, 8 w) -> (h, w).

    Added in float32 in one order, first down the columns, then along the row.
    Raises ValueError for a window that is no whole number of cells.
    """
    if window.shape[0] % STEP or window.shape[1] % STEP:
        raise ValueError(f"a window of {window.shape} is no whole number of cells of {STEP} pixels")
    cells = np.empty((window.shape[0] // STEP, window.shape[1] // STEP), np.float32)
    _reduce(np.ascontiguousarray(window), cells)
    return cells


@njit(cache=True, nogil=True)
def _reduce(window: Plane, cells: Plane) -> None:
    height, width = cells.shape
    row = np.empty(8 * width, np.float32)
    for y in range(height):
        row[:] = window[8 * y]
        for j in range(1, 8):
            for x in range(8 * width):
                row[x] += window[8 * y + j, x]
        for x in range(width):
            total = row[8 * x]
            for i in range(1, 8):
                total += row[8 * x + i]
            cells[y, x] = total * np.float32(1 / 64)


def enlarged_source(region: Region) -> Region:
    """The cells that `enlarge8` reads for a region, in a plane with MARGIN cells around."""
    top, left, bottom, right = region
    return top // STEP, left // STEP, -(-bottom // STEP) + 2 * MARGIN, -(-right // STEP) + 2 * MARGIN


def enlarge8(window: Plane, region: Region) -> Plane:
    """Cells at the pixels of a region: float32, the window of `enlarged_source(region)` -> the region.

    Cubic B-splines in float32 (they smooth: the spectrum of the cells must make up for it); pixel x of the
    frame lies at (x + 1/2) / 8 - 1/2 cells. Raises ValueError if the window has another shape.
    """
    top, left, bottom, right = region
    above, before, below, behind = enlarged_source(region)
    if window.shape != (below - above, behind - before):
        needed = (below - above, behind - before)
        raise ValueError(f"region {region} needs {needed} cells, not {window.shape}")
    y, x = top % STEP, left % STEP
    plane = np.empty((bottom - top, STEP * (window.shape[1] - 2 * MARGIN)), np.float32)
    _enlarge(np.ascontiguousarray(window), _taps(), y, plane)
    return plane[:, x : x + right - left]


def _taps() -> Plane:
    """Weights of the cells -2..2 around a pixel for each of its 8 places within the middle cell: (5, 8)."""
    place = (np.arange(STEP) + 0.5) / STEP - 0.5
    distance = np.abs(place - np.arange(-MARGIN, MARGIN + 1)[:, None])
    inside = (4 - 6 * distance**2 + 3 * distance**3) / 6
    return np.where(distance < 1, inside, np.maximum(2 - distance, 0) ** 3 / 6).astype(np.float32)


@njit(cache=True, nogil=True)
def _enlarge(window: Plane, taps: Plane, first: int, plane: Plane) -> None:
    width = window.shape[1]
    row = np.empty(width, np.float32)
    for y in range(plane.shape[0]):
        cell, place = (first + y) // 8, (first + y) % 8
        for x in range(width):
            row[x] = window[cell, x] * taps[0, place]
        for i in range(1, 5):
            for x in range(width):
                row[x] += window[cell + i, x] * taps[i, place]
        for x in range(width - 4):
            for j in range(8):
                value = row[x] * taps[0, j] + row[x + 1] * taps[1, j] + row[x + 2] * taps[2, j]
                plane[y, 8 * x + j] = value + row[x + 3] * taps[3, j] + row[x + 4] * taps[4, j]
