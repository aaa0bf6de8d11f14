"""The wavelet softens as its definition says, tile by tile as in one piece."""

import numpy as np
import pytest
from scipy import ndimage

from imfuse_tiles.kernels.wavelet import LEVELS, NOISE, halo, levels_for, residue, soften, thresholds_for

WINDOWS = [(0, 0, 1, 1), (5, 3, 1, 90), (0, 17, 70, 1), (11, 2, 37, 53), (64, 40, 6, 61), (0, 0, 70, 101)]


def picture(height, width, planes=1, seed=0):
    """Smooth hills and noise, 0..1."""
    noise = np.random.default_rng(seed).random((planes, height, width))
    hills = ndimage.gaussian_filter(noise, (0, 6, 6), mode="mirror")
    hills = (hills - hills.min()) / (hills.max() - hills.min() or 1)
    return (0.7 * hills + 0.3 * noise).astype(np.float32)


def definition(plane, thresholds):
    """Level by level in float64, mirroring at every level."""
    rest, kept = plane.astype(np.float64), 0
    for level, threshold in enumerate(thresholds):
        hat = np.zeros(2 ** (level + 1) + 1)
        hat[[0, -1]], hat[2**level] = 0.25, 0.5
        low = ndimage.correlate1d(ndimage.correlate1d(rest, hat, 1, mode="mirror"), hat, 0, mode="mirror")
        detail = rest - low
        kept = kept + np.sign(detail) * np.maximum(np.abs(detail) - threshold, 0)
        rest = low
    return kept + rest


def mirrored(plane, levels=LEVELS):
    return np.pad(plane, halo(levels), mode="reflect")


@pytest.mark.parametrize("percent", [0, 5, 20, 100])
def test_softening_once_padded_equals_mirroring_at_every_level(percent):
    plane = picture(97, 120)[0]
    thresholds = thresholds_for(percent)
    got = soften(mirrored(plane), thresholds)
    assert got.dtype == np.float32
    assert np.abs(got - definition(plane, thresholds)).max() < 1e-6


@pytest.mark.parametrize(("size", "levels"), [((40, 17), 5), ((16, 40), 4), ((6, 9), 3), ((3, 3), 2)])
def test_tiny_frames_get_fewer_levels_and_still_follow_the_definition(size, levels):
    assert levels_for(*size) == levels
    plane = picture(*size)[0]
    thresholds = thresholds_for(20, levels)
    got = soften(mirrored(plane, levels), thresholds)
    assert np.abs(got - definition(plane, thresholds)).max() < 1e-6


def test_the_widest_hat_stays_smaller_than_the_frame():
    assert [levels_for(n, 1000) for n in (1, 2, 3, 4, 5, 8, 9, 16, 17, 1000)] == [
        0,
        1,
        2,
        2,
        3,
        3,
        4,
        4,
        5,
        5,
    ]
    assert [halo(n) for n in range(6)] == [0, 1, 3, 7, 15, 31]


def test_thresholds_are_a_share_of_the_noise_of_each_level():
    assert np.array_equal(thresholds_for(50, 3), np.float32([0.4001, 0.13675, 0.0601]))
    assert thresholds_for(100).tolist() == np.float32(NOISE).tolist()


def test_nothing_is_softened_without_levels_or_without_strength():
    plane = picture(80, 75)[0]
    assert np.array_equal(soften(plane, np.zeros(0, np.float32)), plane)
    assert np.array_equal(soften(plane, thresholds_for(0)), plane[31:-31, 31:-31])


def test_a_flat_plane_stays_flat_to_the_last_bit():
    flat = np.full((70, 66), 1 / 3, np.float32)
    assert np.all(soften(flat, thresholds_for(5)) == np.float32(1 / 3))


def test_a_huge_threshold_leaves_the_last_smooth_plane():
    plane = picture(90, 90)[0]
    smooth = plane.astype(np.float64)
    for level in range(LEVELS):
        hat = np.zeros(2 ** (level + 1) + 1)
        hat[[0, -1]], hat[2**level] = 0.25, 0.5
        smooth = ndimage.correlate1d(ndimage.correlate1d(smooth, hat, 0, mode="mirror"), hat, 1, mode="mirror")
    assert np.abs(soften(mirrored(plane), np.full(5, 9, np.float32)) - smooth).max() < 1e-6


@pytest.mark.parametrize("planes", [1, 2, 3, 4])
def test_the_residue_is_bit_equal_to_composing_it_plane_by_plane(planes):
    stack = picture(110, 101, planes)
    thresholds = thresholds_for(30)
    one = np.float32(1)
    changes = [np.minimum(np.abs(soften(p, thresholds) - p[31:-31, 31:-31]), one) for p in stack]
    if planes == 1:
        changes *= 3
    total = changes[0]
    for change in changes[1:]:
        total = total + change
    assert np.array_equal(residue(stack, thresholds), total * np.float32(0.25))


def test_a_residue_beyond_one_is_cut():
    spike = np.zeros((1, 63, 63), np.float32)
    spike[0, 31, 31] = 8
    assert residue(spike, np.full(5, 9, np.float32))[0, 0] == np.float32(0.75)


@pytest.mark.parametrize(("y", "x", "h", "w"), WINDOWS)
def test_tiles_equal_the_crop_of_the_whole(y, x, h, w):
    stack = picture(70 + 62, 101 + 62, 3)
    thresholds = thresholds_for(5)
    window = np.ascontiguousarray(stack[:, y : y + h + 62, x : x + w + 62])
    assert np.array_equal(residue(window, thresholds), residue(stack, thresholds)[y : y + h, x : x + w])
    assert np.array_equal(soften(window[1], thresholds), soften(stack[1], thresholds)[y : y + h, x : x + w])


@pytest.mark.parametrize("margins", [(31, 31, 31, 31), (31, 0, 0, 0), (0, 31, 0, 31), (0, 0, 31, 0), (31, 31, 0, 31)])
@pytest.mark.parametrize("size", [(70, 101), (34, 33)])
def test_margins_are_mirrored_as_if_padded_before(size, margins):
    above, below, left, right = margins
    thresholds = thresholds_for(5)
    planes = picture(*(length + 62 - pair for length, pair in zip(size, (above + below, left + right), strict=True)), 3)
    padded = np.pad(planes, ((0, 0), (above, below), (left, right)), mode="reflect")
    assert np.array_equal(residue(planes, thresholds, margins), residue(padded, thresholds))
    assert np.array_equal(soften(planes[1], thresholds, margins), soften(padded[1], thresholds))


def test_margins_wider_than_a_tiny_frame_are_mirrored_again_and_again():
    for size in ((3, 2), (5, 9), (1, 4)):
        planes, thresholds = picture(*size), thresholds_for(20, 3)
        padded = np.pad(planes[0], 7, mode="reflect")
        assert np.array_equal(soften(planes[0], thresholds, (7, 7, 7, 7)), soften(padded, thresholds))


def test_a_plane_smaller_than_its_halo_is_refused():
    with pytest.raises(ValueError, match="negative"):
        soften(np.zeros((61, 90), np.float32), thresholds_for(5))


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("margins", [(0, 0, 0, 0), (31, 0, 5, 31)])
def test_the_residue_of_codes_is_that_of_the_samples_they_stand_for(kind, margins):
    full = np.iinfo(kind).max
    codes = (picture(90, 100, 3) * full).clip(0, full).astype(kind)
    thresholds = thresholds_for(20)
    plain = codes.astype(np.float32) / np.float32(full)
    assert np.array_equal(residue(codes, thresholds, margins), residue(plain, thresholds, margins))
