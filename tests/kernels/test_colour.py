"""Colour spaces: known colours, agreement with other libraries, way there and back, one plane alone, tiles."""

import colorsys

import numpy as np
import pytest
from skimage import color

from imfuse_tiles.kernels import colour, colour_light

#: Modules without a test file of their own name.
TESTED_MODULES = ("kernels.colour_cie", "kernels.colour_hexagon", "kernels.colour_light", "kernels.colour_linear")

RED, GREEN, BLUE, WHITE, BLACK, GREY = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (0, 0, 0), (0.5, 0.5, 0.5))


def pixel(rgb):
    return np.array(rgb, np.float32).reshape(3, 1, 1)


def planes_of(rgb, space):
    return colour.to_space(pixel(rgb), space).ravel()


@pytest.fixture(scope="module")
def picture():
    """Random colours, the corners of the cube and greys."""
    rgb = np.random.default_rng(7).random((3, 61, 47), dtype=np.float32)
    rgb[:, 0, :6] = np.array([RED, GREEN, BLUE, WHITE, BLACK, GREY]).T
    return rgb


@pytest.mark.parametrize(
    ("space", "rgb", "expected"),
    [
        ("HSL", RED, (0, 1, 0.5)),
        ("HSL", GREEN, (1 / 3, 1, 0.5)),
        ("HSL", GREY, (0, 0, 0.5)),
        ("HSL", (1.0, 0.5, 0.5), (0, 1, 0.75)),
        ("HSB", (0.5, 0.25, 0.25), (0, 0.5, 0.5)),
        ("HSV", BLUE, (2 / 3, 1, 1)),
        ("HWB", (0.25, 0.5, 0.75), (7 / 12, 0.25, 0.25)),
        ("HWB", GREY, (-1, 0.5, 0.5)),
        ("HSI", BLUE, (2 / 3, 1, 1 / 3)),
        ("HSI", BLACK, (0, 0, 0)),
        ("HCL", RED, (0, 1, 0.298839)),
        ("CMY", (0.25, 0.5, 1), (0.75, 0.5, 0)),
        ("CMYK", (0.25, 0.5, 0.0), (0.5, 0, 1, 0.5)),
        ("CMYK", BLACK, (0, 0, 0, 1)),
        ("Gray", RED, (0.212656,)),
        ("YCbCr", WHITE, (1, 0.5, 0.5)),
        ("YIQ", RED, (0.298839, 1.095716, 0.711456)),
        ("OHTA", WHITE, (1, 32768 / 65535, 32768 / 65535)),
        ("RGB", GREY, (0.21404114,) * 3),
        ("XYZ", WHITE, (0.95047, 1, 1.08883)),
        ("Lab", WHITE, (1, 0.5, 0.5)),
        ("LCHab", BLUE, (0.32303, 0.5 + 133.81 / 255, 306.285 / 360)),
        ("Luv", RED, (0.53241, (175.01 + 134) / 354, (37.76 + 140) / 262)),
        ("Luv", BLACK, (0, 134 / 354, 140 / 262)),
    ],
)
def test_known_colours_have_their_published_coordinates(space, rgb, expected):
    np.testing.assert_allclose(planes_of(rgb, space), expected, atol=2e-4)


@pytest.mark.parametrize(("space", "function"), [("HSV", colorsys.rgb_to_hsv), ("HSL", colorsys.rgb_to_hls)])
def test_hexagonal_spaces_agree_with_the_standard_library(picture, space, function):
    ours = colour.to_space(picture, space).reshape(3, -1)
    theirs = np.array([function(*map(float, rgb)) for rgb in picture.reshape(3, -1).T]).T
    if space == "HSL":
        theirs = theirs[[0, 2, 1]]
    np.testing.assert_allclose(ours, theirs, atol=2e-6)


@pytest.mark.parametrize(("space", "function"), [("XYZ", color.rgb2xyz), ("Lab", color.rgb2lab)])
def test_cie_spaces_agree_with_scikit_image(picture, space, function):
    ours = colour.to_space(picture, space)
    theirs = np.moveaxis(function(np.moveaxis(picture.astype(np.float64), 0, -1)), -1, 0)
    if space == "Lab":
        theirs = np.stack([theirs[0] / 100, theirs[1] / 255 + 0.5, theirs[2] / 255 + 0.5])
    np.testing.assert_allclose(ours, theirs, atol=3e-4)


@pytest.mark.parametrize("space", [s for s in colour.SPACES if s != "Gray"])
def test_every_space_leads_back_to_the_picture(picture, space):
    # YCbCr and XYZ are defined by rounded constants in both directions, so their way back is not exact
    tolerance = 2e-3 if space in ("XYZ", "Lab", "LCHab", "Luv", "YCbCr") else 2e-6
    again = colour.from_space(colour.to_space(picture, space), space)
    np.testing.assert_allclose(again, picture, atol=tolerance)


