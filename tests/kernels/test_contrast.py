"""Kernel tables, edge detectors and comets against plain NumPy and SciPy, tile by tile."""

import numpy as np
import pytest
from scipy import ndimage

from imfuse_tiles.kernels import contrast
from imfuse_tiles.kernels.contrast import (
    biased,
    comet,
    comet_copies,
    comet_length,
    comet_taps,
    dog_kernel,
    edge_bank,
    edges,
    halo,
    laplacian,
    laplacian_kernel,
    log_kernel,
    normalised,
    responses,
    surround_kernel,
)

NAMES = ("sobel", "prewitt", "freichen", "roberts", "kirsch", "compass")
SIZES = [(1, 1), (1, 60), (29, 1), (37, 53), (8, 16), (13, 7), (40, 81), (5, 33)]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def convolved(plane, kernel):
    wide = ndimage.convolve(plane.astype(np.float64), np.asarray(kernel, np.float64))
    ry, rx = kernel.shape[0] // 2, kernel.shape[1] // 2
    return wide[ry : wide.shape[0] - ry, rx : wide.shape[1] - rx]


def assert_tiles_equal_the_whole(function, margin):
    """Random windows of the sizes above give the crop of the whole, bit by bit (last two axes)."""
    plane = noise(70 + 2 * margin, 103 + 2 * margin, seed=8)
    whole = function(plane)
    rng = np.random.default_rng(9)
    for h, w in SIZES:
        y, x = rng.integers(0, 70 - h + 1), rng.integers(0, 103 - w + 1)
        window = np.ascontiguousarray(plane[y : y + h + 2 * margin, x : x + w + 2 * margin])
        assert np.array_equal(function(window), whole[..., y : y + h, x : x + w])


def test_the_bias_carries_the_65536th_step():
    assert contrast.bias(50) == np.float32(0.5 * 65536 / 65535)
    assert contrast.bias(10) == np.float32(0.1 * 65536 / 65535)


def test_normalising_divides_by_the_sum_or_by_the_positive_entries():
    assert np.array_equal(normalised([[1, 2], [1, 4]]), np.array([[1, 2], [1, 4]]) / 8)
    assert np.array_equal(normalised([[1, -3], [0, 0]]), np.array([[1, -3], [0, 0]]) / 2)
    assert np.array_equal(normalised([[1, 3, -4]]), np.array([[1, 3, -4]]) / 4)


def test_laplacians_have_their_sizes_and_symmetries():
    assert {n: halo(laplacian_kernel(n)) for n in contrast.LAPLACIANS} == {
        0: 1, 1: 1, 2: 1, 3: 1, 5: 2, 7: 3, 15: 2, 19: 4,
    }  # fmt: skip
    for n in contrast.LAPLACIANS:
        kernel = laplacian_kernel(n)
        assert np.array_equal(kernel, kernel[::-1])
        assert np.array_equal(kernel, kernel.T)
        assert kernel[kernel > 0].sum() == pytest.approx(1)
    assert np.array_equal(laplacian_kernel(4), laplacian_kernel(0))
    assert np.array_equal(laplacian_kernel(0), np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]) / 8)
    assert np.array_equal(laplacian_kernel(3), np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]]) / 8)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 7, 15, 19])
def test_a_laplacian_is_grey_plus_the_convolution(n):
    plane, kernel = noise(40, 51), laplacian_kernel(n)
    got = laplacian(plane, n)
    assert got.dtype == np.float32
    assert np.abs(got - (0.5 * 65536 / 65535 + convolved(plane, kernel))).max() < 1e-6


def test_a_flat_plane_answers_with_the_bias():
    flat = np.full((70, 70), 0.75, np.float32)
    for kernel in (
        dog_kernel(1, 3),
        log_kernel(1),
        log_kernel(0.2),
        laplacian_kernel(19),
        surround_kernel(2),
    ):
        assert np.abs(biased(flat, kernel) - contrast.bias(50)).max() < 1e-6


