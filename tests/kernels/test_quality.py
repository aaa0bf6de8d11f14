"""The measures of a fusion follow their formulas exactly, and the first of equals is chosen."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from imfuse_tiles.kernels import quality

#: No row or column without a whole window is kept.
INSIDE = 0, 0, 0, 0


def samples(dtype, size=(31, 44), planes=3, seed=0):
    values = np.random.default_rng(seed).random((planes, *size))
    top = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    return (values * top).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("planes", [1, 3])
def test_grey_is_the_rounded_mean_of_16_bit_codes(dtype, planes):
    given = samples(dtype, planes=planes)
    codes = {"uint8": given.astype(float) * 257, "uint16": given.astype(float),
             "float32": np.floor(given * np.float32(65535) + np.float32(0.5))}[dtype]  # fmt: skip
    assert np.array_equal(quality.grey(given), np.floor(codes.mean(axis=0) + 0.5))


@pytest.mark.parametrize("top", [65535, 300, 2])
def test_contrast_is_the_sample_deviation_in_whole_codes(top):
    plane = np.random.default_rng(1).integers(0, top + 1, (23, 40)).astype(np.uint16)
    windows = sliding_window_view(plane.astype(object), (5, 5)).reshape(19, 36, 25)
    exact = (25 * (windows**2).sum(-1) - windows.sum(-1) ** 2).astype(float) / 600
    assert np.array_equal(quality.contrast(plane, INSIDE), np.floor(np.sqrt(exact) + 0.5))


def test_the_greatest_contrast_there_is_does_not_overflow():
    plane = np.zeros((9, 9), np.uint16)
    plane[:, ::2] = 65535
    assert quality.contrast(plane, INSIDE).max() == np.floor(65535 * np.sqrt((25 * 15 - 15**2) / 600) + 0.5)


def test_a_window_has_the_contrast_of_the_whole_plane():
    plane = np.random.default_rng(2).integers(0, 65536, (60, 70)).astype(np.uint16)
    whole = quality.contrast(plane, INSIDE)
    assert np.array_equal(quality.contrast(plane[11:40, 23:61], INSIDE), whole[11:36, 23:57])
    corner = quality.contrast(plane[:30, 40:], (2, 0, 0, 2), 0.5)
    assert np.array_equal(corner[2:, :-2], whole[:26, 40:] / 2)
    assert not corner[:2].any()
    assert not corner[:, -2:].any()


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (4, 4), (9, 2)])
def test_a_frame_smaller_than_the_window_has_no_contrast(size):
    found = quality.contrast(np.arange(size[0] * size[1], dtype=np.uint16).reshape(size), (2, 2, 2, 2))
    assert found.shape == size
    assert not found.any()


def test_the_middle_grey_is_exposed_best():
    value = np.array([[0, 13107, 32767, 65535]], np.uint16)
    expected = np.exp(-0.5 * ((value / 65535 - 0.5) / 0.2) ** 2)
    assert np.allclose(quality.exposure(value), expected, rtol=1e-6)


def test_saturation_is_that_of_hsl_and_grey_has_none():
    colours = np.array([[255, 0, 0], [255, 255, 255], [0, 0, 0], [128, 128, 128], [200, 100, 60], [10, 40, 20]])
    given = np.moveaxis(colours.astype(np.uint8), 1, 0)[:, None]
    expected = [1, 0, 0, 0, 140 / (510 - 260), 30 / 50]
    assert np.allclose(quality.saturation(given)[0], expected, atol=1e-6)
    assert not quality.saturation(samples("uint8", planes=1)).any()


def test_the_first_of_equals_is_the_strongest_and_nothing_beats_zero():
    best, index = np.zeros((1, 4), np.float32), np.full((1, 4), 3, np.uint8)
    for z, row in enumerate([[0, 5, 1, 2], [0, 5, 4, 1], [0, 1, 4, 2]]):
        quality.note_strongest(np.array([row], np.float32), z, best, index)
    assert index.tolist() == [[3, 0, 1, 0]]
    assert best.tolist() == [[0, 5, 4, 2]]
    masks = [quality.hard_mask(index, z, 3, np.float32(1 / 3)) for z in range(3)]
    assert np.allclose(sum(masks), 1)
    assert masks[1].tolist() == [[np.float32(1 / 3), 0, 1, 0]]
