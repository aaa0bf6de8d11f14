"""Kernel tables of Laplacians and Gaussian contrast against plain NumPy and SciPy, tile by tile."""

import numpy as np
import pytest
from scipy import ndimage

from imfuse_tiles.kernels import contrast
from imfuse_tiles.kernels.contrast import (
    convolve_biased,
    dog_kernel,
    halo,
    laplacian,
    laplacian_kernel,
    log_kernel,
    normalise,
    surround_kernel,
)
from tests.kernels.tiles import assert_tiles_equal_the_whole, convolved, noise


def test_the_bias_carries_the_65536th_step():
    assert contrast.bias(50) == np.float32(0.5 * 65536 / 65535)
    assert contrast.bias(10) == np.float32(0.1 * 65536 / 65535)


def test_normalising_divides_by_the_sum_or_by_the_positive_entries():
    assert np.array_equal(normalise([[1, 2], [1, 4]]), np.array([[1, 2], [1, 4]]) / 8)
    assert np.array_equal(normalise([[1, -3], [0, 0]]), np.array([[1, -3], [0, 0]]) / 2)
    assert np.array_equal(normalise([[1, 3, -4]]), np.array([[1, 3, -4]]) / 4)


def test_laplacians_have_their_sizes_and_symmetries():
    assert {n: halo(laplacian_kernel(n)) for n in contrast.LAPLACIANS} == {
        0: 1, 1: 1, 2: 1, 3: 1, 5: 2, 7: 3, 15: 2, 19: 4,
    }  # fmt: skip
    for n in contrast.LAPLACIANS:
        kernel = laplacian_kernel(n)
        assert np.array_equal(kernel, kernel[::-1])
        assert np.array_equal(kernel, kernel.T)
        assert kernel[kernel > 0].sum() == pytest.approx(1)
    assert np.array_equal(laplacian_kernel(4), laplacian_kernel(0))
    assert np.array_equal(laplacian_kernel(0), np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]) / 8)
    assert np.array_equal(laplacian_kernel(3), np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]]) / 8)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 7, 15, 19])
def test_a_laplacian_is_grey_plus_the_convolution(n):
    plane, kernel = noise(40, 51), laplacian_kernel(n)
    got = laplacian(plane, n)
    assert got.dtype == np.float32
    assert np.abs(got - (0.5 * 65536 / 65535 + convolved(plane, kernel))).max() < 1e-6


def test_a_flat_plane_answers_with_the_bias():
    flat = np.full((70, 70), 0.75, np.float32)
    for kernel in (
        dog_kernel(1, 3),
        log_kernel(1),
        log_kernel(0.2),
        laplacian_kernel(19),
        surround_kernel(2),
    ):
        assert np.abs(convolve_biased(flat, kernel) - contrast.bias(50)).max() < 1e-6


def test_gaussian_contrast_kernels_are_balanced_and_sized_by_the_wider_sigma():
    assert dog_kernel(0.3, 0.48).shape == (5, 5)
    assert dog_kernel(1, 3).shape == (23, 23)
    assert dog_kernel(1, 3, 4).shape == (9, 9)
    assert log_kernel(0.2).shape == (3, 3)
    assert log_kernel(1).shape == (9, 9)
    for kernel in (dog_kernel(0.3, 0.48), dog_kernel(1, 3), log_kernel(0.2), log_kernel(5)):
        assert kernel[kernel > 0].sum() == pytest.approx(1)
        assert kernel[kernel < 0].sum() == pytest.approx(-1)
        assert kernel.max() == kernel[halo(kernel), halo(kernel)]


def test_the_dog_is_close_to_the_difference_of_two_blurs():
    plane = ndimage.gaussian_filter(noise(120, 120), 1)
    blurs = [ndimage.gaussian_filter(plane.astype(np.float64), s, truncate=8) for s in (2, 3.2)]
    weight = np.exp(-(np.mgrid[-30:31, -30:31] ** 2).sum(0) / 8) / (8 * np.pi)
    weight -= np.exp(-(np.mgrid[-30:31, -30:31] ** 2).sum(0) / 20.48) / (20.48 * np.pi)
    kernel = dog_kernel(2, 3.2)
    margin = halo(kernel)
    expected = (blurs[0] - blurs[1])[margin:-margin, margin:-margin] / weight[weight > 0].sum()
    assert np.abs(convolve_biased(plane, kernel) - 0.5 - expected)[20:-20, 20:-20].max() < 1e-3


def test_the_surround_kernel_compares_a_pixel_with_its_square():
    assert np.array_equal(surround_kernel(1), [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    assert surround_kernel(2)[2, 2] == 24
    assert surround_kernel(3).sum() == 0


@pytest.mark.parametrize("n", [0, 3, 5, 7, 19])
def test_laplacians_in_tiles_equal_the_crop_of_the_whole(n):
    assert_tiles_equal_the_whole(lambda plane: laplacian(plane, n), halo(laplacian_kernel(n)))


def test_gaussian_contrast_in_tiles_equals_the_crop_of_the_whole():
    for kernel in (dog_kernel(0.3, 0.48), dog_kernel(1, 3), log_kernel(1)):
        assert_tiles_equal_the_whole(lambda plane, kernel=kernel: convolve_biased(plane, kernel), halo(kernel))
