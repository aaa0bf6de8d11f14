"""Windows, taps and the separable pass, against formulas and SciPy, tile by tile."""

import math

import numpy as np
import pytest
from scipy import ndimage

from imfuse_tiles.kernels.gaussian import (
    blur_radius,
    blur_taps,
    gaussian_radius,
    gaussian_taps,
    separable,
)

BLUR_RADII = {0.3: 1, 0.48: 2, 1: 4, 2: 8, 3: 12, 5: 20, 10: 39, 20: 75}
GAUSSIAN_RADII = {0.2: 1, 1: 4, 2: 7, 3: 11, 5: 17, 10: 30}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def smoothed(plane, taps_y, taps_x):
    """Both passes in float64 on an already padded plane."""
    wide = ndimage.correlate1d(plane.astype(np.float64), taps_x.astype(np.float64), 1)
    wide = ndimage.correlate1d(wide, taps_y.astype(np.float64), 0)
    ry, rx = taps_y.size // 2, taps_x.size // 2
    return wide[ry : wide.shape[0] - ry, rx : wide.shape[1] - rx]


def test_windows_end_where_the_tail_drowns_in_16_bits():
    assert {s: blur_radius(s) for s in BLUR_RADII} == BLUR_RADII
    assert {s: gaussian_radius(s) for s in GAUSSIAN_RADII} == GAUSSIAN_RADII


@pytest.mark.parametrize("sigma", np.arange(0.55, 11, 0.17).tolist())
def test_counting_outwards_agrees_with_the_closed_forms(sigma):
    assert blur_radius(sigma) == int(sigma * math.sqrt(2 * math.log(65535 / (sigma * math.sqrt(2 * math.pi)))))
    assert gaussian_radius(sigma) == int(sigma * math.sqrt(2 * math.log(65535 / (2 * math.pi * sigma**2))))


def test_blur_taps_average_the_gaussian_over_a_pixel():
    taps = blur_taps(1)
    samples = np.exp(-((np.arange(-13, 14) / 3) ** 2) / 2)
    assert taps.size == 9
    assert taps.sum() == pytest.approx(1, abs=3e-7)
    assert taps == pytest.approx(samples.reshape(9, 3).sum(1) / samples.sum(), abs=1e-7)
    assert (taps * np.arange(-4, 5) ** 2).sum() == pytest.approx(1 + 2 / 27, abs=1e-3)


def test_gaussian_taps_are_samples():
    taps = gaussian_taps(2)
    assert taps.size == 15
    assert taps == pytest.approx(np.exp(-(np.arange(-7, 8) ** 2) / 8) / np.exp(-(np.arange(-7, 8) ** 2) / 8).sum())


def test_a_given_radius_cuts_the_taps_and_keeps_their_sum():
    for taps in (blur_taps(2, 3), gaussian_taps(2, 3)):
        assert taps.size == 7
        assert taps.sum() == pytest.approx(1, abs=3e-7)
        assert np.array_equal(taps, taps[::-1])


def test_no_sigma_means_no_blur():
    plane = noise(4, 5)
    assert np.array_equal(separable(plane, blur_taps(0), gaussian_taps(0)), plane)


@pytest.mark.parametrize("sigma", [0.3, 0.7, 1, 2, 5, 10])
def test_the_two_passes_are_the_two_dimensional_sum(sigma):
    taps = blur_taps(sigma)
    plane = np.pad(noise(90, 101), taps.size // 2, mode="edge")
    got = separable(plane, taps, taps)
    assert got.dtype == np.float32
    assert got.shape == (90, 101)
    assert np.abs(got - smoothed(plane, taps, taps)).max() < 1e-6


def test_axes_may_have_taps_of_their_own_and_radii_may_be_large():
    tall, wide = blur_taps(1.5), blur_taps(42)
    assert wide.size // 2 == 150
    plane = noise(50, 350)
    got = separable(plane, tall, wide)
    assert got.shape == (50 - tall.size + 1, 50)
    assert np.abs(got - smoothed(plane, tall, wide)).max() < 2e-6


def test_even_taps_are_refused():
    with pytest.raises(ValueError, match="odd"):
        separable(noise(9, 9), np.ones(2, np.float32), blur_taps(1))


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 4, 5, 8, 20, 33])
def test_tiles_equal_the_crop_of_the_whole(radius):
    taps = blur_taps(radius / 3 + 0.1, radius) if radius else blur_taps(0)
    plane = noise(70 + 2 * radius, 103 + 2 * radius, seed=radius)
    whole = separable(plane, taps, taps)
    rng = np.random.default_rng(7)
    for h, w in [(1, 1), (1, 80), (29, 1), (37, 53), (8, 16), (13, 7), (70, 31), (5, 33), (2, 103)]:
        y, x = rng.integers(0, 70 - h + 1), rng.integers(0, 103 - w + 1)
        window = np.ascontiguousarray(plane[y : y + h + 2 * radius, x : x + w + 2 * radius])
        assert np.array_equal(separable(window, taps, taps), whole[y : y + h, x : x + w])