def test_gaussian_contrast_kernels_are_balanced_and_sized_by_the_wider_sigma():
    assert dog_kernel(0.3, 0.48).shape == (5, 5)
    assert dog_kernel(1, 3).shape == (23, 23)
    assert dog_kernel(1, 3, 4).shape == (9, 9)
    assert log_kernel(0.2).shape == (3, 3)
    assert log_kernel(1).shape == (9, 9)
    for kernel in (dog_kernel(0.3, 0.48), dog_kernel(1, 3), log_kernel(0.2), log_kernel(5)):
        assert kernel[kernel > 0].sum() == pytest.approx(1)
        assert kernel[kernel < 0].sum() == pytest.approx(-1)
        assert kernel.max() == kernel[halo(kernel), halo(kernel)]


def test_the_dog_is_close_to_the_difference_of_two_blurs():
    plane = ndimage.gaussian_filter(noise(120, 120), 1)
    blurs = [ndimage.gaussian_filter(plane.astype(np.float64), s, truncate=8) for s in (2, 3.2)]
    weight = np.exp(-(np.mgrid[-30:31, -30:31] ** 2).sum(0) / 8) / (8 * np.pi)
    weight -= np.exp(-(np.mgrid[-30:31, -30:31] ** 2).sum(0) / 20.48) / (20.48 * np.pi)
    kernel = dog_kernel(2, 3.2)
    margin = halo(kernel)
    expected = (blurs[0] - blurs[1])[margin:-margin, margin:-margin] / weight[weight > 0].sum()
    assert np.abs(biased(plane, kernel) - 0.5 - expected)[20:-20, 20:-20].max() < 1e-3


