"""Depth colours: the stops, the lookup, likeness of a coloured map to a slice."""

import numpy as np
import pytest

from imfuse_tiles.kernels.rainbow import likeness, rainbow

STOPS = np.array([(75, 0, 130), (0, 0, 255), (0, 128, 0), (255, 255, 0), (255, 165, 0), (255, 0, 0), (255, 255, 255)])


def test_the_ends_are_indigo_and_white():
    np.testing.assert_allclose(rainbow([0, 1]).T * 255, STOPS[[0, 6]], atol=1e-4)


def test_each_stop_ends_one_segment_and_begins_the_next():
    last = (np.arange(1, 6) * 512 - 1) / 3071
    np.testing.assert_allclose(rainbow(last).T * 255, STOPS[1:6], atol=1e-4)
    np.testing.assert_allclose(rainbow(last + 1 / 3071).T * 255, STOPS[1:6], atol=1e-4)


def test_colours_lie_on_straight_lines_between_the_stops():
    middle = rainbow((255.5 + 512) / 3071).ravel() * 255
    np.testing.assert_allclose(middle, (STOPS[1] + STOPS[2]) / 2, atol=1e-4)


def test_shapes_and_types_follow_the_value():
    assert rainbow(0.5).shape == (3,)
    assert rainbow(np.zeros((4, 5), np.float32)).shape == (3, 4, 5)
    assert rainbow(0.5).dtype == np.float32


def test_likeness_is_one_for_the_colour_itself_and_a_quarter_for_nothing():
    colour = rainbow(3 / 7)
    rgb = np.broadcast_to(colour[:, np.newaxis, np.newaxis], (3, 2, 2))
    alpha = np.float32([[1, 1], [0, 0]])
    np.testing.assert_allclose(likeness(rgb, alpha, colour), [[1, 1], [0.25, 0.25]], atol=1e-7)


def test_likeness_equals_its_formula_on_any_tile():
    rgb = np.random.default_rng(0).random((3, 37, 53), dtype=np.float32)
    alpha = np.random.default_rng(1).random((37, 53), dtype=np.float32)
    colour = rainbow(0.4)
    c = colour.reshape(3, 1, 1)
    whole = likeness(rgb, alpha, colour)
    expected = (1 + np.minimum(1 - np.abs(np.minimum(rgb, alpha) - c), alpha).sum(0)) / 4
    np.testing.assert_allclose(whole, expected, atol=1e-7)
    for window in (np.s_[3:30, 5:52], np.s_[17:18, :], np.s_[36:37, 52:53]):
        assert np.array_equal(likeness(rgb[:, *window], alpha[window], colour), whole[window])


def test_values_outside_take_the_colour_of_the_nearer_end():
    assert np.array_equal(rainbow([-1, 2]), rainbow([0, 1]))
    assert rainbow(-1).ravel().tolist() == pytest.approx([75 / 255, 0, 130 / 255])


def test_what_is_not_a_number_lies_at_the_back():
    assert np.array_equal(rainbow(np.nan), rainbow(0))
