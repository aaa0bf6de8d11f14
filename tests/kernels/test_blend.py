"""Compose modes: values by hand, colour modes, grey planes, in place, tiles."""

import math

import numpy as np
import pytest

from imfuse_tiles.kernels import blend, colour
from imfuse_tiles.kernels.blend import MODES, canonical

#: Modules without a test file of their own name.
TESTED_MODULES = ("kernels.blend_colour",)


def one(mode, d, s):
    return float(blend.blend(mode, np.float32([[d]]), np.float32([[s]]))[0, 0])


@pytest.fixture(scope="module")
def pair():
    """Two pictures (3, y, x) with the ends 0 and 1 in every combination."""
    d, s = np.random.default_rng(3).random((2, 3, 43, 29), dtype=np.float32)
    d[:, 0, :3], s[:, 0, :3] = (0, 0.5, 1), 0
    d[:, 1, :3], s[:, 1, :3] = (0, 0.5, 1), 1
    return d, s


@pytest.mark.parametrize(
    ("mode", "d", "s", "expected"),
    [
        ("Screen", 0.25, 0.5, 0.625),
        ("Lighten", 0.25, 0.5, 0.5),
        ("Darken", 0.25, 0.5, 0.25),
        ("Multiply", 0.25, 0.5, 0.125),
        ("Plus", 0.75, 0.5, 1),
        ("Blend", 0.25, 0.5, 0.75),
        ("Overlay", 0.25, 0.5, 0.25),
        ("Overlay", 0.75, 0.25, 0.625),
        ("HardLight", 0.25, 0.75, 0.625),
        ("HardLight", 0.25, 0.5, 0.25),
        ("SoftLight", 0.25, 0.25, 0.15625),
        ("SoftLight", 0.49, 0.75, 0.595),
        ("PegtopLight", 0.25, 0.75, 0.375),
        ("Difference", 0.25, 0.75, 0.5),
        ("Exclusion", 0.25, 0.75, 0.625),
        ("Interpolate", 1 / 3, 0.5, 0.375),
        ("ColorDodge", 0.25, 0.5, 0.5),
        ("ColorDodge", 0.25, 1, 1),
        ("ColorDodge", 0, 1, 0),
        ("ColorBurn", 0.75, 0.5, 0.5),
        ("ColorBurn", 1, 0, 0),
        ("LinearDodge", 0.25, 0.5, 0.75),
        ("LinearBurn", 0.75, 0.5, 0.25),
        ("LinearLight", 0.5, 0.5, 0.5),
        ("PinLight", 0.75, 0.25, 0.5),
        ("PinLight", 0.25, 0.75, 0.5),
        ("VividLight", 0.75, 0.25, 0.5),
        ("VividLight", 0.25, 0.75, 0.5),
        ("VividLight", 0.25, 0, 0),
        ("VividLight", 0.25, 1, 1),
        ("HardMix", 0.25, 0.75, 1),
        ("HardMix", 0.25, 0.5, 0),
        ("SoftBurn", 0, 0.5, 0),
        ("SoftBurn", 0.75, 0.5, 0.5),
        ("SoftBurn", 0.75, 1, 1),
        ("SoftBurn", 1, 0, 1),
        ("SoftDodge", 0, 1, 0),
        ("SoftDodge", 0.25, 0.5, 0.5),
        ("SoftDodge", 0.25, 0, 0.25),
        ("SoftDodge", 1, 0.5, 1),
        ("Reflect", 0.5, 0.5, 0.5),
        ("Reflect", 1, 0, 1),
        ("Freeze", 0.5, 0.5, 0.5),
        ("Freeze", 0, 0.5, 0),
        ("Stamp", 0.75, 0.5, 0.25),
        ("Negate", 0.25, 0.5, 0.75),
        ("MinusSrc", 0.75, 0.5, 0.25),
        ("MinusDst", 0.25, 0.75, 0.5),
        ("DivideSrc", 0.25, 0.5, 0.5),
        ("DivideSrc", 0, 0, 0),
        ("DivideSrc", 0.25, 0, 1),
        ("DivideDst", 0.5, 0.25, 0.5),
        ("DivideDst", 0, 0.25, 0.25),
        ("ModulusAdd", 0.75, 0.5, 0.25),
        ("Over", 0.25, 0.5, 0.5),
        ("DstOver", 0.25, 0.5, 0.25),
        ("None", 0.25, 0.5, 0.25),
        ("Modulate", 0.25, 0.75, 0.25 + 16383 / 32768),
        ("Bumpmap", 0.5, 0.25, 0.125),
        ("RMSE", 0.25, 0.5, 0.25 * math.sqrt(7 / 3)),
        ("LightenIntensity", 0.25, 0.5, 0.5),
        ("DarkenIntensity", 0.25, 0.5, 0.25),
        ("Colorize", 0.25, 0.5, 0.25),
        ("Luminize", 0.25, 0.5, 0.5),
    ],
)
def test_each_mode_gives_the_value_computed_by_hand(mode, d, s, expected):
    assert one(mode, d, s) == pytest.approx(expected, abs=3e-7)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_stays_in_range_even_at_the_ends(pair, mode):
    result = blend.blend(mode, *pair)
    assert result.shape == pair[0].shape
    assert result.dtype == np.float32
    assert result.min() >= 0
    assert result.max() <= 1


