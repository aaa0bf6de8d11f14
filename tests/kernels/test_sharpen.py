"""Adaptive sharpening: the edge map, the choice of width, naive kernels, tiles."""

import numpy as np
import pytest
from scipy import ndimage

from imfuse_tiles.kernels.gaussian import gaussian_radius
from imfuse_tiles.kernels.sharpen import edges, intensity, sharpen, sharpen_halo, stretch


@pytest.fixture(scope="module")
def rgb():
    return np.random.default_rng(9).random((3, 41, 53), dtype=np.float32)


def kernel(sigma, reach):
    offset = np.arange(-reach, reach + 1)
    g = np.exp(-(offset[:, np.newaxis] ** 2 + offset**2) / (2 * sigma**2))
    taps = -g
    taps[reach, reach] = 2 * g.sum()
    return taps / taps.sum()


def test_the_edge_map_is_a_five_by_five_convolution(rgb):
    taps = np.full((5, 5), -1.0)
    taps[2, 2] = 24
    expected = np.stack([ndimage.correlate(plane.astype(np.float64), taps)[2:-2, 2:-2] for plane in rgb])
    np.testing.assert_allclose(edges(rgb), expected, atol=1e-5)


def test_stretching_moves_the_range_to_0_and_1():
    assert stretch(np.float32([2, 3, 6]), 2, 6).tolist() == [0, 0.25, 1]
    assert stretch(np.float32([2, 2]), 2, 2).tolist() == [0, 0]


def test_intensity_weighs_the_stretched_planes():
    smooth = np.float32([1, 2, 3]).reshape(3, 1, 1)
    assert intensity(smooth, 1, 3).item() == pytest.approx(0.715158 / 2 + 0.072186)


@pytest.mark.parametrize("sigma", [1, 2])
def test_each_pixel_gets_the_kernel_of_its_width(rgb, sigma):
    halo = sharpen_halo(sigma)
    assert halo == gaussian_radius(sigma)
    width = 2 * halo + 1
    shape = (41 - 2 * halo, 53 - 2 * halo)
    strength = np.random.default_rng(1).random(shape, dtype=np.float32)
    strength[0, :3] = 0, 1, 0.5
    result = sharpen(rgb, strength, sigma)
    less = np.clip(np.ceil(width * (1 - strength.astype(np.float64)) - 0.5), 0, width).astype(int)
    for y, x in np.ndindex(*shape):
        reach = (width - (less[y, x] - less[y, x] % 2)) // 2
        window = rgb[:, y + halo - reach : y + halo + reach + 1, x + halo - reach : x + halo + reach + 1]
        expected = (window.astype(np.float64) * kernel(sigma, reach)).sum((1, 2))
        np.testing.assert_allclose(result[:, y, x], expected, atol=1e-6)


def test_no_edge_leaves_the_pixel_alone(rgb):
    result = sharpen(rgb, np.zeros((41 - 8, 53 - 8), np.float32), 1)
    np.testing.assert_allclose(result, rgb[:, 4:-4, 4:-4], rtol=3e-7)


def test_a_radius_takes_the_place_of_the_automatic_window(rgb):
    assert sharpen_halo(1, 2) == 2
    result = sharpen(rgb, np.ones((37, 49), np.float32), 1, 2)
    expected = np.stack([ndimage.correlate(plane.astype(np.float64), kernel(1, 2))[2:-2, 2:-2] for plane in rgb])
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_sigma_0_changes_nothing(rgb):
    np.testing.assert_allclose(sharpen(rgb, np.ones((37, 49), np.float32), 0, 2), rgb[:, 2:-2, 2:-2], rtol=1e-6)
    np.testing.assert_allclose(sharpen(rgb, np.ones((41, 53), np.float32), 0), rgb, rtol=1e-6)


def test_a_tile_equals_the_crop_of_the_whole(rgb):
    halo = sharpen_halo(1)
    strength = np.random.default_rng(1).random((41 - 2 * halo, 53 - 2 * halo), dtype=np.float32)
    whole, map_ = sharpen(rgb, strength, 1), edges(rgb)
    for y0, y1, x0, x1 in ((3, 20, 5, 38), (7, 8, 0, 45), (0, 33, 17, 18), (32, 33, 44, 45)):
        tile = sharpen(rgb[:, y0 : y1 + 2 * halo, x0 : x1 + 2 * halo], strength[y0:y1, x0:x1], 1)
        assert np.array_equal(tile, whole[:, y0:y1, x0:x1])
        assert np.array_equal(edges(rgb[:, y0 : y1 + 4, x0 : x1 + 4]), map_[:, y0:y1, x0:x1])


def test_a_picture_without_its_halo_is_refused(rgb):
    with pytest.raises(ValueError, match="halo 4"):
        sharpen(rgb, np.zeros((41, 53), np.float32), 1)


def test_an_intensity_that_is_not_a_number_takes_the_full_width(rgb):
    shape = (41 - 8, 53 - 8)
    assert np.array_equal(sharpen(rgb, np.full(shape, np.nan, np.float32), 1), sharpen(rgb, np.ones(shape, "f"), 1))
