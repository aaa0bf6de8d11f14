"""Frames made larger and smaller, and turned: windows are the whole, and known places hold known values."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels import resize, rotate

#: Modules without a test file of their own name.
TESTED_MODULES = ("kernels.rotate",)

FRAME = (37, 53)
PLANES = np.random.default_rng(2).random((2, *FRAME), np.float32)


@pytest.mark.parametrize("target", [(18, 26), (11, 53), (80, 99), (37, 54)])
def test_a_ramp_stays_a_ramp_and_what_is_flat_stays_flat(target: tuple[int, int]) -> None:
    y, x = np.mgrid[: FRAME[0], : FRAME[1]].astype(np.float32)
    flat = np.full(FRAME, np.float32(0.3))
    whole = (0, target[0], 0, target[1])
    kernel = resize.filter_for(FRAME, target, False)
    made = resize.resize(np.stack([x, y, flat]), (0, 0), FRAME, target, whole, kernel)
    inner = np.s_[8:-8, 8:-8] if min(target) > 20 else np.s_[4:-4, 8:-8]
    across = (np.arange(target[1]) + 0.5) * FRAME[1] / target[1] - 0.5
    assert np.abs(made[0] - across)[inner].max() < 0.12  # Lanczos keeps a ramp but nearly
    assert np.abs(made[2] - np.float32(0.3)).max() < 1e-6


def test_smaller_frames_are_made_by_lanczos_and_larger_ones_or_those_with_opacity_by_mitchell() -> None:
    assert resize.filter_for((10, 10), (5, 5), False) == "lanczos"
    assert resize.filter_for((10, 10), (5, 5), True) == "mitchell"
    assert resize.filter_for((10, 10), (20, 6), False) == "mitchell"


def test_a_frame_of_the_same_size_is_the_same() -> None:
    assert np.array_equal(resize.resize(PLANES, (0, 0), FRAME, FRAME, (0, *FRAME[:1], 0, FRAME[1]), "lanczos"), PLANES)


@pytest.mark.parametrize("degrees", [0.0, 30.0, 200.0])
def test_what_is_flat_stays_flat_and_the_frame_keeps_its_area(degrees: float) -> None:
    height, width, _, _ = rotate.canvas(FRAME, degrees)
    planes = np.stack([np.full(FRAME, np.float32(0.3)), np.ones(FRAME, np.float32)])
    turned = rotate.rotate(planes, (0, 0), FRAME, degrees, (0, height, 0, width))
    shown = turned[1] > 1e-3
    assert np.abs(turned[0][shown] - np.float32(0.3)).max() < 1e-6
    assert turned[1, height // 2, width // 2] == 1
    assert abs(float(turned[1].sum()) - FRAME[0] * FRAME[1]) < 0.02 * FRAME[0] * FRAME[1]


def test_a_canvas_holds_the_whole_frame() -> None:
    assert rotate.canvas((180, 240), 5)[:2] == (202, 256)
    assert rotate.canvas((180, 240), 45)[:2] == (298, 298)


def test_regions_outside_the_frame_still_need_one_of_its_pixels() -> None:
    y0, y1, x0, x1 = rotate.source_region((0, 5, 0, 5), FRAME, 30)
    assert 0 <= y0 < y1 <= FRAME[0]
    assert 0 <= x0 < x1 <= FRAME[1]


def test_what_the_lobes_of_the_kernel_leave_nothing_of_lies_on_straight_lines() -> None:
    planes = np.zeros((2, 9, 9), np.float32)
    planes[:, 4, 4] = 0.6, 1
    turned = rotate.rotate(planes, (0, 0), (9, 9), 45, (0, 15, 0, 15))
    seen = turned[1] > 0
    assert turned[0][seen] == pytest.approx(0.6, abs=1e-6)
    assert seen.sum() == 5  # the pixel and its four neighbours, of which none is further than a pixel away


@pytest.mark.parametrize(("target", "order"), [((80, 99), "yx"), ((18, 26), "xy"), ((37, 54), "xy"), ((74, 106), "yx")])
def test_one_axis_after_the_other_is_both(target: tuple[int, int], order: str) -> None:
    kernel, planes, size, region = "mitchell", PLANES, FRAME, (5, 15, 3, 21)
    assert resize.axes_in_turn(FRAME, target) == order
    for axis in order:
        wanted = (target[0], size[1]) if axis == "y" else (size[0], target[1])
        planes = resize.resize(planes, (0, 0), size, wanted, (0, wanted[0], 0, wanted[1]), kernel, axis)
        size = wanted
    both = resize.resize(PLANES, (0, 0), FRAME, target, region, kernel)
    assert np.allclose(planes[:, 5:15, 3:21], both, atol=1e-6)
