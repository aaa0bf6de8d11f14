"""Filling from the nearest covered pixel is exact, and bands change nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from imfuse_tiles.kernels.nearest_fill import ColumnEnds, fill, first_covered, last_covered, nearer_ends


def filled(colours: np.ndarray, covered: np.ndarray, band: int) -> np.ndarray:
    """A picture (c, y, x) filled in bands of rows."""
    none = ColumnEnds(np.full(covered.shape[1], -1), colours[:, 0])
    tops, out = range(0, len(covered), band), colours.copy()
    for y0 in tops:
        above, below = none, none
        for y in tops:
            part = colours[:, y : y + band], covered[y : y + band], y
            if y < y0:
                above = nearer_ends(last_covered(*part), above)
        for y in reversed(tops):
            if y > y0:
                below = nearer_ends(first_covered(colours[:, y : y + band], covered[y : y + band], y), below)
        fill(out[:, y0 : y0 + band], covered[y0 : y0 + band], y0, above, below)
    return out


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.001, 0.05, 0.5]), st.integers(1, 40), st.integers(1, 40))
def test_every_pixel_has_the_colour_of_one_that_is_nearest(seed, share, height, width):
    random = np.random.default_rng(seed)
    covered = random.random((height, width)) < share
    covered[random.integers(height), random.integers(width)] = True
    number = np.arange(height * width, dtype=np.float32).reshape(1, height, width)
    found = filled(np.where(covered, number, -1), covered, 7)[0].astype(int)
    y, x = np.mgrid[:height, :width]
    assert covered[found // width, found % width].all()
    assert np.allclose(np.hypot(found // width - y, found % width - x), distance_transform_edt(~covered))
    for band in (1, 5, 64):
        assert np.array_equal(found, filled(np.where(covered, number, -1), covered, band)[0])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_straight_margin_is_the_edge_repeated(dtype):
    picture = np.random.default_rng(1).integers(0, 255, (3, 30, 40)).astype(dtype)
    covered = np.zeros((30, 40), bool)
    covered[6:22, 3:33] = True
    expected = np.pad(picture[:, 6:22, 3:33], ((0, 0), (6, 8), (3, 7)), mode="edge")
    assert np.array_equal(filled(np.where(covered, picture, 0).astype(dtype), covered, 4), expected)


def test_nothing_is_filled_where_nothing_is_covered():
    assert not filled(np.zeros((1, 9, 9), np.uint8), np.zeros((9, 9), bool), 4).any()
