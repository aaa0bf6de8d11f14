"""Comets against plain NumPy, tile by tile."""

import numpy as np
import pytest

from imfuse_tiles.kernels.comet import comet, comet_copies, comet_length, comet_taps
from imfuse_tiles.kernels.edges import MODES
from tests.kernels.tiles import assert_tiles_equal_the_whole, noise


def test_a_comet_tail_is_half_a_blur():
    taps = comet_taps(5)
    assert taps.size == comet_length(5) == 21
    assert comet_taps(5, 7).size == comet_length(5, 7) == 7
    assert taps.sum() == pytest.approx(1, abs=1e-6)
    assert np.all(np.diff(taps) < 0)
    weights = np.exp(-(np.arange(63) ** 2) / 450)
    assert taps == pytest.approx(weights.reshape(21, 3).sum(1) / weights.sum(), abs=1e-7)


@pytest.mark.parametrize("length", [1, 2, 5, 9, 21])
def test_comets_smear_right_down_left_and_up(length):
    taps = comet_taps(length / 2, length)
    margin = length - 1
    plane = noise(30 + 2 * margin, 41 + 2 * margin)
    rows, cols = slice(margin, margin + 30), slice(margin, margin + 41)
    expected = np.zeros((4, 30, 41))
    for i, tap in enumerate(taps.astype(np.float64)):
        for direction, (dy, dx) in enumerate([(0, -i), (-i, 0), (0, i), (i, 0)]):
            moved = plane[rows.start + dy : rows.stop + dy, cols.start + dx : cols.stop + dx]
            expected[direction] += tap * moved
    got = comet_copies(plane, taps)
    assert np.abs(got - expected).max() < 1e-6
    assert np.array_equal(comet(plane, taps), got.max(0))
    assert np.array_equal(comet(plane, taps, "darken"), got.min(0))
    assert np.abs(comet(plane, taps, "screen") - (1 - np.prod(1 - got, axis=0))).max() < 1e-6


@pytest.mark.parametrize("length", [1, 4, 7, 21])
def test_comets_in_tiles_equal_the_crop_of_the_whole(length):
    taps = comet_taps(length / 2, length)
    for mode in MODES:
        assert_tiles_equal_the_whole(lambda plane, mode=mode: comet(plane, taps, mode), length - 1)
    assert_tiles_equal_the_whole(lambda plane: comet_copies(plane, taps), length - 1)
