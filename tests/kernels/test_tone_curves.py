"""Tone curves at known places, and the ends of a histogram."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imfuse_tiles.kernels import tone_curves

SAMPLES = np.linspace(0, 1, 4097, dtype=np.float32)


@pytest.mark.parametrize(("contrast", "middle"), [(3.0, 0.5), (12.0, 0.2), (2.0, 1 / 65535)])
def test_a_sigmoidal_contrast_is_its_formula(contrast: float, middle: float) -> None:
    def s(x: float) -> float:
        return 1 / (1 + math.exp(contrast * (middle - x)))

    expected = [(s(float(x)) - s(0)) / (s(1) - s(0)) for x in SAMPLES]
    assert np.abs(tone_curves.sigmoidal(SAMPLES, contrast, middle) - expected).max() < 1e-6
    assert tone_curves.sigmoidal(SAMPLES, 0, middle) is SAMPLES


def test_contrast_keeps_black_white_and_the_ratio_of_colours() -> None:
    colours = np.stack([SAMPLES, SAMPLES / 2, np.zeros_like(SAMPLES)])[:, None]
    made = tone_curves.raise_contrast(colours)
    assert (made[0, 0, 0], made[0, 0, -1]) == (0, pytest.approx(1))
    assert np.allclose(made[1], made[0] / 2, atol=1e-7)
    assert made[0, 0, 1024] < SAMPLES[1024] - 0.04
    assert made[0, 0, 3072] > SAMPLES[3072] + 0.04


def test_black_and_white_leave_out_no_more_pixels_than_asked_for() -> None:
    grey = np.array([[[0, 0, 100, 200, 200, 65535]]], np.float32) / 65535
    counts = tone_curves.intensity_counts(grey)
    assert counts.sum() == 6
    assert tone_curves.black_and_white(counts, 0, 0) == (0, 65535)
    assert tone_curves.black_and_white(counts, 2, 1) == (100, 200)
    assert tone_curves.black_and_white(counts, 6, 6) == (65535, 0)


def test_a_stretch_clamps_and_a_range_of_nothing_is_a_threshold() -> None:
    assert tone_curves.contrast_stretch(np.float32([0, 0.5, 1]), 0.25, 0.75).tolist() == [0, 0.5, 1]
    assert tone_curves.contrast_stretch(np.float32([0, 0.5, 1]), 0.5, 0.5).tolist() == [0, 1, 1]


def test_a_level_inverts_where_black_is_brighter_than_white() -> None:
    samples = np.float32([0, 0.25, 0.375, 0.75, 1])
    assert tone_curves.level(samples, 0.25, 0.75).tolist() == [0, 0, 0.25, 1, 1]
    assert tone_curves.level(samples, 0.75, 0.25).tolist() == [1, 1, 0.75, 0, 0]
    assert tone_curves.level(samples, 0.375, 0.375).tolist() == [0, 0, 1, 1, 1]