def test_grey_comes_back_three_times(picture):
    grey = colour.to_space(picture, "Gray")
    assert np.array_equal(colour.from_space(grey, "Gray"), np.repeat(grey, 3, axis=0))


def test_a_colour_outside_the_gamut_is_lifted_by_its_smallest_part():
    xyz = np.array([0.1, 0.5, 0.1], np.float32).reshape(3, 1, 1)
    matrix = [[3.240969942, -1.537383178, -0.49861076], [-0.969243636, 1.875967502, 0.041555057],
              [0.05563008, -0.203976959, 1.056971514]]  # fmt: skip
    linear = np.array(matrix) @ [0.1, 0.5, 0.1]
    assert linear.min() < 0
    lifted = linear - linear.min()
    coded = np.where(lifted <= 0.0031308, 12.92 * lifted, 1.055 * lifted ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(colour.from_space(xyz, "XYZ").ravel(), coded, atol=1e-6)


def test_hues_outside_the_circle_count_modulo_one_turn():
    planes = np.array([[1.25, -0.75, 0.25], [1, 1, 1], [0.5, 0.5, 0.5]], np.float32).reshape(3, 1, 3)
    rgb = colour.from_space(planes, "HSL")
    assert np.array_equal(rgb[..., 0], rgb[..., 2])
    assert np.array_equal(rgb[..., 1], rgb[..., 2])


@pytest.mark.parametrize("space", colour.SPACES)
def test_one_plane_alone_equals_that_plane_of_the_whole(picture, space):
    whole = colour.to_space(picture, space)
    assert len(whole) == colour.plane_count(space)
    for index in range(len(whole)):
        assert np.array_equal(colour.plane(picture, space, index), whole[index])


@pytest.mark.parametrize("space", colour.SPACES)
def test_a_tile_equals_the_crop_of_the_whole(picture, space):
    whole = colour.to_space(picture, space)
    back = colour.from_space(whole, space)
    for window in (np.s_[:, 3:40, 5:7], np.s_[:, 17:18, :], np.s_[:, 1:54, 2:39], np.s_[:, 60:61, 46:47]):
        tile = colour.to_space(picture[window], space)
        assert np.array_equal(tile, whole[window])
        assert np.array_equal(colour.from_space(tile, space), back[window])


def test_curves_read_from_tables_stay_within_a_millionth_of_the_formula():
    x = np.random.default_rng(1).random((1, 20000), dtype=np.float32)
    exact = x.astype(np.float64)
    light, code = np.empty_like(x), np.empty_like(x)
    colour_light.decode(x, light)
    colour_light.encode(x, code)
    np.testing.assert_allclose(
        light, np.where(exact <= 0.0404482362771, exact / 12.92, ((exact + 0.055) / 1.055) ** 2.4), atol=1.2e-7
    )
    np.testing.assert_allclose(
        code, np.where(exact <= 0.0031306684425, exact * 12.92, 1.055 * exact ** (1 / 2.4) - 0.055), atol=8e-7
    )


def test_values_beyond_the_table_follow_the_formula():
    x = np.array([[-0.25, 1.5, 4.0]], np.float32)
    light = np.empty_like(x)
    colour_light.decode(x, light)
    np.testing.assert_allclose(light[0], [-0.25 / 12.92, (1.555 / 1.055) ** 2.4, (4.055 / 1.055) ** 2.4], rtol=1e-6)


def test_names_are_found_in_any_case():
    assert colour.canonical("hsl") == "HSL"
    assert colour.canonical("SRGB") == "sRGB"
    assert colour.canonical("lchAB") == "LCHab"
    assert [colour.canonical(name) for name in colour.SPACES] == list(colour.SPACES)


def test_unknown_spaces_planes_and_counts_are_refused(picture):
    with pytest.raises(ValueError, match=r"HXX.*HSL"):
        colour.canonical("HXX")
    with pytest.raises(ValueError, match=r"planes 0\.\.2"):
        colour.plane(picture, "HSL", 3)
    with pytest.raises(ValueError, match="4 planes"):
        colour.from_space(picture, "CMYK")


@pytest.mark.parametrize("space", colour.SPACES)
def test_a_pixel_that_is_not_a_number_spoils_no_other(picture, space):
    spoilt = picture.copy()
    spoilt[:, 5, 5] = np.nan
    planes, expected = colour.to_space(spoilt, space), colour.to_space(picture, space)
    back = colour.from_space(planes, space)
    planes[:, 5, 5] = expected[:, 5, 5]
    assert np.array_equal(planes, expected)
    good = colour.from_space(expected, space)
    back[:, 5, 5] = good[:, 5, 5]
    assert np.array_equal(back, good)
