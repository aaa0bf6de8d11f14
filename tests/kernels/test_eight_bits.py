"""16-bit samples become the nearest of 8 bits, whatever the shape of their array."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels.eight_bits import eight_bits


@pytest.mark.parametrize("shape", [(65536,), (256, 256), (2, 128, 256), (1, 1, 65536), (65536, 1)])
def test_every_sample_is_the_nearest(shape: tuple[int, ...]) -> None:
    samples = np.arange(65536, dtype=np.uint16).reshape(shape)
    before = samples.copy()
    assert np.array_equal(eight_bits(samples), (samples.astype(int) + 128) // 257)
    assert np.array_equal(samples, before)


def test_rows_that_do_not_lie_together_and_long_ones_are_rounded_alike() -> None:
    samples = np.random.default_rng(1).integers(0, 65536, (3, 70, 90_000), np.uint16)
    for part in (samples, samples[:, ::2, 1::3], samples.transpose(1, 2, 0)):
        assert np.array_equal(eight_bits(part), (part.astype(int) + 128) // 257)


def test_eight_bits_stay_and_nothing_stays_nothing() -> None:
    samples = np.zeros((2, 3), np.uint8)
    assert eight_bits(samples) is samples
    assert eight_bits(np.zeros((0, 4), np.uint16)).shape == (0, 4)
