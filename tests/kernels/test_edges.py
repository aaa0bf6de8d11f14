"""Edge detectors against plain NumPy and SciPy, tile by tile."""

import numpy as np
import pytest

from imfuse_tiles.kernels.edges import MODES, edge_bank, edges, responses
from tests.kernels.tiles import assert_tiles_equal_the_whole, convolved, noise

NAMES = ("sobel", "prewitt", "freichen", "roberts", "kirsch", "compass")


def test_banks_turn_their_kernel_through_all_directions():
    sobel = edge_bank("sobel")
    assert sobel.shape == (4, 3, 3)
    assert np.array_equal(sobel[0] * 4, [[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    assert np.array_equal(sobel[1] * 4, [[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
    assert np.array_equal(sobel[2], -sobel[0])
    roberts = edge_bank("roberts")
    assert roberts.shape == (8, 3, 3)
    assert np.array_equal(roberts[1], [[1, 0, 0], [0, -1, 0], [0, 0, 0]])
    assert np.all(roberts[:, 1, 1] == -1)
    assert np.array_equal(roberts.sum(0), [[1, 1, 1], [1, -8, 1], [1, 1, 1]])
    assert edge_bank("kirsch")[0, 0].tolist() == np.float32([1 / 6, -0.1, -0.1]).tolist()
    assert edge_bank("compass")[0, 1].tolist() == np.float32([0.1, -0.2, -0.1]).tolist()


def test_freichen_knows_two_forms_and_takes_any_other_number_for_the_first():
    assert np.array_equal(edge_bank("freichen", -1), edge_bank("freichen", 0))
    assert np.array_equal(edge_bank("freichen", 1), edge_bank("freichen", 0))
    root = 2**0.5
    expected = np.array([[1, root, 0], [root, 0, -root], [0, -root, -1]]) / (1 + 2 * root)
    assert edge_bank("freichen", 2)[0] == pytest.approx(expected, abs=1e-7)


def test_an_unknown_detector_or_way_of_joining_is_refused():
    with pytest.raises(ValueError, match="canny"):
        edge_bank("canny")
    with pytest.raises(KeyError):
        edges(noise(5, 5), edge_bank("sobel"), 10, "plus")


@pytest.mark.parametrize("name", NAMES)
def test_responses_are_clamped_biased_convolutions(name):
    plane, bank = noise(40, 51), edge_bank(name)
    expected = [np.clip(0.1 * 65536 / 65535 + convolved(plane, kernel), 0, 1) for kernel in bank]
    got = responses(plane, bank, 10)
    assert got.shape == (len(bank), 38, 49)
    assert np.abs(got - expected).max() < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_edges_join_the_responses(name):
    plane, bank = noise(40, 51), edge_bank(name)
    each = responses(plane, bank, 50)
    rest = 1 - each[0]
    for response in each[1:]:
        rest *= 1 - response
    assert np.array_equal(edges(plane, bank, 50), 1 - rest)
    assert np.array_equal(edges(plane, bank, 50, "lighten"), each.max(0))
    assert np.array_equal(edges(plane, bank, 50, "darken"), each.min(0))


def test_a_step_is_an_edge_and_a_plain_is_the_joined_bias():
    step = np.zeros((9, 12), np.float32)
    step[:, 6:] = 0.8
    got = edges(step, edge_bank("sobel"), 10)
    assert got[:, 0] == pytest.approx(1 - 0.9**4, abs=1e-5)
    assert got[:, 4:6] == pytest.approx(1 - 0.9**2 * 0.1, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_edges_in_tiles_equal_the_crop_of_the_whole(name):
    bank = edge_bank(name)
    for mode in MODES:
        assert_tiles_equal_the_whole(lambda plane, mode=mode: edges(plane, bank, 10, mode), 1)
    assert_tiles_equal_the_whole(lambda plane: responses(plane, bank, 50), 1)
