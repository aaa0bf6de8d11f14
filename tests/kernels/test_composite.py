"""Laying pictures over each other, and the codes they end as: passes in one equal the steps one by one, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels import composite

RANDOM = np.random.default_rng(5)


def picture(planes: int) -> np.ndarray:
    """Noise a little beyond 0..1 with clear and opaque places."""
    made = RANDOM.uniform(-0.1, 1.1, (planes, 17, 23)).astype(np.float32)
    made[-1] = np.clip(made[-1] * 2 - 0.5, 0, 1)
    return made


def codes(values: np.ndarray) -> np.ndarray:
    return (np.clip(values, 0, 1) * np.float32(65535) + np.float32(0.5)).astype(np.uint16)


def test_over_nothing_is_over_zeros() -> None:
    top = picture(4)
    assert np.array_equal(composite.over(top, None), composite.over(top, np.zeros_like(top)))


@pytest.mark.parametrize("planes", [2, 4])
@pytest.mark.parametrize("alone", [True, False])
def test_the_last_picture_is_coded_as_it_is_laid_over(planes: int, alone: bool) -> None:
    top, under = picture(planes), None if alone else picture(planes)
    made = np.empty(top.shape, np.uint16)
    composite.over_as_codes(top, under, made)
    assert np.array_equal(made, codes(composite.over(top, under)))


def test_a_veil_is_a_blurred_picture_over_a_sharp_one() -> None:
    image, blurred, border = picture(4), picture(3), RANDOM.random((17, 23), np.float32)
    share = RANDOM.choice(np.array([0, 0.3, 0.9999999, 1], np.float32), (17, 23))
    opacity = np.clip(border * share, 0, 1)
    top = np.concatenate([blurred / np.where(share > 0, share, np.float32(1)), opacity[None]])
    assert np.array_equal(composite.over_blurred(blurred, share, border, image), composite.over(top, image))
    for larger in (np.zeros((4, 30, 40), np.float32), np.zeros((40, 30, 4), np.float32).transpose(2, 1, 0)):
        composite.over_blurred(blurred, share, border, image, larger[:, 5:22, 9:32])
        assert np.array_equal(larger[:, 5:22, 9:32], composite.over(top, image))
        assert np.count_nonzero(larger) == np.count_nonzero(larger[:, 5:22, 9:32])
