"""Mask filters that are said to keep below the largest value of a mask do."""

import numpy as np
import pytest

from imfuse_tiles.geometry import Window
from imfuse_tiles.kernels.wavelet import NOISE
from imfuse_tiles.options.recipe import Recipe

MOST = np.float32(0.6)
KEEPING = ("--maskwave=p5", "--maskwave=p20", "--maskwave=p100", "--maskstat=r6,Mean", "--maskstat=Median",
           "--maskstat=Maximum", "--maskstat=r3,min")  # fmt: skip
OTHERS = ("--maskwave=p10,P50", "--maskwave=p20,db2", "--maskstat=stdev", "--maskthreshold", "--maskenhance")


def masks() -> list[np.ndarray]:
    """Masks (y, x) float32 in 0..MOST: noise, spots, holes, stripes and steps of many sizes."""
    rng, (y, x) = np.random.default_rng(1), np.mgrid[:90, :110]
    shares = [rng.random(y.shape), rng.random(y.shape) < 0.02, rng.random(y.shape) > 0.02, (x // 3 + y // 5) % 2]
    shares += [(x // 16) % 2, x / x.max(), np.abs(np.sin(x / 7.0) * np.cos(y / 11.0)), np.ones(y.shape)]
    dips = [share * (1 - depth * (rng.random(y.shape) < 0.5)) for share in shares for depth in (0.01, 0.05)]
    return [(MOST * share).astype(np.float32) for share in shares + dips]


@pytest.mark.parametrize("words", KEEPING)
def test_a_filter_that_keeps_below_the_largest_value_does(words: str) -> None:
    (op,) = Recipe.from_options(["--wavelet", words]).filters
    assert op.keeps_below
    for mask in masks():
        assert op.apply(Window.whole(mask)).data.max() <= mask.max() + 1e-6


def test_a_wavelet_threshold_is_above_all_coarser_ones_together() -> None:
    assert all(share > sum(NOISE[level + 1 :]) for level, share in enumerate(NOISE))


@pytest.mark.parametrize("words", OTHERS)
def test_nothing_is_said_of_other_filters(words: str) -> None:
    (op,) = Recipe.from_options(["--wavelet", words]).filters
    assert not op.keeps_below
