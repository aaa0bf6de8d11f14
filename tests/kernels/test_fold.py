"""Laying pictures over each other, and the codes they end as: passes in one equal the steps one by one, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels import fold

RANDOM = np.random.default_rng(5)


def picture(planes: int) -> np.ndarray:
    """Noise a little beyond 0..1 with clear and opaque places."""
    made = RANDOM.uniform(-0.1, 1.1, (planes, 17, 23)).astype(np.float32)
    made[-1] = np.clip(made[-1] * 2 - 0.5, 0, 1)
    return made


def codes(values: np.ndarray) -> np.ndarray:
    return (np.clip(values, 0, 1) * np.float32(65535) + np.float32(0.5)).astype(np.uint16)


def test_codes_are_rounded_and_clamped() -> None:
    values = np.array([[-1, 0, 0.5 / 65535, 0.4999 / 65535, 1 / 65535, 0.5, 1, 7]], np.float32)
    assert np.array_equal(fold.coded(values), [[0, 0, 1, 0, 1, 32768, 65535, 65535]])
    assert np.array_equal(fold.coded(values[:, ::2]), codes(values[:, ::2]))


def test_over_nothing_is_over_zeros() -> None:
    top = picture(4)
    assert np.array_equal(fold.over(top, None), fold.over(top, np.zeros_like(top)))


@pytest.mark.parametrize("planes", [2, 4])
@pytest.mark.parametrize("alone", [True, False])
def test_the_last_picture_is_coded_as_it_is_laid_over(planes: int, alone: bool) -> None:
    top, under = picture(planes), None if alone else picture(planes)
    made = np.empty(top.shape, np.uint16)
    fold.finished(top, under, made)
    assert np.array_equal(made, codes(fold.over(top, under)))


def test_a_veil_is_a_blurred_picture_over_a_sharp_one() -> None:
    image, blurred, border = picture(4), picture(3), RANDOM.random((17, 23), np.float32)
    share = RANDOM.choice(np.array([0, 0.3, 0.9999999, 1], np.float32), (17, 23))
    opacity = np.clip(border * share, 0, 1)
    top = np.concatenate([blurred / np.where(share > 0, share, np.float32(1)), opacity[None]])
    assert np.array_equal(fold.veiled(blurred, share, border, image), fold.over(top, image))
