"""What is kept in 16 bits comes back as it was but for a rounding of known size."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels import level_codes
from imfuse_tiles.kernels.pyramid_expand import expand


@pytest.mark.parametrize("full", [1.0, 255.0, 65535.0])
def test_samples_are_rounded_to_the_nearest_code(full: float) -> None:
    samples = np.random.default_rng(1).uniform(-0.1, 1.1, (2, 30, 40)).astype(np.float32)
    codes = level_codes.sample_codes(samples * np.float32(full), full)
    assert codes.dtype == np.uint16
    assert np.abs(codes / 65535 - np.clip(samples, 0, 1)).max() < 0.51 / 65535


def test_energies_of_any_size_keep_their_first_digits() -> None:
    energies = np.float32(10.0) ** np.random.default_rng(2).uniform(-30, 8, (50, 60)).astype(np.float32)
    back = level_codes.from_bfloat16(level_codes.to_bfloat16(energies))
    assert (np.abs(back / energies - 1) <= 2**-8).all()
    assert level_codes.from_bfloat16(level_codes.to_bfloat16(np.zeros((1, 3), np.float32))).max() == 0


def test_detail_is_a_quotient_in_fixed_point() -> None:
    random = np.random.default_rng(3)
    detail, total = random.normal(0, 100, (3, 20, 30)).astype(np.float32), random.uniform(0.5, 2, (20, 30))
    codes = level_codes.detail_codes(detail, total.astype(np.float32), 255.0)
    expected = np.clip(detail / total / 255 * level_codes.DETAIL, -32767, 32767)
    assert codes.dtype == np.int16
    assert np.abs(codes - expected).max() < 0.51


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_a_picture_is_detail_upon_the_coarser_one_within_bounds(dtype: str) -> None:
    random, whole = np.random.default_rng(4), (0, 21, 0, 30)
    coarse = random.uniform(0.2, 0.8, (1, 11, 15)).astype(np.float32)
    detail = random.normal(0, 0.2, (1, 21, 30)).astype(np.float32)
    least, most = np.full((1, 21, 30), 64, np.uint8), np.full((1, 21, 30), 128, np.uint8)
    kept = detail if dtype == "float32" else level_codes.detail_codes(detail, np.ones((21, 30), np.float32), 1.0)
    below = coarse if dtype == "float32" else level_codes.sample_codes(coarse, 1.0)
    picture = level_codes.reconstruct(kept, below, (0, 0), (21, 30), whole, (least, most), 255.0, 0.25)
    assert picture.dtype == dtype
    expected = detail + expand(coarse, (0, 0), (21, 30), whole)
    room = 0.25 * 64 / 255
    expected = np.clip(expected, 64 / 255 - room, 128 / 255 + room)
    assert np.abs(picture / (1 if dtype == "float32" else 65535) - expected).max() < 5e-5
