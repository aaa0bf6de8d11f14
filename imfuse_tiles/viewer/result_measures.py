"""What can be told of a result without a reference: sharpness kept, noise, and how well neighbours agree.

All are measured in at most BLOCKS squares spread over the frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import pi, sqrt

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.viewer.layer_tiles import plain_samples
from imfuse_tiles.viewer.layers import ViewLayer

#: Edge of a square, squares at most along a side, and edge of the cells in which sharpness is compared.
EDGE, ALONG, CELL = 256, 4, 16
#: Slices by which the depths of neighbours may differ.
NEAR = 2.0


@frozen
class Measures:
    """``sharpness``: detail of the result, percent of that of the sharpest slice, averaged over cells. ``noise``:
    standard deviation, percent of full scale. ``disagreement``: percent of neighbours whose slices are more than NEAR
    apart; None without a depth map. ``sharpness`` is None where no slices are there to compare with."""

    sharpness: float | None
    noise: float
    disagreement: float | None


def measure_result(result: ViewLayer, slices: ViewLayer | None, depth: ViewLayer | None) -> Measures:
    """The measures of a result; of the stack's ``slices`` and its ``depth`` map where they are there."""
    kept: list[float] = []
    noise: list[float] = []
    apart: list[float] = []
    for region in squares(result.frame):
        detail = laplacian(grey(result, 0, region, opacity=True))
        noise.append(float(np.abs(noise_mask(grey(result, 0, region, opacity=True))).mean()))
        if slices:
            best = np.max([cells(laplacian(grey(slices, z, region))) for z in range(slices.slices)], axis=0)
            kept += [float(share) for share in np.minimum(cells(detail) / np.maximum(best, 1e-9), 1)[best > 1e-6]]
        if depth and slices:
            apart.append(disagreement(samples(depth, 0, region)[0], slices.slices))
    sharpness = round(100 * float(np.mean(kept)), 2) if kept else None
    deviation = 100 * sqrt(pi / 2) / 6 * float(np.median(noise))
    return Measures(sharpness, round(deviation, 3), round(100 * float(np.mean(apart)), 2) if apart else None)


def squares(frame: Frame) -> Iterator[Region]:
    """Squares in the middle of the cells of a grid; a small frame is one."""
    rows, columns = (max(1, min(ALONG, side // EDGE)) for side in frame)
    for row in range(rows):
        for column in range(columns):
            y, x = (2 * row + 1) * frame[0] // (2 * rows), (2 * column + 1) * frame[1] // (2 * columns)
            top, left = max(0, min(y - EDGE // 2, frame[0] - EDGE)), max(0, min(x - EDGE // 2, frame[1] - EDGE))
            yield Region(top, min(top + EDGE, frame[0]), left, min(left + EDGE, frame[1]))


def samples(layer: ViewLayer, z: int, region: Region) -> np.ndarray:
    """Samples (planes, y, x) of a layer, float32 in 0..1."""
    return plain_samples(layer, z, region).astype(np.float32) / np.float32(layer.full)


def grey(layer: ViewLayer, z: int, region: Region, opacity: bool = False) -> np.ndarray:
    """The mean of a layer's colours (y, x)."""
    found = samples(layer, z, region)
    return np.asarray((found[:-1] if opacity and layer.opacity else found).mean(axis=0))


def laplacian(plane: np.ndarray) -> np.ndarray:
    """How much each pixel differs from the mean of its four neighbours, squared (y - 2, x - 2)."""
    middle = plane[1:-1, 1:-1]
    around = plane[:-2, 1:-1] + plane[2:, 1:-1] + plane[1:-1, :-2] + plane[1:-1, 2:]
    return np.asarray((middle - around / 4) ** 2)


def noise_mask(plane: np.ndarray) -> np.ndarray:
    """The response to the mask of J. Immerkær, "Fast Noise Variance Estimation" (1996), which structure leaves cold."""
    rows = plane[:-2] - 2 * plane[1:-1] + plane[2:]
    return np.asarray(rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:])


def cells(energy: np.ndarray) -> np.ndarray:
    """Root mean square over cells of CELL x CELL pixels; what does not fill one is left out."""
    rows, columns = (max(1, side // CELL) for side in energy.shape)
    whole = energy[: rows * CELL, : columns * CELL]
    parts = whole.reshape(rows, whole.shape[0] // rows, columns, whole.shape[1] // columns)
    return np.asarray(np.sqrt(parts.mean(axis=(1, 3))))


def disagreement(depth: np.ndarray, total: int) -> float:
    """Share of pixels side by side whose depths differ by more than NEAR of ``total`` slices."""
    steps = [np.abs(np.diff(depth, axis=axis)) * total > NEAR for axis in (0, 1)]
    return float(np.concatenate([step.ravel() for step in steps]).mean())
