"""Correlation and convolution against SciPy, and the law of tiling."""

import numpy as np
import pytest
from scipy import ndimage, signal

from imfuse_tiles.kernels.convolve import convolve, correlate

SHAPES = [(1, 1), (1, 3), (3, 1), (2, 2), (3, 3), (4, 5), (5, 5), (7, 7), (9, 11), (23, 23)]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def mirrored(kernel):
    kernel = kernel + kernel[::-1]
    return kernel + kernel[:, ::-1]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", [np.asarray, mirrored])
def test_correlation_is_the_weighted_sum_of_each_window(shape, form):
    plane, kernel = noise(60, 71), form(noise(*shape, seed=1) - np.float32(0.5))
    expected = signal.correlate2d(plane.astype(np.float64), kernel.astype(np.float64), mode="valid")
    got = correlate(plane, kernel)
    assert got.dtype == np.float32
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() < 2e-6 * max(1, np.abs(kernel).sum() / 8)


def test_convolution_turns_the_kernel():
    plane, kernel = noise(40, 33), noise(3, 5, seed=2)
    assert np.array_equal(convolve(plane, kernel), correlate(plane, kernel[::-1, ::-1].copy()))
    expected = ndimage.convolve(plane.astype(np.float64), kernel.astype(np.float64))[1:-1, 2:-2]
    assert np.abs(convolve(plane, kernel) - expected).max() < 3e-6


def test_a_point_is_replaced_by_the_kernel():
    plane, kernel = np.zeros((5, 5), np.float32), np.arange(9.0).reshape(3, 3)
    plane[2, 2] = 1
    assert np.array_equal(convolve(plane, kernel), kernel)


def test_integers_sum_exactly_in_either_way_of_summing():
    plane = np.random.default_rng(3).integers(0, 256, (30, 40)).astype(np.float32)
    kernel = np.ones((5, 5))
    assert np.array_equal(correlate(plane, kernel), signal.correlate2d(plane, kernel, mode="valid"))
    kernel[0, 0] = 2
    assert np.array_equal(correlate(plane, kernel), signal.correlate2d(plane, kernel, mode="valid"))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", [np.asarray, mirrored])
def test_tiles_equal_the_crop_of_the_whole(shape, form):
    kernel = form(noise(*shape, seed=4) - np.float32(0.5))
    plane = noise(70, 103, seed=5)
    whole = correlate(plane, kernel)
    rng = np.random.default_rng(6)
    for h, w in [(1, 1), (1, 60), (29, 1), (37, 53), (8, 16), (13, 7), (40, 81), (5, 33)]:
        y, x = rng.integers(0, whole.shape[0] - h + 1), rng.integers(0, whole.shape[1] - w + 1)
        window = np.ascontiguousarray(plane[y : y + h + shape[0] - 1, x : x + w + shape[1] - 1])
        assert np.array_equal(correlate(window, kernel), whole[y : y + h, x : x + w])


def test_a_kernel_larger_than_the_plane_is_refused():
    with pytest.raises(ValueError, match="negative"):
        correlate(np.zeros((3, 9), np.float32), np.ones((5, 5)))
