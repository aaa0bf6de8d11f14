"""Pyramid levels follow their definition in every window and type, and a constant stays what it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imfuse_tiles.kernels.pyramid import coarser, finer, levels_for, reduce, size_at
from imfuse_tiles.kernels.pyramid_expand import add_detail, expand
from tests.kernels.halving import matrix, spread

#: Modules without a test file of their own name.
TESTED_MODULES = ("kernels.pyramid_expand",)

SIZES = [(1, 1), (1, 9), (2, 3), (5, 5), (6, 4), (37, 52), (64, 33)]


def picture(size, dtype="float32", planes=2, seed=0):
    values = np.random.default_rng(seed).random((planes, *size))
    top = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    return (values * top).astype(dtype)


def everything(size):
    return 0, size[0], 0, size[1]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", SIZES)
def test_reducing_and_expanding_are_products_with_the_weights(size, dtype):
    fine, coarse = picture(size, dtype), size_at(size, 1)
    low = reduce(fine, (0, 0), size, everything(coarse))
    assert low.dtype == np.float32
    expected = matrix(size[0]) @ fine.astype(float) @ matrix(size[1]).T
    assert np.allclose(low, expected, rtol=1e-6, atol=0)
    back = expand(low, (0, 0), size, everything(size))
    assert np.allclose(back, spread(size[0]) @ expected @ spread(size[1]).T, rtol=2e-6, atol=0)


@pytest.mark.parametrize("size", SIZES)
def test_a_constant_stays_constant_up_to_the_borders(size):
    low = reduce(np.full((1, *size), 200, np.uint8), (0, 0), size, everything(size_at(size, 1)))
    assert np.abs(low - 200).max() < 1e-4
    assert np.abs(expand(low, (0, 0), size, everything(size)) - 200).max() < 1e-4


def spans(size):
    """A non-empty part of a line."""
    return st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).map(lambda ends: (min(ends), max(ends) + 1))


@given(st.data(), st.sampled_from(SIZES), st.sampled_from(["uint8", "uint16", "float32"]))
def test_a_window_gives_what_the_whole_level_gives(data, size, dtype):
    fine, coarse = picture(size, dtype), size_at(size, 1)
    low = reduce(fine, (0, 0), size, everything(coarse))
    high = expand(low, (0, 0), size, everything(size))

    part = *data.draw(spans(coarse[0])), *data.draw(spans(coarse[1]))
    y0, y1, x0, x1 = finer(part, size)
    found = reduce(fine[:, y0:y1, x0:x1], (y0, x0), size, part)
    assert np.array_equal(found, low[:, part[0] : part[1], part[2] : part[3]])

    part = *data.draw(spans(size[0])), *data.draw(spans(size[1]))
    y0, y1, x0, x1 = coarser(part, coarse)
    found = expand(low[:, y0:y1, x0:x1], (y0, x0), size, part)
    assert np.array_equal(found, high[:, part[0] : part[1], part[2] : part[3]])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("filled", [0, 0.003, 0.5, 1])
def test_detail_is_added_where_the_mask_is_and_nowhere_else(filled, dtype):
    size = (40, 531)
    fine, random = picture(size, dtype), np.random.default_rng(1)
    mask = (random.random(size) * (random.random(size) < filled)).astype(np.float32)
    low = reduce(fine, (0, 0), size, everything(size_at(size, 1)))
    out = np.ones((2, *size), np.float32)
    add_detail(fine, mask, low, ((0, 0), (0, 0), (0, 0)), size, everything(size), out)
    detail = fine.astype(np.float32) - expand(low, (0, 0), size, everything(size))
    assert np.array_equal(out, 1 + mask * detail)


@given(st.data(), st.sampled_from([(37, 300), (9, 9), (2, 5)]))
def test_detail_of_a_window_equals_that_of_the_whole(data, size):
    fine, mask = picture(size), picture(size, planes=1, seed=2)[0]
    mask[:, size[1] // 3 : size[1] // 2] = 0
    coarse = size_at(size, 1)
    low = reduce(fine, (0, 0), size, everything(coarse))
    whole = np.zeros((2, *size), np.float32)
    add_detail(fine, mask, low, ((0, 0), (0, 0), (0, 0)), size, everything(size), whole)
    part = *data.draw(spans(size[0])), *data.draw(spans(size[1]))
    y0, y1, x0, x1 = coarser(part, coarse)
    out = np.zeros((2, part[1] - part[0], part[3] - part[2]), np.float32)
    origins = (0, 0), (part[0], part[2]), (y0, x0)
    inner = np.ascontiguousarray(mask[part[0] : part[1], part[2] : part[3]])
    add_detail(fine, inner, low[:, y0:y1, x0:x1], origins, size, part, out)
    assert np.array_equal(out, whole[:, part[0] : part[1], part[2] : part[3]])


def test_the_smallest_level_keeps_five_pixels_of_the_shorter_side():
    assert [levels_for(n, 1000) for n in (1, 5, 8, 9, 16, 17, 32, 33, 180, 512, 513)] == [
        1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8,
    ]  # fmt: skip
    assert levels_for(1000, 9) == levels_for(9, 1000)
    assert size_at((180, 243), 5) == (6, 8)
