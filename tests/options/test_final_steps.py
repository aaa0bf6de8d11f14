"""The final steps on small pictures whose answer can be told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from imfuse_tiles.errors import Refusal
from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.options.final_steps import FinalStep, Picture
from imfuse_tiles.options.option_parser import parse_arguments

#: Modules without a test file of their own name.
TESTED_MODULES = ("options.final_blur", "options.final_tone")

RANDOM = np.random.default_rng(3)
COLOURS = RANDOM.random((3, 30, 44), np.float32)
MASK = RANDOM.random((30, 44), np.float32)
MASK[:10, :10] = 0
WHOLE = Region(0, 30, 0, 44)


def picture(colours: np.ndarray = COLOURS, opacity: np.ndarray | float = 1.0, mask: np.ndarray = MASK) -> Picture:
    """A picture of these colours, opacity and mask; its depth has the same opacity."""
    veil = np.broadcast_to(np.asarray(opacity, np.float32), mask.shape)[None]
    depth = np.concatenate([np.full((1, *mask.shape), 0.25, np.float32), veil])
    return Picture(Window.whole(np.concatenate([colours, veil])), Window.whole(mask), Window.whole(depth))


def after(text: str, given: Picture) -> Picture:
    """A picture after a final step, measured whole if it has to be."""
    name, _, argument = text.removeprefix("--").partition("=")
    op: Any = parse_arguments(name, argument or None)
    assert isinstance(op, FinalStep)
    return op.apply(given, op.merge_measurements([op.measure(given, WHOLE)]) if op.needs_measuring else {})


def test_opacity_follows_the_mask() -> None:
    made = after("--finalalpha=p-50,P150", picture())
    np.testing.assert_allclose(made.opacity, np.clip(-0.5 + 2 * MASK, 0, 1), atol=1e-6)
    assert np.array_equal(made.depth.data[1], made.opacity)
    assert np.array_equal(after("--finalalpha=off", picture(opacity=0.3)).opacity, np.ones_like(MASK))


def test_a_threshold_clears_what_is_outside_it() -> None:
    made = after("--finalthreshold=t30,T80", picture())
    kept = (np.float32(0.3) < MASK) & (np.float32(0.8) >= MASK)
    assert np.array_equal(made.opacity, kept.astype(np.float32))
    assert np.array_equal(made.mask.data, np.where(kept, MASK, 0))
    assert np.array_equal(made.depth.data[1], made.opacity)


def test_a_soft_threshold_shows_the_depth_of_all_that_is_kept() -> None:
    """The picture fades at the border; its depth map is opaque where the mask is still above the threshold."""
    made = after("--finalthreshold=t50,s2", picture())
    left = made.mask.data
    assert np.array_equal(left, np.minimum(MASK, made.opacity))
    assert np.array_equal(made.depth.data[1], np.where(left > 0.5, 1, left))


def test_what_is_weak_is_blurred_and_the_rest_is_not() -> None:
    mask = np.zeros((30, 44), np.float32)
    mask[:, 22:] = 1
    made = after("--finalblur=s2,S0,t50", picture(mask=mask))
    assert np.array_equal(made.image.data[:3, :, 22:], COLOURS[:, :, 22:])
    assert made.image.data[:3, :, :10].std() < COLOURS[:, :, :10].std() / 2


def test_a_blur_of_scattered_weak_places_is_the_blur_of_all_where_they_are() -> None:
    mask = np.ones((30, 44), np.float32)
    mask[3:5, 2:4] = mask[28, 40] = 0
    everywhere = after("--finalblur=s1,S0", picture(mask=np.zeros_like(mask))).image.data
    made = after("--finalblur=s1,S0", picture(mask=mask)).image.data
    assert np.array_equal(made, np.where(mask == 0, everywhere, picture().image.data))


def test_what_was_not_painted_is_not_blurred_in() -> None:
    opacity = np.ones((30, 44), np.float32)
    opacity[:, :20] = 0
    colours = np.where(opacity > 0, np.float32(0.6), np.float32(0))[None].repeat(3, 0)
    made = after("--finalblur=s2,S0,t100", picture(colours, opacity)).image.data
    seen = made[-1] > 1e-3
    np.testing.assert_allclose(made[:3][:, seen], 0.6, atol=1e-4)
    assert 0.4 < made[-1, 15, 19] < 0.6


def test_blur_by_the_mask_leaves_flat_things_flat_and_knows_opacity() -> None:
    flat = np.full((3, 30, 44), 0.5, np.float32)
    opacity = np.ones((30, 44), np.float32)
    opacity[:, :20] = 0
    flat[:, :, :20] = 0
    made = after("--finalblur2=r4", picture(flat, opacity))
    seen = made.opacity > 1e-3
    np.testing.assert_allclose(made.image.data[:3][:, seen], 0.5, atol=1e-4)
    assert not made.opacity[:, :4].any()


def test_a_grey_picture_stays_one_plane() -> None:
    for text in ("--finalblur2", "--finalsharpen", "--finalgamma", "--finalblur", "--finalcmd=-auto-level"):
        made = after(text, picture(COLOURS[:1]))
        assert made.image.data.shape[0] == 2, text
        assert made.image.data.dtype == np.float32, text


def test_gamma_lightens_by_its_number() -> None:
    made = after("--finalgamma=2", picture())
    np.testing.assert_allclose(made.image.data[:3], np.sqrt(COLOURS), atol=1e-6)


def test_gamma_by_itself_takes_the_mean_of_colours_and_opacity_to_half() -> None:
    dark = np.full((3, 30, 44), 0.2, np.float32)
    made = after("--finalgamma", picture(dark))
    power = math.log(0.5) / math.log((3 * 0.2 + 1) / 4)
    np.testing.assert_allclose(made.image.data[:3], 0.2**power, rtol=1e-5)
    nothing = picture(np.zeros_like(COLOURS), 0.0)
    assert np.array_equal(after("--finalgamma", nothing).image.data, nothing.image.data)


def test_gamma_is_measured_alike_however_the_picture_is_cut() -> None:
    op: Any = parse_arguments("finalgamma", None)
    parts = [Region(y, min(y + 7, 30), x, min(x + 11, 44)) for y in range(0, 30, 7) for x in range(0, 44, 11)]
    given = picture()
    reports = [op.measure(given, part) for part in parts]
    assert (
        op.merge_measurements(reports)
        == op.merge_measurements(reports[::-1])
        == op.merge_measurements([op.measure(given, WHOLE)])
    )


@pytest.mark.parametrize("text", ["0", "-1", "bright", "1e9", "nan"])
def test_a_gamma_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="--finalgamma"):
        parse_arguments("finalgamma", text)


def test_sharpening_raises_contrast_and_leaves_flat_areas() -> None:
    x = np.mgrid[:30, :44][1]
    soft = (1 / (1 + np.exp(-(x - 22) / 2.0)))[None].repeat(3, 0).astype(np.float32) * 0.5 + 0.25
    made = after("--finalsharpen=s2", picture(soft)).image.data[0]
    assert np.abs(np.diff(made, axis=1)).max() > 1.1 * np.abs(np.diff(soft[0], axis=1)).max()
    np.testing.assert_allclose(made[:, :3], soft[0, :, :3], atol=0.02)


def test_stretching_counts_the_opacity() -> None:
    given = picture(COLOURS * np.float32(0.5) + np.float32(0.25))
    made = after("--finalcmd=-auto-level", given).image.data[:3]
    low = float(given.image.data.min())
    np.testing.assert_allclose(made, (given.image.data[:3] - low) / (1 - low), atol=1e-6)


def test_a_blur_of_the_picture_does_not_mix_in_what_is_clear() -> None:
    opacity = np.ones((30, 44), np.float32)
    opacity[:, :20] = 0
    colours = np.where(opacity > 0, np.float32(0.6), np.float32(0))[None].repeat(3, 0)
    made = after("--finalcmd=-blur 0x2", picture(colours, opacity))
    seen = made.opacity > 1e-3
    np.testing.assert_allclose(made.image.data[:3][:, seen], 0.6, atol=1e-4)
    assert 0.4 < made.opacity[15, 20] < 0.6


def test_what_a_final_step_cut_off_has_still_its_colours_to_blur() -> None:
    mask = np.where(np.arange(44) < 22, np.float32(1), np.float32(0.3)) * np.ones((30, 1), np.float32)
    made = after("--finalblur=s2,S0", after("--finalthreshold=t50", picture(mask=mask)))
    assert np.array_equal(made.opacity, np.ones_like(mask)), "what was cut off comes back, blurred"
    assert made.image.data[:3, :, 30:].std() < COLOURS[:, :, 30:].std() / 2