def test_the_surround_kernel_compares_a_pixel_with_its_square():
    assert np.array_equal(surround_kernel(1), [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    assert surround_kernel(2)[2, 2] == 24
    assert surround_kernel(3).sum() == 0


def test_banks_turn_their_kernel_through_all_directions():
    sobel = edge_bank("sobel")
    assert sobel.shape == (4, 3, 3)
    assert np.array_equal(sobel[0] * 4, [[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    assert np.array_equal(sobel[1] * 4, [[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
    assert np.array_equal(sobel[2], -sobel[0])
    roberts = edge_bank("roberts")
    assert roberts.shape == (8, 3, 3)
    assert np.array_equal(roberts[1], [[1, 0, 0], [0, -1, 0], [0, 0, 0]])
    assert np.all(roberts[:, 1, 1] == -1)
    assert np.array_equal(roberts.sum(0), [[1, 1, 1], [1, -8, 1], [1, 1, 1]])
    assert edge_bank("kirsch")[0, 0].tolist() == np.float32([1 / 6, -0.1, -0.1]).tolist()
    assert edge_bank("compass")[0, 1].tolist() == np.float32([0.1, -0.2, -0.1]).tolist()


def test_freichen_knows_two_forms_and_takes_any_other_number_for_the_first():
    assert np.array_equal(edge_bank("freichen", -1), edge_bank("freichen", 0))
    assert np.array_equal(edge_bank("freichen", 1), edge_bank("freichen", 0))
    root = 2**0.5
    expected = np.array([[1, root, 0], [root, 0, -root], [0, -root, -1]]) / (1 + 2 * root)
    assert edge_bank("freichen", 2)[0] == pytest.approx(expected, abs=1e-7)


def test_an_unknown_detector_or_way_of_joining_is_refused():
    with pytest.raises(ValueError, match="canny"):
        edge_bank("canny")
    with pytest.raises(KeyError):
        edges(noise(5, 5), edge_bank("sobel"), 10, "plus")


@pytest.mark.parametrize("name", NAMES)
def test_responses_are_clamped_biased_convolutions(name):
    plane, bank = noise(40, 51), edge_bank(name)
    expected = [np.clip(0.1 * 65536 / 65535 + convolved(plane, kernel), 0, 1) for kernel in bank]
    got = responses(plane, bank, 10)
    assert got.shape == (len(bank), 38, 49)
    assert np.abs(got - expected).max() < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_edges_join_the_responses(name):
    plane, bank = noise(40, 51), edge_bank(name)
    each = responses(plane, bank, 50)
    rest = 1 - each[0]
    for response in each[1:]:
        rest *= 1 - response
    assert np.array_equal(edges(plane, bank, 50), 1 - rest)
    assert np.array_equal(edges(plane, bank, 50, "lighten"), each.max(0))
    assert np.array_equal(edges(plane, bank, 50, "darken"), each.min(0))


def test_a_step_is_an_edge_and_a_plain_is_the_joined_bias():
    step = np.zeros((9, 12), np.float32)
    step[:, 6:] = 0.8
    got = edges(step, edge_bank("sobel"), 10)
    assert got[:, 0] == pytest.approx(1 - 0.9**4, abs=1e-5)
    assert got[:, 4:6] == pytest.approx(1 - 0.9**2 * 0.1, abs=1e-5)


def test_a_comet_tail_is_half_a_blur():
    taps = comet_taps(5)
    assert taps.size == comet_length(5) == 21
    assert comet_taps(5, 7).size == comet_length(5, 7) == 7
    assert taps.sum() == pytest.approx(1, abs=1e-6)
    assert np.all(np.diff(taps) < 0)
    weights = np.exp(-(np.arange(63) ** 2) / 450)
    assert taps == pytest.approx(weights.reshape(21, 3).sum(1) / weights.sum(), abs=1e-7)


@pytest.mark.parametrize("length", [1, 2, 5, 9, 21])
def test_comets_smear_right_down_left_and_up(length):
    taps = comet_taps(length / 2, length)
    margin = length - 1
    plane = noise(30 + 2 * margin, 41 + 2 * margin)
    rows, cols = slice(margin, margin + 30), slice(margin, margin + 41)
    expected = np.zeros((4, 30, 41))
    for i, tap in enumerate(taps.astype(np.float64)):
        for direction, (dy, dx) in enumerate([(0, -i), (-i, 0), (0, i), (i, 0)]):
            moved = plane[rows.start + dy : rows.stop + dy, cols.start + dx : cols.stop + dx]
            expected[direction] += tap * moved
    got = comet_copies(plane, taps)
    assert np.abs(got - expected).max() < 1e-6
    assert np.array_equal(comet(plane, taps), got.max(0))
    assert np.array_equal(comet(plane, taps, "darken"), got.min(0))
    assert np.abs(comet(plane, taps, "screen") - (1 - np.prod(1 - got, axis=0))).max() < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_edges_in_tiles_equal_the_crop_of_the_whole(name):
    bank = edge_bank(name)
    for mode in contrast.MODES:
        assert_tiles_equal_the_whole(lambda plane, mode=mode: edges(plane, bank, 10, mode), 1)
    assert_tiles_equal_the_whole(lambda plane: responses(plane, bank, 50), 1)


@pytest.mark.parametrize("n", [0, 3, 5, 7, 19])
def test_laplacians_in_tiles_equal_the_crop_of_the_whole(n):
    assert_tiles_equal_the_whole(lambda plane: laplacian(plane, n), halo(laplacian_kernel(n)))


def test_gaussian_contrast_in_tiles_equals_the_crop_of_the_whole():
    for kernel in (dog_kernel(0.3, 0.48), dog_kernel(1, 3), log_kernel(1)):
        assert_tiles_equal_the_whole(lambda plane, kernel=kernel: biased(plane, kernel), halo(kernel))


@pytest.mark.parametrize("length", [1, 4, 7, 21])
def test_comets_in_tiles_equal_the_crop_of_the_whole(length):
    taps = comet_taps(length / 2, length)
    for mode in contrast.MODES:
        assert_tiles_equal_the_whole(lambda plane, mode=mode: comet(plane, taps, mode), length - 1)
    assert_tiles_equal_the_whole(lambda plane: comet_copies(plane, taps), length - 1)