def test_interpolate_follows_the_cosine_to_the_last_bits():
    x = np.linspace(0, 1, 2001, dtype=np.float32)[np.newaxis]
    expected = 0.5 - 0.25 * np.cos(np.pi * x.astype(np.float64)) - 0.25 * np.cos(np.pi * 0.5)
    np.testing.assert_allclose(blend.blend("Interpolate", x, np.full_like(x, 0.5)), expected, atol=2e-7)


@pytest.mark.parametrize(
    ("mode", "parts"),
    [("Colorize", "ssd"), ("Luminize", "dds"), ("Hue", "sdd"), ("Saturate", "dsd")],
)
def test_colour_modes_exchange_hue_chroma_and_luma(pair, mode, parts):
    d, s = (0.25 + 0.5 * picture for picture in pair)  # away from the ends, where clamping would hide the exchange
    source = {"d": colour.to_space(d, "HCL"), "s": colour.to_space(s, "HCL")}
    mixed = np.stack([source[part][k] for k, part in enumerate(parts)])
    expected = np.clip(colour.from_space(mixed, "HCL"), 0, 1)
    np.testing.assert_allclose(blend.blend(mode, d, s), expected, atol=1e-6)


def test_intensity_modes_take_whole_pixels(pair):
    lighter, darker = blend.blend("LightenIntensity", *pair), blend.blend("DarkenIntensity", *pair)
    weights = np.float32([0.212656, 0.715158, 0.072186]).reshape(3, 1, 1)
    first = (pair[0] * weights).sum(0) > (pair[1] * weights).sum(0)
    assert np.array_equal(lighter, np.where(first, *pair))
    assert np.array_equal(darker, np.where(first, pair[1], pair[0]))


def test_rmse_divides_only_the_blue_square():
    d, s = np.zeros((3, 1, 1), np.float32), np.float32([0.2, 0.4, 0.6]).reshape(3, 1, 1)
    np.testing.assert_allclose(blend.blend("RMSE", d, s).ravel(), [math.sqrt(0.04 + 0.16 + 0.12)] * 3, rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_a_tile_equals_the_crop_of_the_whole(pair, mode):
    d, s = (np.tile(picture, (1, 5, 9)) for picture in pair)  # larger than the blocks of the computation
    whole = blend.blend(mode, d, s)
    for window in (np.s_[:, 3:40, 5:58], np.s_[:, 17:18, :], np.s_[:, 2:3, 4:5]):
        assert np.array_equal(blend.blend(mode, d[window], s[window]), whole[window])


@pytest.mark.parametrize("mode", ["Screen", "Overlay", "Colorize", "Src"])
def test_a_blend_can_be_written_over_its_operand(pair, mode):
    expected, dst = blend.blend(mode, *pair), pair[0].copy()
    assert blend.blend(mode, dst, pair[1], out=dst) is dst
    assert np.array_equal(dst, expected)


def test_a_mask_is_blended_as_grey(pair):
    plane = blend.blend("Modulate", pair[0][0], pair[1][0])
    picture = blend.blend("Modulate", *(np.repeat(p[:1], 3, axis=0) for p in pair))
    np.testing.assert_allclose(picture[1], plane, atol=4e-5)  # weights of grey sum to 1 within a rounding step


def test_bad_names_and_shapes_are_refused(pair):
    assert canonical("colordodge") == "ColorDodge"
    with pytest.raises(ValueError, match=r"Overley.*Overlay"):
        canonical("Overley")
    with pytest.raises(ValueError, match="shapes"):
        blend.blend("Screen", pair[0], pair[1][:2])
    with pytest.raises(ValueError, match="contiguous"):
        blend.blend("Screen", *pair, out=np.empty((43, 29, 3), np.float32).transpose(2, 0, 1))
