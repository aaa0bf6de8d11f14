"""Tone curves."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels.tone import raise_to_power

PLANE = np.random.default_rng(1).random((37, 53), np.float32) * 1.4 - 0.2


@pytest.mark.parametrize("power", [0.5, 1.0, 1 / 1.5, 2.2])
def test_samples_are_clamped_and_raised(power: float) -> None:
    wanted = np.clip(PLANE.astype(np.float64), 0, 1) ** power
    made = raise_to_power(PLANE, power)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, wanted, rtol=2e-7, atol=1.5e-7)


def test_a_part_is_the_part_of_the_whole() -> None:
    whole = raise_to_power(PLANE, 0.71)
    for y, x in ((0, 0), (3, 7), (36, 52)):
        assert np.array_equal(raise_to_power(np.ascontiguousarray(PLANE[y:, x:]), 0.71), whole[y:, x:])


@pytest.mark.parametrize("power", [0.2, 0.5, 1.0, 1 / 0.7, 5.0])
def test_whole_steps_and_what_lies_between_are_near_the_power(power: float) -> None:
    steps = (np.arange(65536) / 65535).astype(np.float32)
    between = np.random.default_rng(0).random(40000, np.float32) ** 3
    for samples in (steps, between):
        assert np.abs(raise_to_power(samples[None], power)[0] - samples.astype(np.float64) ** power).max() < 3e-7


def test_samples_beyond_the_range_are_kept_in_it() -> None:
    assert raise_to_power(np.array([[-1, 0, 1, 7]], np.float32), 0.5).tolist() == [[0, 0, 1, 1]]
