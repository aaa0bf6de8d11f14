"""Window statistics against plain NumPy on every window."""

import numpy as np
import pytest

from imfuse_tiles.kernels.moments import VARIANCE, moment
from imfuse_tiles.kernels.statistic import MODES, after, before, statistic

#: Modules without a test file of their own name.
TESTED_MODULES = ("kernels.moments", "kernels.ranks", "kernels.sorting")

RANKS = ("Median", "Mode", "NonPeak")


def plane(height, width, levels=65536, seed=0):
    """Samples of `levels` different values, all of them k/65535."""
    numbers = np.random.default_rng(seed).integers(0, levels, (height, width)) * (65535 // (levels - 1))
    return numbers.astype(np.float32) / np.float32(65535)


def windows(window, width):
    views = np.lib.stride_tricks.sliding_window_view(window, (width, width))
    return views.reshape(*views.shape[:2], -1).astype(np.float64)


def by_hand(samples, mode):
    """One statistic of one window."""
    ordered = np.sort(np.floor(samples * 65535 + 0.5))
    middle = ordered[len(ordered) // 2]
    if mode == "Median":
        return middle / 65535
    if mode == "Mode":
        values, counts = np.unique(ordered, return_counts=True)
        return values[np.argmax(counts)] / 65535
    smaller, larger = ordered[ordered < middle], ordered[ordered > middle]
    if not len(smaller):
        return (larger[0] if len(larger) else middle) / 65535
    return (middle if len(larger) else smaller[-1]) / 65535


@pytest.mark.parametrize(("width", "halo"), [(1, (0, 0)), (2, (1, 0)), (3, (1, 1)), (4, (2, 1)), (5.9, (2, 2))])
def test_an_even_window_reaches_a_pixel_further_up_and_left(width, halo):
    assert (before(width), after(width)) == halo


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 6, 7, 11, 16, 31])
def test_sums_equal_those_of_numpy(width):
    window = plane(34, 41)
    samples = windows(window, width)
    expected = {
        "Mean": samples.mean(-1),
        "RMS": np.sqrt((samples**2).mean(-1)),
        "StandardDeviation": samples.std(-1),
    }
    for mode, numbers in expected.items():
        result = statistic(window, width, mode)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, numbers, rtol=3e-7, atol=2e-8)
    np.testing.assert_allclose(moment(window, width, VARIANCE), samples.var(-1), rtol=3e-7, atol=1e-15)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_the_deviation_of_a_flat_area_is_exactly_zero(width):
    for value in (0.0, 1 / 255, 0.3, 54321 / 65535, 1.0):
        flat = np.full((9, 9), value, np.float32)
        assert not statistic(flat, width, "StandardDeviation").any()


def test_a_faint_texture_on_a_bright_ground_keeps_its_deviation():
    window = (60000 + np.random.default_rng(1).integers(0, 2, (30, 30))).astype(np.float32) / np.float32(65535)
    np.testing.assert_allclose(
        statistic(window, 4, "StandardDeviation"), windows(window, 4).std(-1), rtol=1e-5, atol=1e-8
    )


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7])
def test_extremes_equal_those_of_numpy(width):
    window = plane(21, 26)
    samples = windows(window, width)
    low, high = samples.min(-1), samples.max(-1)
    assert np.array_equal(statistic(window, width, "Minimum"), low)
    assert np.array_equal(statistic(window, width, "Maximum"), high)
    np.testing.assert_allclose(statistic(window, width, "Gradient"), high - low, rtol=1e-7)
    contrast = (high - low) / (high + low) / 65535
    np.testing.assert_allclose(statistic(window, width, "Contrast"), contrast, rtol=1e-6)


def test_the_contrast_of_black_is_zero():
    assert not statistic(np.zeros((4, 4), np.float32), 2, "Contrast").any()


@pytest.mark.parametrize("levels", [2, 5, 65536])
@pytest.mark.parametrize("mode", RANKS)
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 6, 9])
def test_ranks_equal_those_of_sorted_windows(width, mode, levels):
    window = plane(17, 29, levels, seed=width)
    expected = np.apply_along_axis(by_hand, -1, windows(window, width), mode)
    assert np.array_equal(statistic(window, width, mode), expected.astype(np.float32))


@pytest.mark.parametrize("mode", RANKS)
def test_ranks_are_right_in_the_largest_window_too(mode):
    window = plane(33, 34, levels=256)
    expected = np.apply_along_axis(by_hand, -1, windows(window, 31), mode)
    assert np.array_equal(statistic(window, 31, mode), expected.astype(np.float32))


def test_samples_beyond_the_range_are_cut_before_they_are_ranked():
    window = np.array([[-0.5, 1.5], [-0.5, 1.5]], np.float32)
    assert statistic(window, 2, "Median").tolist() == [[1.0]]
    assert statistic(window, 2, "Mode").tolist() == [[0.0]]


@pytest.mark.parametrize("mode", MODES)
def test_a_window_of_one_pixel_shows_it(mode):
    window = plane(9, 12)
    result = statistic(window, 1, mode)
    if mode in ("StandardDeviation", "Gradient", "Contrast"):
        assert not result.any()
    else:
        np.testing.assert_allclose(result, window, rtol=1e-7)


def test_the_width_may_have_a_fraction_which_is_dropped():
    window = plane(9, 9)
    assert np.array_equal(statistic(window, 3.9, "Mean"), statistic(window, 3, "Mean"))


def test_unknown_modes_and_empty_windows_are_refused():
    with pytest.raises(ValueError, match=r"'Average'.*Mean"):
        statistic(plane(4, 4), 2, "Average")
    with pytest.raises(ValueError, match="at least 1 pixel"):
        statistic(plane(4, 4), 0.5, "Mean")


@pytest.mark.parametrize("width", [2, 3, 6])
@pytest.mark.parametrize("mode", MODES)
def test_a_tile_with_its_halo_gives_the_bits_of_the_whole(mode, width):
    window = plane(90, 1101)  # wider than the strips in which it is worked through
    whole = statistic(window, width, mode)
    for y, x, height, across in [(0, 0, 37, 53), (11, 507, 1, 301), (40, 30, 41, 1), (5, 500, 33, 597)]:
        tile = np.ascontiguousarray(window[y : y + height + width - 1, x : x + across + width - 1])
        assert np.array_equal(statistic(tile, width, mode), whole[y : y + height, x : x + across])
