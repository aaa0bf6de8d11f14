"""Painting slices over each other, and what is done with the pictures it makes."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels import composite, montage

RANDOM = np.random.default_rng(5)


def picture(planes: int) -> np.ndarray:
    """Noise a little beyond 0..1 with clear and opaque places."""
    made = RANDOM.uniform(-0.1, 1.1, (planes, 17, 23)).astype(np.float32)
    made[-1] = np.clip(made[-1] * 2 - 0.5, 0, 1)
    return made


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
    montage.unpremultiply(made)
    assert np.array_equal(made, [*plain(canvas), canvas[4]])
    assert not made[:, canvas[4] == 0].any()


def test_what_cuts_left_clear_is_filled_as_if_laid_over() -> None:
    image, canvas = picture(5), painted()
    expected = composite.over(image[[0, 1, 2, 4]], np.concatenate([plain(canvas)[:3], canvas[4:]]))
    depth = image[3].copy()
    montage.fill(image, canvas, 3)
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
    montage.paint(slices, full, [list(each) for each in cuts], places, canvas)
    assert np.array_equal(canvas, expected)
    assert np.array_equal(cuts, larger[..., 5:22, 9:32])
    assert larger.min() < 0
