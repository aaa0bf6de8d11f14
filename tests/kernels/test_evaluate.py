"""Reductions over the stack: exact sums, order, median of whole pixels, tiles."""

import numpy as np
import pytest

from imfuse_tiles.kernels import evaluate
from imfuse_tiles.kernels.evaluate import Evaluation, canonical, median, to_unit_range

TYPES = [np.uint8, np.uint16, np.float32]


def stack_of(dtype, n=7, shape=(3, 23, 31)):
    values = np.random.default_rng(5).random((n, *shape))
    return (values * evaluate.full_scale(dtype)).astype(dtype)


def evaluated(mode, stack):
    evaluation = Evaluation(mode)
    for picture in stack:
        evaluation.add(picture)
    return evaluation.result()


@pytest.mark.parametrize("dtype", TYPES)
def test_reductions_equal_numpy_over_the_whole_stack(dtype):
    stack = stack_of(dtype)
    values = stack.astype(np.float64) / evaluate.full_scale(dtype)
    assert np.array_equal(evaluated("Max", stack), to_unit_range(stack.max(0)))
    assert np.array_equal(evaluated("Min", stack), to_unit_range(stack.min(0)))
    np.testing.assert_allclose(evaluated("Mean", stack), values.mean(0), rtol=6e-8)
    np.testing.assert_allclose(evaluated("RMS", stack), np.sqrt((values**2).mean(0)), rtol=6e-8)
    for mode in ("Sum", "Add", "Abs"):
        np.testing.assert_allclose(evaluated(mode, stack), values.sum(0), rtol=6e-8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integer_means_are_exact_and_know_no_order(dtype):
    stack = stack_of(dtype)
    exact = (stack.sum(0, dtype=np.int64) / (7 * evaluate.full_scale(dtype))).astype(np.float32)
    assert np.array_equal(evaluated("Mean", stack), exact)
    assert np.array_equal(evaluated("Mean", stack[::-1]), exact)


def test_the_mean_of_equal_pictures_is_that_picture():
    picture = stack_of(np.uint16, 1)[0]
    assert np.array_equal(evaluated("Mean", [picture] * 9), to_unit_range(picture))


def test_codes_become_the_nearest_float_of_code_over_full_scale():
    codes = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(to_unit_range(codes), (codes / 65535).astype(np.float32))
    assert to_unit_range(np.uint8([255]))[0] == 1


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n", [1, 2, 6, 7, 40])
def test_the_median_is_the_whole_pixel_of_middle_sum(dtype, n):
    stack = stack_of(dtype, n)
    sums = stack.astype(np.int64).sum(1) if dtype != np.float32 else (stack[:, 0] + stack[:, 1]) + stack[:, 2]
    middle = np.argsort(sums, axis=0, kind="stable")[n // 2]
    expected = np.take_along_axis(stack, middle[np.newaxis, np.newaxis], axis=0)[0]
    assert np.array_equal(median(stack), to_unit_range(expected))


def test_equal_sums_rank_in_the_order_of_the_pictures():
    colours = np.uint8([[3, 0, 0], [0, 9, 0], [0, 3, 0], [0, 0, 3], [1, 1, 1]])  # sums 3 9 3 3 3: rank 2 is the fourth
    assert (median(colours.reshape(5, 3, 1, 1)).ravel() * 255).tolist() == pytest.approx([0, 0, 3])


def test_negative_and_zero_floats_rank_by_value():
    grey = np.float32([-0.5, 0.25, -0.0, 0.0, -0.25])
    stack = np.repeat(grey, 3).reshape(5, 3, 1, 1)
    assert median(stack).ravel().tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", TYPES)
def test_a_tile_equals_the_crop_of_the_whole(dtype):
    stack = stack_of(dtype, 5, (3, 47, 61))
    for window in (np.s_[..., 3:40, 5:58], np.s_[..., 17:18, :], np.s_[..., 46:47, 60:61]):
        assert np.array_equal(median(stack[window]), median(stack)[window])
        for mode in ("Max", "Min", "Mean", "RMS", "Sum"):
            assert np.array_equal(evaluated(mode, stack[window]), evaluated(mode, stack)[window])


def test_misuse_is_refused():
    assert canonical("rms") == "RMS"
    with pytest.raises(ValueError, match=r"Kurtosis.*Median"):
        canonical("Kurtosis")
    with pytest.raises(ValueError, match="at once"):
        Evaluation("median")
    with pytest.raises(ValueError, match="no picture"):
        Evaluation("Mean").result()
    evaluation = Evaluation("Max")
    evaluation.add(np.zeros((3, 2, 2), np.uint8))
    with pytest.raises(ValueError, match="shape"):
        evaluation.add(np.zeros((3, 2, 3), np.uint8))
