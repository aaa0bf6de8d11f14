"""Named wavelets against PyWavelets' stationary transform."""

import warnings

import numpy as np
import pytest
import pywt

from imfuse_tiles.kernels.swt import (
    bank,
    halo_named,
    known_wavelets,
    levels_named,
    noise_named,
    soften_named,
)


def plane(height, width, seed=0):
    return np.random.default_rng(seed).random((height, width), dtype=np.float32)


def by_pywt(window, wavelet, levels, thresholds):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that a biorthogonal transform keeps no energy
        coarse_first = pywt.swt2(window.astype(np.float64), wavelet, levels, norm=True)
        shrunk = [
            (low, tuple(pywt.threshold(detail, t, "soft") for detail in details))
            for (low, details), t in zip(coarse_first, thresholds[::-1], strict=True)
        ]
        return pywt.iswt2(shrunk, wavelet, norm=True)


ORTHOGONAL = [("haar", 5), ("db2", 4), ("db4", 3), ("sym5", 2), ("coif1", 3), ("dmey", 1)]
BIORTHOGONAL = [("bior2.2", 3), ("bior4.4", 2), ("bior3.1", 3), ("rbio2.4", 2)]


@pytest.mark.parametrize(("wavelet", "levels"), [*ORTHOGONAL, *BIORTHOGONAL])
def test_softening_equals_pywavelets_inside_the_halo(wavelet, levels):
    window, halo = plane(160, 192), halo_named(wavelet, levels)
    thresholds = [0.3 * share for share in noise_named(wavelet, levels)]
    result = soften_named(window, wavelet, levels, thresholds)
    expected = by_pywt(window, wavelet, levels, thresholds)[halo:-halo, halo:-halo]
    assert result.dtype == np.float32
    assert np.abs(expected - window[halo:-halo, halo:-halo]).max() > 0.1
    np.testing.assert_allclose(result, expected, atol=2e-6)


@pytest.mark.parametrize("wavelet", ["haar", "db3", "sym4", "bior4.4"])
def test_thresholds_of_zero_give_the_plane_back(wavelet):
    window, halo = plane(120, 101), halo_named(wavelet, 3)
    result = soften_named(window, wavelet, 3, [0, 0, 0])
    np.testing.assert_allclose(result, window[halo:-halo, halo:-halo], atol=2e-6)


def test_halos_follow_from_the_filters():
    assert halo_named("haar", 5) == 31
    assert halo_named("db2", 5) == 93
    assert halo_named("bior2.2", 5) == 93  # five and three taps, stored by PyWavelets as six
    assert halo_named("bior4.4", 3) == 49


def test_every_wavelet_reads_equally_far_with_both_branches():
    for wavelet in known_wavelets():
        filters = bank(wavelet)
        assert len(filters.split_high) + len(filters.join_high) == 2 * filters.reach + 2
        assert len(filters.split_low) + len(filters.join_low) == 2 * filters.reach + 2


def test_levels_keep_the_halo_and_the_frame_in_bounds():
    assert levels_named("haar", 4000, 4000) == 5
    assert levels_named("haar", 4000, 16) == 4
    assert levels_named("db8", 4000, 4000) == 4
    assert levels_named("db8", 4000, 4000, widest=1000) == 5
    assert levels_named("db38", 4000, 4000) == 2
    assert levels_named("haar", 1, 1) == 1


def test_white_noise_halves_with_each_level_of_an_orthogonal_wavelet():
    np.testing.assert_allclose(noise_named("db4", 4), [0.5, 0.25, 0.125, 0.0625], rtol=1e-5)


def test_the_noise_of_a_biorthogonal_wavelet_is_what_its_details_show():
    window = np.random.default_rng(1).normal(0, 1, (512, 512))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        coefficients = pywt.swt2(window, "bior4.4", 2, norm=True)[::-1]
    measured = [np.sqrt(np.mean(np.square(details))) for _, details in coefficients]
    np.testing.assert_allclose(noise_named("bior4.4", 2), measured, rtol=0.02)


def test_only_orthogonal_and_biorthogonal_wavelets_are_known():
    assert {"haar", "db2", "sym4", "coif1", "bior4.4", "dmey"} <= set(known_wavelets())
    for name in ("morl", "mexh", "gaus1", "db", "hat"):
        with pytest.raises(ValueError, match=f"'{name}'"):
            halo_named(name, 2)


def test_names_may_be_written_in_capitals():
    assert halo_named("DB2", 1) == halo_named("db2", 1) == 3


def test_missing_thresholds_are_refused():
    with pytest.raises(ValueError, match="3 levels need as many thresholds, not 2"):
        soften_named(plane(60, 60), "haar", 3, [0.1, 0.1])


@pytest.mark.parametrize(("wavelet", "levels"), [("haar", 4), ("db2", 3), ("bior2.2", 2)])
def test_a_tile_with_its_halo_gives_the_bits_of_the_whole(wavelet, levels):
    window, halo, thresholds = plane(150, 171), halo_named(wavelet, levels), [0.1, 0.05, 0.02, 0.01]
    whole = soften_named(window, wavelet, levels, thresholds)
    for y, x, height, width in [(0, 0, 37, 53), (11, 7, 1, 101), (40, 30, 64, 1), (5, 64, 33, 47)]:
        tile = np.ascontiguousarray(window[y : y + height + 2 * halo, x : x + width + 2 * halo])
        assert np.array_equal(soften_named(tile, wavelet, levels, thresholds), whole[y : y + height, x : x + width])
