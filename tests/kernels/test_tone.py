"""Tone curves."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels.tone import powered

PLANE = np.random.default_rng(1).random((37, 53), np.float32) * 1.4 - 0.2


@pytest.mark.parametrize("power", [0.5, 1.0, 1 / 1.5, 2.2])
def test_samples_are_clamped_and_raised(power: float) -> None:
    wanted = np.clip(PLANE.astype(np.float64), 0, 1) ** power
    made = powered(PLANE, power)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, wanted, rtol=2e-7)


def test_a_part_is_the_part_of_the_whole() -> None:
    whole = powered(PLANE, 0.71)
    for y, x in ((0, 0), (3, 7), (36, 52)):
        assert np.array_equal(powered(np.ascontiguousarray(PLANE[y:, x:]), 0.71), whole[y:, x:])
