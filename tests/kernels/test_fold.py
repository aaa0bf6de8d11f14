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
    assert np.array_equal(fold.to_codes(values), [[0, 0, 1, 0, 1, 32768, 65535, 65535]])
    assert np.array_equal(fold.to_codes(values[:, ::2]), codes(values[:, ::2]))


def test_over_nothing_is_over_zeros() -> None:
    top = picture(4)
    assert np.array_equal(fold.over(top, None), fold.over(top, np.zeros_like(top)))


@pytest.mark.parametrize("planes", [2, 4])
@pytest.mark.parametrize("alone", [True, False])
def test_the_last_picture_is_coded_as_it_is_laid_over(planes: int, alone: bool) -> None:
    top, under = picture(planes), None if alone else picture(planes)
    made = np.empty(top.shape, np.uint16)
    fold.over_as_codes(top, under, made)
    assert np.array_equal(made, codes(fold.over(top, under)))


def test_a_veil_is_a_blurred_picture_over_a_sharp_one() -> None:
    image, blurred, border = picture(4), picture(3), RANDOM.random((17, 23), np.float32)
    share = RANDOM.choice(np.array([0, 0.3, 0.9999999, 1], np.float32), (17, 23))
    opacity = np.clip(border * share, 0, 1)
    top = np.concatenate([blurred / np.where(share > 0, share, np.float32(1)), opacity[None]])
    assert np.array_equal(fold.over_blurred(blurred, share, border, image), fold.over(top, image))
    for larger in (np.zeros((4, 30, 40), np.float32), np.zeros((40, 30, 4), np.float32).transpose(2, 1, 0)):
        fold.over_blurred(blurred, share, border, image, larger[:, 5:22, 9:32])
        assert np.array_equal(larger[:, 5:22, 9:32], fold.over(top, image))
        assert np.count_nonzero(larger) == np.count_nonzero(larger[:, 5:22, 9:32])


def painted() -> np.ndarray:
    """Three colours, the depth and the opacity they are multiplied by."""
    made = picture(5)
    return made * np.concatenate([np.repeat(made[-1:], 4, axis=0), np.ones_like(made[-1:])])


def plain(canvas: np.ndarray) -> np.ndarray:
    opacity = canvas[-1]
    return np.where(opacity > 0, canvas[:-1] / np.where(opacity > 0, opacity, np.float32(1)), np.float32(0))


def test_an_unpremultiplied_picture_is_divided_by_its_opacity_and_clear_where_there_is_none() -> None:
    canvas = painted()
    made = canvas.copy()
    fold.unpremultiply(made)
    assert np.array_equal(made, [*plain(canvas), canvas[4]])
    assert not made[:, canvas[4] == 0].any()


def test_what_cuts_left_clear_is_filled_as_if_laid_over() -> None:
    image, canvas = picture(5), painted()
    expected = fold.over(image[[0, 1, 2, 4]], np.concatenate([plain(canvas)[:3], canvas[4:]]))
    depth = image[3].copy()
    fold.fill(image, canvas, 3)
    assert np.array_equal(image, [*expected[:3], depth, expected[3]])


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("depth", [True, False])
def test_slices_are_painted_over_each_other_as_their_cuts_say(kind: str, depth: bool) -> None:
    full = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}[kind]
    slices = (RANDOM.random((4, 3, 17, 23)) * full).astype(kind)
    larger = RANDOM.uniform(-0.5, 1.5, (3, 2, 30, 40)).astype(np.float32)
    larger[1, 0] = -1  # a slice that leaves no trace on the first picture
    cuts = larger[..., 5:22, 9:32]
    places = np.array([0.25, 0.5, 0.75], np.float32)
    canvas = np.stack([painted(), painted()])[:, [0, 1, 2, 3, 4] if depth else [0, 1, 2, 4]]
    expected = canvas.copy()
    for samples, each, place in zip(slices, cuts, places, strict=False):
        colours = samples.astype(np.float32) / np.float32(full)
        for cut, made in zip(np.clip(each, 0, 1), expected, strict=True):
            beside = [np.full_like(cut, value) for value in ([place, 1] if depth else [1])]
            made[:] = np.stack([*colours, *beside]) * cut + made * (1 - cut)
    fold.paint(slices, full, [list(each) for each in cuts], places, canvas)
    assert np.array_equal(canvas, expected)
    assert np.array_equal(cuts, larger[..., 5:22, 9:32])
    assert larger.min() < 0
