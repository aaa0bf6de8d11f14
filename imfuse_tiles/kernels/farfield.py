"""The far part of a Fourier mask whose frame is too large to transform: one transform of a reduced frame.

What the near kernel leaves of a response acts on low frequencies only. The frame is reduced by STEP = 8 (means of
8 x 8 cells on a grid fixed to the frame), transformed at once, weighted by the rest of the response, and each tile
adds its part of the result, enlarged by cubic B-splines. The weight also undoes the damping of low frequencies by
the cell means and by the splines. The reduced plane has a ring of one cell around the frame (EDGE), because the
last cells inside are means and no replica of the edge; the far plane has two (MARGIN), which the splines reach.

Far plus near follow the transform of the whole plane with errors of a few 1e-4 of the range for smooth responses
(`expected_error`); a solid shape rings beyond any kernel, and only 3e-2 is kept.
"""

from __future__ import annotations

from functools import partial

import numba
import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.fft import Columns, collect, fft_size, filter_square
from imfuse_tiles.kernels.nearfield import HALO, SAMPLES, near_kernel
from imfuse_tiles.kernels.response import Gain, Response, centred, gridded

Plane = NDArray[np.float32]
Region = tuple[int, int, int, int]

STEP = 8
EDGE = 1
MARGIN = 2
# The far weight ends softly between these frequencies (cycles per cell): at one half, the most a cell can carry,
# cells and splines hand over next to nothing, and undoing that would amplify what they fold.
FADE = (0.25, 0.5)


