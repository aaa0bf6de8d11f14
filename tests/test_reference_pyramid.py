"""What the fusion by local energy is worth: near the truth, no halos, noise found, depth right."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from focus_scenes import focused, glints
from stacks import frames

from imfuse_tiles.options.focus_pyramid import FocusPyramid
from imfuse_tiles.options.whole_frames.focus_pyramid import WholePyramid

#: Their arithmetic is what the pictures and depths here are made of.
TESTED_MODULES = (
    "options.pyramid_level",
    "kernels.focus_peak",
    "kernels.highlights",
    "options.whole_frames.focus_pyramid",
)


def test_equal_slices_fuse_to_themselves() -> None:
    stack = np.stack([frames(1, shape=(90, 70))[0]] * 4)
    picture = WholePyramid(FocusPyramid(), stack, 65535).pictures[0]
    assert np.abs(picture.astype(int) - stack[0]).max() <= 1


def test_the_fusion_is_nearer_to_the_truth_than_any_slice_or_their_best_pixels() -> None:
    stack, truth, depth = focused(noise=0.01)
    picture = WholePyramid(FocusPyramid(), stack, 65535).pictures[0] / 65535
    best = np.take_along_axis(stack, np.rint(depth).astype(int)[None, None], 0)[0] / 65535
    error = [np.sqrt(np.mean((each - truth) ** 2)) for each in (picture, best)]
    assert error[0] < error[1]


@pytest.mark.parametrize("overshoot", [0, 25])
def test_nothing_appears_that_no_slice_shows(overshoot: int) -> None:
    """Bright spots on a dark background that no slice has in focus: where halos are seen first."""
    spots = np.zeros((120, 160))
    for y, x, radius in ((30, 40, 3), (80, 50, 8), (60, 120, 5)):
        cv2.circle(spots, (x, y), radius, 1.0, -1)
    slices = [np.clip(0.05 + 0.9 * (cv2.GaussianBlur(spots, (0, 0), 3.0 * z) if z else spots), 0, 1) for z in range(5)]
    stack = np.rint(np.stack(slices)[:, None] * 65535).astype(np.uint16)
    picture = WholePyramid(FocusPyramid(overshoot=overshoot), stack, 65535).pictures[0].astype(float)
    least, most = stack.min(axis=0).astype(float), stack.max(axis=0).astype(float)
    room = (most - least) * overshoot / 100 + 1
    assert (picture >= least - room).all()
    assert (picture <= most + room).all()
    assert np.abs(picture - stack[0]).mean() < 0.002 * 65535


@pytest.mark.parametrize("deviation", [0.002, 0.01, 0.03])
def test_noise_is_measured(deviation: float) -> None:
    stack, _, _ = focused(noise=deviation, size=(200, 280))
    smooth = np.rint(np.clip(0.5 + np.random.default_rng(1).normal(0, deviation, stack.shape), 0, 1) * 65535)
    stack[..., :100] = smooth[..., :100]
    found = WholePyramid(FocusPyramid(), stack, 65535).variance ** 0.5
    assert 0.75 * deviation < found < 1.35 * deviation


def test_the_noise_of_nothing_but_steps_is_that_of_the_steps() -> None:
    stack = np.full((3, 3, 70, 70), 100, np.uint8)
    assert WholePyramid(FocusPyramid(), stack, 255).variance == pytest.approx(1 / 255**2 / 12)


def test_depth_lies_between_slices_and_is_sure_where_there_is_detail() -> None:
    stack, _, depth = focused(noise=0.004)
    value, sure = WholePyramid(FocusPyramid(), stack, 65535).depth
    found = len(stack) - 1 - value[0] * len(stack)
    error = np.abs(found - depth)[10:-10, 20:-20]
    assert np.median(error) < 0.2
    assert np.quantile(error, 0.9) < 0.5
    assert np.median(sure) > 0.7


def test_depth_of_a_long_sweep_is_a_small_part_of_it() -> None:
    stack, _, depth = focused(noise=0.01, count=48, blur=0.1)
    value, _ = WholePyramid(FocusPyramid(), stack, 65535).depth
    error = np.abs(len(stack) - 1 - value[0] * len(stack) - depth)[10:-10, 20:-20]
    assert np.median(error) < 0.135  # 0.15 with a parabola through three slices


def test_smooth_places_take_their_depth_from_sure_neighbours() -> None:
    stack, _, depth = focused(noise=0.002, size=(160, 240))
    stack[:, :, 60:90, 100:130] = 30000
    value, sure = WholePyramid(FocusPyramid(), stack, 65535).depth
    found = len(stack) - 1 - value[0] * len(stack)
    hole = (slice(66, 84), slice(106, 124))
    assert np.median(np.abs(found - depth)[hole]) < 1.5
    assert np.median(sure[hole]) < np.median(sure[20:50, 100:130])


def test_clipped_highlights_stay_as_small_as_in_the_slice_in_focus() -> None:
    stack, truth = glints()
    picture = WholePyramid(FocusPyramid(), stack, 65535).pictures[0][0] / 65535
    clipped = truth > 0.7
    assert (picture > 0.7).sum() < 1.4 * clipped.sum()  # 1.7 times if the light around them did not count
    assert np.abs(picture - truth).mean() < 0.002
