"""Resampling: positions, weights, agreement with SciPy, edges, windows in step with the whole frame."""

import numpy as np
import pytest
from scipy import ndimage

from imfuse_tiles.kernels.interpolation import INTERPOLATIONS, canonical, source_region
from imfuse_tiles.kernels.resample import resample

#: Modules without a test file of their own name.
TESTED_MODULES = ("kernels.interpolation",)

FRAME = (53, 71)
TARGETS = [(27, 36), (53, 71), (106, 142), (16, 21), (1, 1), (80, 5)]


@pytest.fixture(scope="module")
def plane():
    return np.random.default_rng(11).random(FRAME, dtype=np.float32)


def whole(plane, target, interpolation, luma=None):
    return resample(plane, (0, 0), plane.shape, target, (0, target[0], 0, target[1]), interpolation, luma)


def part(plane, target, region, interpolation, luma=None):
    y0, y1, x0, x1 = source_region(region, plane.shape, target, interpolation)
    cut = None if luma is None else luma[y0:y1, x0:x1]
    return resample(plane[y0:y1, x0:x1], (y0, x0), plane.shape, target, region, interpolation, cut)


def line(samples, n, interpolation):
    """One row resampled to n pixels."""
    return whole(np.float32([samples]), (1, n), interpolation)[0].tolist()


def test_nearest_and_integer_take_the_pixel_above_and_below_a_tie():
    assert line([10, 20, 30, 40], 2, "Nearest") == [20, 40]  # positions 0.5 and 2.5
    assert line([10, 20, 30, 40], 2, "Integer") == [10, 30]


def test_bilinear_mixes_by_distance():
    assert line([0, 8], 4, "Bilinear") == [0, 2, 6, 8]  # positions -0.25 0.25 0.75 1.25


def test_averages_weigh_all_their_pixels_alike():
    assert line([0, 8, 16, 24], 2, "Average") == [4, 20]
    assert line([0, 9, 18, 27, 36], 5, "Average9") == pytest.approx([3, 9, 18, 27, 33])
    assert line([0, 8, 16, 24], 2, "Average16") == [6, 18]


def test_blend_keeps_the_outer_quarters_and_halves_the_middle():
    assert line([0, 8], 4, "Blend") == [0, 0, 8, 8]
    assert line([0, 8], 3, "Blend") == [0, 4, 8]  # positions -1/6, 1/2, 7/6


def test_catmull_rom_passes_through_the_pixels_and_the_spline_smooths_them():
    samples = [1, 4, 2, 8, 5, 7]
    assert line(samples, 6, "Catrom") == samples
    smooth = ndimage.correlate1d(np.array(samples, float), [1 / 6, 4 / 6, 1 / 6], mode="nearest")
    assert line(samples, 6, "Spline") == pytest.approx(smooth.tolist())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("interpolation", "order"), [("Bilinear", 1), ("Background", 1), ("Spline", 3)])
def test_bilinear_and_spline_agree_with_scipy(plane, target, interpolation, order):
    rows, columns = ((np.arange(t) + 0.5) * s / t - 0.5 for s, t in zip(FRAME, target, strict=True))
    wide = np.pad(plane.astype(np.float64), 3, mode="edge")
    at = np.meshgrid(rows + 3, columns + 3, indexing="ij")
    expected = ndimage.map_coordinates(wide, at, order=order, prefilter=False)
    np.testing.assert_allclose(whole(plane, target, interpolation), expected, atol=5e-7)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_a_constant_stays_constant(interpolation):
    np.testing.assert_allclose(whole(np.full(FRAME, 0.7, np.float32), (31, 97), interpolation), 0.7, rtol=3e-7)


def test_mesh_follows_the_diagonal_of_less_contrast():
    square = np.float32([[0, 1], [1, 0]])  # both corners of either diagonal are equal
    falling = np.float32([[0, 1], [2, 0]])
    rising = np.float32([[0, 1], [1, 2]])
    four = whole(square, (4, 4), "Mesh", falling)  # the inner pixels lie at fractions 1/4 and 3/4
    assert four[1:3, 1:3].tolist() == [[0, 0.5], [0.5, 0]]
    four = whole(square, (4, 4), "Mesh", rising)
    assert four[1:3, 1:3].tolist() == [[0.5, 1], [1, 0.5]]


def test_mesh_without_luma_looks_at_the_plane_itself(plane):
    assert np.array_equal(whole(plane, (20, 33), "Mesh"), whole(plane, (20, 33), "Mesh", plane))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_any_window_equals_the_crop_of_the_whole(plane, target, interpolation):
    h, w = target
    luma = plane[::-1].copy()
    expected = whole(plane, target, interpolation, luma)
    for y0, y1, x0, x1 in ((0, h, 0, w), (h // 3, h // 3 + 1, 0, w), (0, h, w // 2, w // 2 + 1),
                           (h // 4, h - h // 5, w // 5, w - w // 7)):  # fmt: skip
        tile = part(plane, target, (y0, y1, x0, x1), interpolation, luma)
        assert np.array_equal(tile, expected[y0:y1, x0:x1])


def test_the_source_region_is_tight_and_stays_inside_the_frame():
    assert source_region((0, 5, 0, 10), (100, 100), (50, 50), "Spline") == (0, 11, 0, 21)
    assert source_region((20, 25, 40, 50), (100, 100), (50, 50), "Spline") == (39, 51, 79, 100)
    assert source_region((20, 25, 40, 50), (100, 100), (50, 50), "Nearest") == (41, 50, 81, 100)


def test_positions_of_a_gigantic_frame_are_exact():
    wide = 10**6
    y0, y1, x0, x1 = source_region((0, 1, 333_332, 333_333), (1, wide), (1, wide // 3), "Nearest")
    assert (y0, y1) == (0, 1)
    assert x0 == (2 * 333_332 + 1) * wide // (2 * (wide // 3))  # floor(position + 1/2) in whole numbers
    assert x1 == x0 + 1


def test_misuse_is_refused(plane):
    assert canonical("average4") == "Average"
    assert canonical("CATROM") == "Catrom"
    with pytest.raises(ValueError, match=r"lanczos.*Spline"):
        canonical("lanczos")
    with pytest.raises(ValueError, match="does not cover"):
        resample(plane[5:], (5, 0), FRAME, (27, 36), (0, 10, 0, 36), "Spline")
    with pytest.raises(ValueError, match="does not cover"):
        resample(plane[:9], (0, 0), FRAME, (27, 36), (0, 10, 0, 36), "Spline")
