"""Masks are stretched over the stack and kept in range."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels import level

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize("equalised", [True, False])
def test_a_mask_is_stretched_to_its_limits_and_looked_up(equalised: bool) -> None:
    raw = RANDOM.random((13, 21), np.float32) - np.float32(0.2)
    steps = RANDOM.random(level.STEPS, np.float32) if equalised else np.empty(0, np.float32)
    stretched = np.clip((raw.astype(np.float64) - 0.1) * (1 / (0.6 - 0.1)), 0, 1)
    expected = steps[(65535 * stretched + 0.5).astype(int)] if equalised else stretched.astype(np.float32)
    assert np.array_equal(level.stretch_levels(raw, 0.1, 0.6, steps), expected)


def test_a_mask_without_range_is_empty() -> None:
    assert not level.stretch_levels(np.ones((3, 4), np.float32), 1.0, 1.0, np.empty(0, np.float32)).any()


@pytest.mark.parametrize("high", [0.6, 0.1])
def test_a_stretched_mask_goes_where_it_is_told(high: float) -> None:
    raw, none, room = RANDOM.random((7, 9), np.float32), np.empty(0, np.float32), np.full((7, 9), 7, np.float32)
    assert level.stretch_levels(raw, 0.1, high, none, room) is room
    assert np.array_equal(room, level.stretch_levels(raw, 0.1, high, none))


def test_a_limited_mask_is_clipped_where_it_lies_and_tells_its_extremes() -> None:
    mask = (3 * RANDOM.random((17, 9), np.float32) - 1).astype(np.float32)
    expected = np.clip(mask, 0, 1)
    made, low, high = level.clamp_and_extremes(mask)
    assert made is mask
    assert np.array_equal(made, expected)
    assert (low, high) == (0.0, 1.0)


def test_the_extremes_of_a_crop_are_its_own() -> None:
    wide = (0.25 + 0.5 * RANDOM.random((20, 30))).astype(np.float32)
    wide[0, 0] = 9
    crop = wide[3:11, 5:28]
    made, low, high = level.clamp_and_extremes(crop)
    assert np.array_equal(made, crop)
    assert (low, high) == (float(crop.min()), float(crop.max()))


def test_the_strongest_so_far_are_gathered_in_a_crop_and_the_smallest_is_told() -> None:
    masks = RANDOM.normal(size=(3, 20, 30)).astype(np.float32)
    block = np.full((50, 60), -np.inf, np.float32)
    lows = [level.raise_peak(mask, block[7:27, 11:41]) for mask in masks]
    assert lows == [mask.min() for mask in masks]
    assert np.array_equal(block[7:27, 11:41], masks.max(axis=0))
    assert np.count_nonzero(np.isfinite(block)) == masks[0].size


def test_a_mask_is_what_stands_at_its_places_in_the_table() -> None:
    raw = np.random.default_rng(3).uniform(-0.2, 1.2, (40, 50)).astype(np.float32)
    steps = np.random.default_rng(4).random(level.STEPS, np.float32)
    expected = level.stretch_levels(raw, 0.1, 0.6, steps)
    assert np.array_equal(level.look_up(steps, level.table_places(raw, 0.1, 0.6)), expected)
