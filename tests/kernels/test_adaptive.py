"""The blur guided by a mask: naive sums, limits, alpha, tiles."""

import math

import numpy as np
import pytest

from imfuse_tiles.kernels.adaptive import blur, blur_halo


@pytest.fixture(scope="module")
def scene():
    r = np.random.default_rng(2)
    rgb, alpha = r.random((3, 45, 57), dtype=np.float32), r.random((45, 57), dtype=np.float32)
    alpha[10:14, 20:60] = 0
    return rgb, alpha


def naive(samples, sigma, y, x):
    """Weighted mean of (planes, Y, X) over the disk of 4 sigma round (y, x), in double precision."""
    reach = math.floor(4 * sigma)
    v, u = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    weight = np.exp(-(u * u + v * v) / (2 * sigma * sigma)) * (u * u + v * v <= 16 * sigma * sigma)
    window = samples[:, y - reach : y + reach + 1, x - reach : x + reach + 1].astype(np.float64)
    return (window * weight).sum((1, 2)) / weight.sum()


def test_the_halo_is_four_radii_and_at_least_two_pixels():
    assert [blur_halo(r) for r in (0, 0.3, 1, 2.1, 4)] == [2, 2, 4, 9, 16]


def test_every_pixel_is_the_weighted_mean_of_its_own_disk(scene):
    rgb, h = scene[0], blur_halo(2.3)
    mask = np.random.default_rng(4).random((45 - 2 * h, 57 - 2 * h), dtype=np.float32)
    result, alpha = blur(rgb, None, mask, 2.3, 0.7)
    assert alpha is None
    for y, x in np.ndindex(*mask.shape):
        m = 1 if mask[y, x] > np.float32(0.7) else float(mask[y, x])
        expected = naive(rgb, max(0.5, 2.3 * (1 - m)), y + h, x + h)
        np.testing.assert_allclose(result[:, y, x], expected, atol=1e-6)


def test_colours_are_weighted_by_alpha(scene):
    rgb, alpha = scene
    h = blur_halo(2)
    mask = np.full((45 - 2 * h, 57 - 2 * h), 0.25, np.float32)
    colours, opacity = blur(rgb, alpha, mask, 2, 0.5)
    samples = np.concatenate([rgb * alpha, alpha[np.newaxis]])
    for y, x in ((0, 0), (5, 20), (28, 40)):
        *premultiplied, a = naive(samples, 1.5, y + h, x + h)
        np.testing.assert_allclose(opacity[y, x], a, atol=1e-6)
        np.testing.assert_allclose(colours[:, y, x], np.array(premultiplied) / a, atol=1e-6)


def test_nothing_stays_nothing_and_full_opacity_changes_nothing(scene):
    rgb = scene[0]
    mask = np.zeros((45 - 16, 57 - 16), np.float32)
    colours, opacity = blur(rgb, np.zeros_like(rgb[0]), mask, 2, 0.5)
    assert not colours.any()
    assert not opacity.any()
    opaque = blur(rgb, np.ones_like(rgb[0]), mask, 2, 0.5)
    np.testing.assert_allclose(opaque[1], 1, atol=1e-6)
    assert np.array_equal(opaque[0], blur(rgb, None, mask, 2, 0.5)[0])


def test_a_constant_picture_stays_constant():
    rgb = np.full((3, 60, 60), 0.3, np.float32)
    mask = np.random.default_rng(0).random((60 - 24, 60 - 24), dtype=np.float32)
    np.testing.assert_allclose(blur(rgb, None, mask, 3, 0.9)[0], 0.3, atol=1e-6)


def test_a_tile_equals_the_crop_of_the_whole(scene):
    rgb, alpha = scene
    h = blur_halo(2)
    mask = np.random.default_rng(4).random((45 - 2 * h, 57 - 2 * h), dtype=np.float32)
    whole = blur(rgb, alpha, mask, 2, 0.8)
    for y0, y1, x0, x1 in ((0, 29, 0, 41), (3, 20, 5, 38), (7, 8, 0, 41), (0, 29, 17, 18), (28, 29, 40, 41)):
        wide = np.s_[y0 : y1 + 2 * h, x0 : x1 + 2 * h]
        tile = blur(rgb[:, *wide], alpha[wide], mask[y0:y1, x0:x1], 2, 0.8)
        assert np.array_equal(tile[0], whole[0][:, y0:y1, x0:x1])
        assert np.array_equal(tile[1], whole[1][y0:y1, x0:x1])


def test_a_mask_that_is_not_a_number_counts_as_full(scene):
    rgb = scene[0]
    mask = np.full((45 - 16, 57 - 16), np.nan, np.float32)
    assert np.array_equal(blur(rgb, None, mask, 2, 0.5)[0], blur(rgb, None, np.ones_like(mask), 2, 0.5)[0])


def test_a_picture_without_its_halo_is_refused(scene):
    with pytest.raises(ValueError, match="halo 8"):
        blur(scene[0], None, np.zeros((45, 57), np.float32), 2, 0.5)
