"""What is flat stays flat to the last bit: else low contrast makes a mask, and paints, where nothing is to be seen."""

import numpy as np
import pytest

from imfuse_tiles.kernels import comet, gaussian, gaussian_band, interpolation, resample, statistic

VALUES = [1 / 3, 0.3217, 200 / 255, 1, 0.1]


def flat(value):
    return np.full((40, 45), value, np.float32)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("sigma", [0.3, 0.5, 1, 2.3, 4])
def test_a_blur_leaves_flat_what_is_flat(value, sigma):
    for taps in (gaussian.blur_taps(sigma), gaussian.gaussian_taps(sigma), gaussian.blur_taps(sigma, 5)):
        assert (gaussian.separable(flat(value), taps, taps) == np.float32(value)).all()
    assert not gaussian_band.band(flat(value), gaussian.blur_taps(0.4), gaussian.blur_taps(1.7)).any()


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", interpolation.INTERPOLATIONS)
@pytest.mark.parametrize("target", [(31, 29), (77, 90)])
def test_resampling_leaves_flat_what_is_flat(value, name, target):
    made = resample.resample(flat(value), (0, 0), (40, 45), target, (0, target[0], 0, target[1]), name)
    assert (made == np.float32(value)).all()


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("sigma", [0.5, 3])
def test_a_comet_leaves_flat_what_is_flat(value, sigma):
    taps = comet.comet_taps(sigma)
    for mode in ("lighten", "darken"):
        assert (comet.comet(flat(value), taps, mode) == np.float32(value)).all()


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("width", [2, 3, 5, 11])
def test_the_mean_of_what_is_flat_is_its_value_and_its_deviation_nothing(value, width):
    assert (statistic.statistic(flat(value), width, "Mean") == np.float32(value)).all()
    assert statistic.statistic(flat(value), width, "StandardDeviation").max() < 3e-8


def test_a_small_step_is_seen_however_bright_it_is_around():
    plane = flat(0.75)
    plane[:, 22:] += np.float32(2.0**-20)
    taps = gaussian.blur_taps(1.0)
    rise = gaussian.separable(plane, taps, taps)[0] - np.float32(0.75)
    expected = np.convolve(plane[0].astype(np.float64) - 0.75, taps.astype(np.float64), "valid")
    assert np.abs(rise - expected).max() <= 2.0**-24
