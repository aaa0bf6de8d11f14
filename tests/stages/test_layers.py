"""Backgrounds as layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imfuse_tiles.geometry import Region
from imfuse_tiles.options.backgrounds import parse_image_spec
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.layers import Layer, divide_by_opacity, unpremultiply, with_colour_planes
from imfuse_tiles.stages.stored_frames import StoredFrames
from imfuse_tiles.storage.store import Store

REGION = Region(2, 5, 1, 5)


def test_a_colour_fills_what_is_asked_for() -> None:
    red = Layer(parse_image_spec("--bg", "#ff000080")).read(Access(Store("")), REGION, 3)
    assert red.shape == (4, 3, 4)
    assert np.allclose(red[:, 0, 0], [1, 0, 0, 128 / 255])
    assert not Layer(parse_image_spec("--bg", "transparent")).read(Access(Store("")), REGION, 3).any()
    assert Layer(parse_image_spec("--bg", "gray50")).read(Access(Store("")), REGION, 1).shape == (2, 3, 4)


def test_a_grey_picture_with_opacity_becomes_as_many_planes_as_the_result(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    store.create()
    store.arrays.create("file/x", (2, 1, 6, 6), (2, 1, 6, 6), "uint8", {})
    samples = np.zeros((2, 1, 6, 6), np.uint8)
    samples[0], samples[1] = 100, 51
    store.arrays.open("file/x").write([(0, 2), (0, 1), (0, 6), (0, 6)], samples)
    source = StoredFrames("file/x", 2, (6, 6), 255.0, key="x")
    plain = Layer(parse_image_spec("--bg", "black"), source, veiled=True)
    assert plain.colours == 1
    assert np.allclose(plain.read(Access(store), REGION, 3)[:, 1, 1], [100 / 255] * 3 + [0.2])
    times = Layer(parse_image_spec("--bg", "black"), source, veiled=True, premultiplied=True)
    assert np.allclose(times.read(Access(store), REGION, 1)[:, 1, 1], [1, 0.2])


def test_colours_stored_times_their_opacity_are_divided_by_it() -> None:
    opacity = np.array([[0, 0.5, 1]], np.float32)
    assert np.array_equal(divide_by_opacity(np.array([[[0.3, 0.25, 0.25]]], np.float32), opacity), [[[0, 0.5, 0.25]]])
    assert np.array_equal(unpremultiply(np.zeros((3, 1, 2), np.float32), False, False)[3], [[1, 1]])
    assert with_colour_planes(np.zeros((2, 1, 2), np.float32), 3).shape == (4, 1, 2)