def reduced_shape(height: int, width: int) -> tuple[int, int]:
    """Shape of the reduced plane of a frame: its cells, the last ones ragged, and a ring of EDGE cells."""
    return -(-height // STEP) + 2 * EDGE, -(-width // STEP) + 2 * EDGE


def reduced_region(region: Region, height: int, width: int) -> Region:
    """The cells of the reduced plane that a tile fills; tiles that cover the frame fill every cell once.

    region: (top, left, bottom, right) in pixels, each a multiple of STEP or the end of the frame; a tile at the
    border also fills the ring there. Raises ValueError for other regions.
    """
    top, left, bottom, right = region
    for edge, end in ((top, 0), (left, 0), (bottom, height), (right, width)):
        if edge % STEP and edge != end:
            raise ValueError(f"region {region} does not follow the cells of {STEP} pixels of a {height} x {width} frame")
    rows, columns = reduced_shape(height, width)
    return (
        top // STEP + EDGE if top else 0,
        left // STEP + EDGE if left else 0,
        rows if bottom == height else bottom // STEP + EDGE,
        columns if right == width else right // STEP + EDGE,
    )


def reduced_source(cells: Region) -> Region:
    """The pixels that `reduce_cells` reads for cells of `reduced_region`; the caller replicates the frame's edge."""
    top, left, bottom, right = ((edge - EDGE) * STEP for edge in cells)
    return top, left, bottom, right


@numba.njit(cache=True, nogil=True)
def reduce_cells(window):
    """Means of the 8 x 8 cells of a window: float32 (8 h, 8 w) -> (h, w). Columns are added first, top to bottom."""
    height, width = window.shape[0] // 8, window.shape[1] // 8
    cells = np.empty((height, width), np.float32)
    row = np.empty(8 * width, np.float32)
    for y in range(height):
        row[:] = window[8 * y, : 8 * width]
        for j in range(1, 8):
            for x in range(8 * width):
                row[x] += window[8 * y + j, x]
        for x in range(width):
            total = row[8 * x]
            for i in range(1, 8):
                total += row[8 * x + i]
            cells[y, x] = total * np.float32(1 / 64)
    return cells


def far_gain(response: Response, height: int, width: int) -> Plane:
    """The weight that `far_plane` uses, to be kept for many planes of one size: float32 (n // 2 + 1, n)."""
    points = _points(height, width)
    return collect(_weights(response, height, width), points)


def far_plane(reduced: Plane, response: Response, height: int, width: int, gain: Plane | None = None) -> Plane:
    """What the near kernel leaves, on cells: float32 `reduced_shape` -> two more in both directions.

    The result has MARGIN cells around those of the (height, width) frame. `gain` is the `far_gain` of the same
    response and frame; without it the weight is computed on the way. Raises ValueError for another shape.
    """
    if reduced.shape != reduced_shape(height, width):
        raise ValueError(f"the reduced plane has shape {reduced.shape}, not {reduced_shape(height, width)}")
    padded = np.pad(reduced, MARGIN - EDGE, "edge")
    return filter_square(padded, _points(height, width), _weights(response, height, width) if gain is None else gain)


def far_bytes(height: int, width: int) -> int:
    """Bytes of the reduced plane, the far plane, its weight and the transform between them."""
    points = _points(height, width)
    return 4 * points * (points + 2) + 12 * points * points // 2 + 8 * points * 1024


def far_source(region: Region) -> Region:
    """The cells of the far plane that `enlarge` reads for a region of the frame; they never leave the plane."""
    top, left, bottom, right = region
    return top // STEP, left // STEP, -(-bottom // STEP) + 2 * MARGIN, -(-right // STEP) + 2 * MARGIN


def enlarge(window: Plane, region: Region) -> Plane:
    """The far plane at the pixels of a region: float32, the window of `far_source(region)` -> the region.

    Cubic B-splines; pixel x lies at (x + 1/2) / STEP - 1/2 cells of the frame. Raises ValueError for another shape.
    """
    top, left, bottom, right = region
    above, before, below, behind = far_source(region)
    if window.shape != (below - above, behind - before):
        raise ValueError(f"region {region} needs {(below - above, behind - before)} cells, not {window.shape}")
    y, x = top % STEP, left % STEP
    plane = _enlarge(window, _spline(), y, y + bottom - top)
    return plane[:, x : x + right - left]


@numba.njit(cache=True, nogil=True)
def _enlarge(window, taps, first, last):
    """Rows first..last-1 of the enlarged window, all columns; taps (5, 8): weight of cells -2..2 per phase."""
    width = window.shape[1]
    plane = np.empty((last - first, 8 * (width - 4)), np.float32)
    row = np.empty(width, np.float32)
    for y in range(first, last):
        cell, phase = y // 8, y % 8
        for x in range(width):
            row[x] = window[cell, x] * taps[0, phase]
        for i in range(1, 5):
            tap = taps[i, phase]
            for x in range(width):
                row[x] += window[cell + i, x] * tap
        for x in range(width - 4):
            for j in range(8):
                value = row[x] * taps[0, j] + row[x + 1] * taps[1, j] + row[x + 2] * taps[2, j]
                plane[y - first, 8 * x + j] = value + row[x + 3] * taps[3, j] + row[x + 4] * taps[4, j]
    return plane


def _spline() -> Plane:
    t = (np.arange(STEP) + 0.5) / STEP - 0.5
    distance = np.abs(t - np.arange(-2, 3)[:, None])
    inside = (4 - 6 * distance**2 + 3 * distance**3) / 6
    taps = np.where(distance < 1, inside, np.maximum(2 - distance, 0) ** 3 / 6)
    return taps.astype(np.float32)


def _points(height: int, width: int) -> int:
    """Side of the transformed square in cells: as long as that of the whole frame, or a little longer."""
    cells = max(reduced_shape(height, width)) + 2 * (MARGIN - EDGE)
    return max(2 * -(-fft_size(height, width) // (2 * STEP)), cells + cells % 2)


def _weights(response: Response, height: int, width: int) -> Columns:
    """The function first, last -> rows of the weight, for `filter_square`."""
    size, points = fft_size(height, width), _points(height, width)
    quarter = near_kernel(response, height, width)[HALO:, HALO:].copy()
    quarter[1:] *= 2
    quarter[:, 1:] *= 2
    waves = np.cos(2 * np.pi / STEP * np.arange(HALO + 1)[:, None] * np.fft.fftfreq(points))
    return partial(_weight, response, size, waves, combine(np.ascontiguousarray(quarter.T), waves))


def _weight(response: Response, size: int, waves: Gain, partly: Gain, first: int, last: int) -> Plane:
    points = waves.shape[1]
    weight = gridded(response, size, first, last, points, size / (STEP * points)).T
    weight = weight - combine(np.ascontiguousarray(waves[:, first:last].T), partly)
    along, across = np.arange(first, last)[:, None] / points, np.fft.fftfreq(points)
    weight *= _fade(np.hypot(along, across)) / (_handed_over(along) * _handed_over(across))
    return weight.astype(np.float32)


def _fade(frequency: Gain) -> Gain:
    """From 1 to 0 between the frequencies FADE, in cycles per cell."""
    start, end = FADE
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.clip((frequency - start) / (end - start), 0, 1)))


def _handed_over(frequency: Gain) -> Gain:
    """What cell means (a sum of STEP pixels) and splines leave of a frequency in cycles per cell."""
    wave = np.sinc(frequency)
    return np.asarray(wave / np.sinc(frequency / STEP) * wave**4)


@numba.njit(cache=True, nogil=True)
def combine(left, right):
    """The matrix product in a fixed order, float64: unlike a library's it does not change with its threads."""
    product = np.zeros((left.shape[0], right.shape[1]))
    for i in range(left.shape[0]):
        for j in range(left.shape[1]):
            factor = left[i, j]
            for x in range(right.shape[1]):
                product[i, x] += factor * right[j, x]
    return product
