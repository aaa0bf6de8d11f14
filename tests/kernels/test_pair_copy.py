"""Samples of two slices in place of their fusion's, where that is sure."""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.pair_copy import copied


def pair_of(shape: tuple[int, int] = (6, 8)) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray]:
    """A grey picture, two slices of 8 bits that differ by 1 and 2 codes, a depth: front left, back right."""
    picture = np.full((1, *shape), 100 * 257, np.uint16)
    depth = np.zeros(shape, np.float32)
    depth[:, shape[1] // 2 :] = 1
    return picture, (np.full((1, *shape), 101, np.uint8), np.full((1, *shape), 98, np.uint8)), depth


def test_each_side_shows_its_slice_where_the_depth_is_sure() -> None:
    picture, pair, depth = pair_of()
    found = copied(picture, pair, 255.0, depth)[0] / 257
    assert np.abs(found[:, :4] - 101).max() < 0.05
    assert np.abs(found[:, 4:] - 98).max() < 0.3


def test_the_fusion_stays_where_the_depth_is_open_or_the_slice_shows_something_else() -> None:
    picture, pair, depth = pair_of()
    assert np.array_equal(copied(picture, pair, 255.0, np.full_like(depth, 0.5)), picture)
    pair[0][0, 2, 1] = 180
    assert abs(int(copied(picture, pair, 255.0, depth)[0, 2, 1]) - 100 * 257) < 40


def test_nothing_is_taken_where_a_slice_has_no_picture() -> None:
    picture, pair, depth = pair_of()
    covered = np.ones_like(depth), np.ones_like(depth)
    covered[1][:3] = 0
    found = copied(picture, pair, 255.0, depth, covered)
    assert np.array_equal(found[:, :3, 4:], picture[:, :3, 4:])
    assert (found[:, 3:, 4:] < picture[:, 3:, 4:]).all()
