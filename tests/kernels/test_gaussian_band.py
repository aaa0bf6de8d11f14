"""What lies between two blurs: as two runs of the separable pass, whatever the sizes, tiles and number types."""

import numpy as np
import pytest

from imfuse_tiles.kernels.codes import scale_to_unit
from imfuse_tiles.kernels.gaussian import blur_taps, separable
from imfuse_tiles.kernels.gaussian_band import band, band_mask


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def apart(plane, taps, taps2):
    """Two blurs of a padded plane, and how far they are from each other."""
    reach = max(taps.size, taps2.size) // 2
    blurs = []
    for each in (taps, taps2):
        spare = reach - each.size // 2
        inside = plane[spare : plane.shape[0] - spare, spare : plane.shape[1] - spare]
        blurs.append(separable(np.ascontiguousarray(inside), each, each))
    return np.abs(blurs[0] - blurs[1])


@pytest.mark.parametrize("sigmas", [(0.3, 0.6), (1, 3), (2, 2), (2.5, 4), (0.2, 7)])
@pytest.mark.parametrize("size", [(1, 1), (2, 5), (37, 53), (36, 64)])
def test_a_band_is_the_distance_between_two_blurs_to_the_last_bit(sigmas, size):
    taps, taps2 = map(blur_taps, sigmas)
    reach = max(taps.size, taps2.size) - 1
    plane = noise(size[0] + reach, size[1] + reach)
    assert np.array_equal(band(plane, taps, taps2), apart(plane, taps, taps2))
    assert np.array_equal(band(plane, taps2, taps), apart(plane, taps, taps2))


def test_a_band_in_tiles_equals_the_crop_of_the_whole():
    narrow, wide = blur_taps(0.3), blur_taps(2)
    plane = noise(60, 77)
    window = np.ascontiguousarray(plane[11:48, 9:62])
    assert np.array_equal(band(window, narrow, wide), band(plane, narrow, wide)[11 : 48 - 16, 9 : 62 - 16])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_mask_adds_the_bands_of_colours_up(dtype):
    narrow, wide = blur_taps(1), blur_taps(2)
    planes = noise(3, 50, 61) if dtype == "float32" else (noise(3, 50, 61) * np.iinfo(dtype).max).astype(dtype)
    unit = planes if dtype == "float32" else scale_to_unit(planes, np.iinfo(dtype).max)
    red, green, blue = (band(plane, narrow, wide) for plane in unit)
    assert np.array_equal(band_mask(planes, narrow, wide), ((red + green) + blue) * np.float32(0.25))
    assert np.array_equal(band_mask(planes[:1], narrow, wide), ((red + red) + red) * np.float32(0.25))


def test_even_taps_are_refused():
    with pytest.raises(ValueError, match="odd"):
        band(noise(9, 9), np.ones(2, np.float32), blur_taps(0.3))
