"""Samples of two slices in place of their fusion's, where that is sure."""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.pair_copy import behind, copy_sharp_samples, mean_square, mix_pair, steps


def pair_of(shape: tuple[int, int] = (6, 8)) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray]:
    """A grey picture, two slices of 8 bits that differ by 1 and 2 codes, a depth: front left, back right."""
    picture = np.full((1, *shape), 100 * 257, np.uint16)
    depth = np.zeros(shape, np.float32)
    depth[:, shape[1] // 2 :] = 1
    return picture, (np.full((1, *shape), 101, np.uint8), np.full((1, *shape), 98, np.uint8)), behind(depth)


def copy(picture: np.ndarray, pair: tuple[np.ndarray, np.ndarray], decision: np.ndarray,
         covered: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:  # fmt: skip
    samples, shown = mix_pair(pair, 255.0, decision, covered)
    apart = mean_square(steps(picture, samples, shown))
    return copy_sharp_samples(picture, samples, apart, np.zeros_like(apart), shown)


def test_each_side_is_its_slice_sample_for_sample() -> None:
    found = copy(*pair_of())[0]
    assert (found[:, :4] == 101 * 257).all()
    assert (found[:, 4:] == 98 * 257).all()


def test_the_slices_are_mixed_where_the_decision_is_even() -> None:
    picture, pair, decision = pair_of()
    assert (np.abs(copy(picture, pair, np.full_like(decision, 0.5)) - 99.5 * 257) <= 0.5).all()


def test_the_fusion_stays_where_the_slice_shows_something_else() -> None:
    picture, pair, decision = pair_of()
    pair[0][0, 2, 1] = 180
    found = copy(picture, pair, decision)[0]
    assert found[2, 1] == 100 * 257
    assert found[2, 2] == 101 * 257


def test_nothing_is_taken_where_no_slice_in_focus_has_a_picture() -> None:
    picture, pair, decision = pair_of()
    covered = np.ones_like(decision), np.ones_like(decision)
    covered[1][:3] = 0
    found = copy(picture, pair, decision, covered)
    assert np.array_equal(found[:, :3, 4:], picture[:, :3, 4:])
    assert (found[:, 3:, 4:] == 98 * 257).all()


def test_the_fusion_stays_where_a_slice_is_lighter_all_around() -> None:
    picture, pair, decision = pair_of()
    samples, shown = mix_pair(pair, 255.0, decision)
    light = np.full_like(decision, 0.02**2)
    assert np.array_equal(copy_sharp_samples(picture, samples, np.zeros_like(light), light, shown), picture)
