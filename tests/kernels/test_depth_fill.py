"""Unsure depth is filled from the coarser level along edges of the picture: beside the formula, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels import depth_fill
from imfuse_tiles.kernels.depth_fill import COLOUR, LEAST, LEAST_SURE, TRUST


def fill_pixel(peak: np.ndarray, picture: np.ndarray, coarse: np.ndarray, colours: np.ndarray, y: float, x: float,
               ) -> tuple[float, float]:  # fmt: skip
    """Depth and one over its variance of a pixel that lies at y, x among the coarse ones."""
    depth, sure, total = 0.0, 0.0, 0.0
    for j in range(max(int(y) - 1, 0), min(int(y) + 2, coarse.shape[1])):
        for i in range(max(int(x) - 1, 0), min(int(x) + 2, coarse.shape[2])):
            apart = float(((picture - colours[:, j, i]) ** 2).sum())
            near = 1 / (1 + apart / COLOUR**2)
            near = (near**2 + LEAST) / (1 + ((j - y) ** 2 + (i - x) ** 2) ** 2)
            sure += near * coarse[1, j, i]
            depth += near * coarse[1, j, i] * coarse[0, j, i]
            total += near
    trust, own = TRUST * sure / total, float(peak[1])
    return (own * peak[0] + trust * depth / sure) / (own + trust), own + trust


@pytest.mark.parametrize(
    ("shape", "planes", "origins"),
    [((7, 9), 3, ((0, 0), (0, 0))), ((6, 10), 1, ((4, 8), (1, 3))), ((1, 1), 3, ((0, 0), (0, 0)))],
)
def test_depth_follows_the_formula(
    shape: tuple[int, int], planes: int, origins: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    random, (fine, low) = np.random.default_rng(3), origins
    small = [(start + length + 3) // 2 - first for start, length, first in zip(fine, shape, low, strict=True)]
    peak, coarse = (
        np.stack([random.random(size), 10 ** random.uniform(-4, 2, size)]).astype(np.float32) for size in (shape, small)
    )
    picture, colours = (0.1 * random.random((planes, *size), np.float32) for size in (shape, small))
    filled = depth_fill.fill_depth(peak, picture, coarse, colours, origins)
    for y, x in np.ndindex(shape):
        place = (fine[0] + y) / 2 - low[0], (fine[1] + x) / 2 - low[1]
        expected = fill_pixel(peak[:, y, x], picture[:, y, x], coarse, colours, *place)
        np.testing.assert_allclose(filled[:, y, x], expected, rtol=1e-5)


def test_the_coarsest_level_fills_what_no_level_is_sure_of() -> None:
    unknown, picture = np.full((1, 4, 4), 1e-12, np.float32), np.zeros((1, 4, 4), np.float32)
    peak = np.concatenate([np.random.default_rng(5).uniform(0, 9, (1, 4, 4)).astype(np.float32), unknown])
    coarse = depth_fill.coarsest_depth(np.stack([np.full((4, 4), 5, np.float32), np.full((4, 4), 1e-12, np.float32)]))
    assert (coarse[1] == np.float32(LEAST_SURE)).all()
    filled = depth_fill.fill_depth(peak, picture, coarse, picture, ((0, 0), (0, 0)))
    assert np.abs(filled[0] - 5).max() < 1e-5
