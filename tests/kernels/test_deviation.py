"""The deviation of whole numbers against plain NumPy, against that of float32 samples, and cut into tiles."""

import numpy as np
import pytest

from imfuse_tiles.kernels.deviation import deviation, exact_sum_type
from imfuse_tiles.kernels.moments import DEVIATION, moment
from imfuse_tiles.kernels.statistic import statistic

KINDS = [np.uint8, np.uint16]
#: The widest window that 32 bits are enough for, the next one, and the widest with exact sums at all.
WIDTHS = {np.uint8: [1, 2, 3, 8, 9, 13, 14, 30], np.uint16: [1, 2, 3, 8, 9, 13, 14, 38]}
BOTH = [(kind, width) for kind in KINDS for width in WIDTHS[kind]]


def codes(kind, height=61, width=70, seed=0):
    """Samples over the whole range, a quarter of them as bright as can be."""
    most = np.iinfo(kind).max
    made = np.random.default_rng(seed).integers(0, most + 1, (height, width)).astype(kind)
    made[: height // 2, : width // 2] = most
    return made


@pytest.mark.parametrize(("kind", "width"), BOTH)
def test_it_is_that_of_numpy(kind, width):
    samples = codes(kind)
    windows = np.lib.stride_tricks.sliding_window_view(samples / np.float64(np.iinfo(kind).max), (width, width))
    made = deviation(samples, width)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, windows.std((-1, -2)), rtol=2e-7, atol=1e-9)


@pytest.mark.parametrize(("kind", "width"), BOTH)
def test_it_is_that_of_the_samples_as_float32_but_for_their_rounding(kind, width):
    samples = codes(kind)
    plane = samples.astype(np.float32) / np.float32(np.iinfo(kind).max)
    np.testing.assert_allclose(deviation(samples, width), moment(plane, width, DEVIATION), rtol=0, atol=1e-7)


@pytest.mark.parametrize(("kind", "width"), BOTH)
def test_that_of_a_flat_area_is_exactly_zero(kind, width):
    samples = np.full((width + 5, 600), np.iinfo(kind).max, kind)
    assert not deviation(samples, width).any()


@pytest.mark.parametrize(("kind", "width"), BOTH)
@pytest.mark.parametrize("edge", [1, 17, 40])
def test_a_tile_has_the_bits_of_the_whole(kind, width, edge):
    samples = codes(kind, 45 + width, 520 + width)
    whole = deviation(samples, width)
    for y in range(0, whole.shape[0], edge):
        for x in (0, 300, 505):
            part = deviation(samples[y : y + edge + width - 1, x : x + edge + width - 1], width)
            np.testing.assert_array_equal(part, whole[y : y + edge, x : x + edge])


def test_sums_that_no_number_holds_are_refused_and_computed_from_float32_instead():
    samples = codes(np.uint16)
    assert exact_sum_type(np.uint16, 38) is np.float64
    assert exact_sum_type(np.uint16, 39) is None
    with pytest.raises(ValueError, match="39 x 39 uint16"):
        deviation(samples, 39)
    plane = samples.astype(np.float32) / np.float32(65535)
    np.testing.assert_array_equal(statistic(samples, 39, "StandardDeviation"), moment(plane, 39, DEVIATION))


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_statistics_take_whole_numbers_as_samples_of_the_range(kind):
    samples = codes(kind)
    plane = samples.astype(np.float32) / np.float32(np.iinfo(kind).max)
    for mode in ("Mean", "RMS", "Median", "Gradient"):
        np.testing.assert_array_equal(statistic(samples, 5, mode), statistic(plane, 5, mode))
