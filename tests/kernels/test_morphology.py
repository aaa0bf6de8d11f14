"""Structuring elements, and dilation and erosion against SciPy."""

import numpy as np
import pytest
from scipy import ndimage

from imfuse_tiles.kernels.morphology import DEFAULT_RADIUS, SHAPES, dilate, erode, structuring_element


def plane(height, width, seed=0):
    return np.random.default_rng(seed).random((height, width), dtype=np.float32)


@pytest.mark.parametrize(
    ("shape", "radius", "pixels"),
    [
        ("Octagon", 1, 5),
        ("Octagon", 2, 21),
        ("Diamond", 2, 13),
        ("Square", 3, 49),
        ("Disk", 3, 29),
        ("Disk", 2.5, 21),
        ("Plus", 4, 17),
        ("Cross", 4, 17),
    ],
)
def test_an_element_has_its_known_number_of_pixels(shape, radius, pixels):
    table = structuring_element(shape, radius)
    assert table.dtype == bool
    assert table.shape == (2 * int(radius) + 1,) * 2
    assert table.sum() == pixels


def test_the_smallest_octagon_is_a_plus():
    plus = [[False, True, False], [True, True, True], [False, True, False]]
    assert structuring_element("Octagon", 1).tolist() == plus


@pytest.mark.parametrize("shape", SHAPES)
def test_elements_look_the_same_from_all_four_sides(shape):
    table = structuring_element(shape, 5)
    assert np.array_equal(table, table.T)
    assert np.array_equal(table, table[::-1])


@pytest.mark.parametrize("shape", SHAPES)
def test_a_radius_below_one_means_the_default(shape):
    assert np.array_equal(structuring_element(shape, 0), structuring_element(shape, DEFAULT_RADIUS[shape]))


def test_the_default_disk_holds_the_offsets_up_to_eighteen():
    v, u = np.mgrid[-4:5, -4:5]
    assert np.array_equal(structuring_element("Disk", 0), u * u + v * v <= 18)


def test_an_unknown_shape_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'Star'.*Octagon"):
        structuring_element("Star", 2)


def test_an_empty_element_is_refused():
    with pytest.raises(ValueError, match="at least one pixel"):
        dilate(plane(5, 5), np.zeros((3, 3), bool))


@pytest.mark.parametrize("radius", [1, 2, 4, 7, 12])
@pytest.mark.parametrize("shape", SHAPES)
def test_dilation_and_erosion_equal_those_of_scipy(shape, radius):
    table, window, inside = structuring_element(shape, radius), plane(61, 74), slice(radius, -radius)
    for ours, theirs in ((dilate, ndimage.grey_dilation), (erode, ndimage.grey_erosion)):
        result = ours(window, table)
        assert result.dtype == np.float32
        assert result.flags.c_contiguous
        assert np.array_equal(result, theirs(window, footprint=table)[inside, inside])


@pytest.mark.parametrize("sides", [(1, 1), (2, 2), (1, 6), (5, 2)])
def test_rectangles_of_even_side_begin_at_their_upper_left_pixel(sides):
    window = plane(20, 23)
    views = np.lib.stride_tricks.sliding_window_view(window, sides)
    assert np.array_equal(dilate(window, np.ones(sides, bool)), views.max((2, 3)))
    assert np.array_equal(erode(window, np.ones(sides, bool)), views.min((2, 3)))


def test_a_large_element_of_any_form_is_followed_pixel_by_pixel():
    table = np.random.default_rng(3).random((14, 17)) < 0.6
    window = plane(40, 45)
    views = np.lib.stride_tricks.sliding_window_view(window, table.shape)
    assert np.array_equal(dilate(window, table), views[..., table].max(-1))
    assert np.array_equal(erode(window, table), views[..., table].min(-1))


@pytest.mark.parametrize(("shape", "radius"), [("Octagon", 1), ("Disk", 3), ("Octagon", 9), ("Square", 6)])
def test_a_tile_with_its_halo_gives_the_bits_of_the_whole(shape, radius):
    window, table = plane(120, 131), structuring_element(shape, radius)
    for primitive in (dilate, erode):
        whole = primitive(window, table)
        for y, x, height, width in [(0, 0, 37, 53), (11, 7, 1, 101), (40, 30, 64, 1), (5, 64, 33, 47)]:
            tile = np.ascontiguousarray(window[y : y + height + 2 * radius, x : x + width + 2 * radius])
            assert np.array_equal(primitive(tile, table), whole[y : y + height, x : x + width])
