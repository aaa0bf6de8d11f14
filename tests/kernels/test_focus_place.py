"""Where focus lies between slices, and how sure that is, from evidence of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels.focus_peak import Peak
from imfuse_tiles.kernels.focus_place import LEAST_SPREAD, SWEEP, Place, stored_place

#: Modules without a test file of their own name.
TESTED_MODULES = ("kernels.focus_windows",)
EVERYTHING = slice(None), slice(None)


def placed(evidence: np.ndarray, noise: float, ordered: bool = True) -> np.ndarray:
    """The place and one over its variance (2, y, x) from the evidence (slices, y, x)."""
    peak = Peak(evidence.shape[1:])
    place = Place(peak, len(evidence), noise, ordered)
    for each in evidence:
        peak.add(each)
        place.add(each)
    if place.windows:
        for z, each in enumerate(evidence):
            place.add_again(each, z)
    return stored_place(place.codes(EVERYTHING), len(evidence))


def focus_curve(count: int, truth: float) -> np.ndarray:
    """Evidence (slices, 1, 1) of a stack, most at a place between slices, a sixth of it wide."""
    slices = np.arange(count)
    return np.float32(np.exp(-(((slices - truth) * 8 / count) ** 2)))[:, None, None]


def noise_of(count: int, mean: float) -> np.ndarray:
    """Evidence (slices, 64, 64) of noise alone: means of 32 squares."""
    random = np.random.default_rng(4)
    return np.float32(mean * random.chisquare(32, (count, 64, 64)) / 32)


@pytest.mark.parametrize("count", [7, 12, 48, 100, 200])
def test_a_peak_lies_between_slices_and_is_as_sure_as_they_are_dense(count: int) -> None:
    truth = count / 2 + 0.3
    where, sure = placed(focus_curve(count, truth), 1e-6)[:, 0, 0]
    assert abs(where - truth) < 0.01 * count
    assert 0.5 < sure * (LEAST_SPREAD * max(count // 12, 1)) ** 2 < 1.01


@pytest.mark.parametrize("truth", [14.7, 15.0, 15.2])
def test_slices_on_both_sides_of_a_peak_count_alike(truth: float) -> None:
    where, _ = placed(focus_curve(30, truth), 1e-6)[:, 0, 0]
    assert abs(where - truth) < 0.1


@pytest.mark.parametrize("truth", [0.0, 3.0, 96.0, 99.0])
def test_a_peak_near_an_end_of_a_long_sweep_is_found(truth: float) -> None:
    where, _ = placed(focus_curve(100, truth), 1e-6)[:, 0, 0]
    assert abs(where - truth) < 2


@pytest.mark.parametrize("strength", [0.5, 2.0])
@pytest.mark.parametrize("count", [24, 50, 100])
def test_noise_is_taken_for_focus_nowhere_however_strong_it_is_beside_that_of_the_stack(
    count: int, strength: float
) -> None:
    _, sure = placed(noise_of(count, strength), 1.0)
    assert np.median(sure) < 1e-6
    assert (sure > 0.1).mean() < 0.02


def test_windows_find_what_single_slices_of_a_long_sweep_do_not() -> None:
    evidence = noise_of(100, 1.0) + focus_curve(100, 40.0)
    where, _ = placed(evidence, 1.0)
    strongest = evidence.argmax(axis=0)
    missed = [(np.abs(found - 40) > 10).mean() for found in (where, strongest)]
    assert missed[0] < missed[1] / 3


def test_slices_without_a_picture_count_for_nothing() -> None:
    evidence = np.concatenate([focus_curve(48, 20.3), np.full((12, 1, 1), -1, np.float32)])
    where, sure = placed(evidence, 1e-6)[:, 0, 0]
    assert abs(where - 20.3) < 0.5
    assert sure > 1
    assert placed(np.full((30, 1, 1), -1, np.float32), 1e-6)[1].max() < 1e-3


@pytest.mark.parametrize("count", [12, 48])
def test_without_an_order_the_place_is_the_sharpest_slice(count: int) -> None:
    evidence = focus_curve(count, count / 2 + 0.3)[np.random.default_rng(5).permutation(count)]
    where, _ = placed(evidence, 1e-6, ordered=False)[:, 0, 0]
    assert where == pytest.approx(evidence[:, 0, 0].argmax(), abs=0.01)


def test_few_slices_are_needed_once_and_compared_with_the_noise_of_the_stack() -> None:
    assert Place(Peak((1, 1)), 2 * SWEEP, 1.0, True).windows
    assert not Place(Peak((1, 1)), 2 * SWEEP, 1.0, False).windows
    assert not Place(Peak((1, 1)), 2 * SWEEP - 1, 1.0, True).windows
    _, sure = placed(focus_curve(5, 2.0), 0.05)[:, 0, 0]
    assert sure > 1
