"""Bands of any heights become strips of one height."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imfuse_tiles.imageio.writing.encode import in_order, strip_rows
from imfuse_tiles.imageio.writing.picture import Picture, strips


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(1, 20))
def test_strips_hold_the_rows_of_the_bands_in_order(heights, rows):
    height = max(1, sum(heights))
    image = np.arange(height * 3 * 2, dtype=np.uint16).reshape(height, 3, 2)
    bands = np.split(image, np.cumsum(heights)[:-1])
    cut = list(strips(Picture(height, 3, 2, "uint16"), bands, rows))
    assert np.array_equal(np.concatenate(cut), image)
    assert [len(strip) for strip in cut[:-1]] == [rows] * (len(cut) - 1)
    assert 1 <= len(cut[-1]) <= rows


@pytest.mark.parametrize("count", [0, 4, 9, 11])
def test_too_few_or_too_many_rows_are_an_error(count):
    with pytest.raises(ValueError, match="rows"):
        list(strips(Picture(10, 3, 1, "uint8"), [np.zeros((count, 3, 1), np.uint8)], 5))


@pytest.mark.parametrize(
    "band",
    [np.zeros((2, 4, 3), "u1"), np.zeros((2, 3, 4), "u1"), np.zeros((2, 3, 3), "u2"), np.zeros((2, 3), "u1")],
)
def test_bands_of_another_shape_or_type_are_an_error(band):
    with pytest.raises(ValueError, match="a band of"):
        list(strips(Picture(2, 3, 3, "uint8"), [band], 5))


@pytest.mark.parametrize("size", [(0, 3, 3), (3, 0, 3), (3, 3, 0), (3, 3, 5)])
def test_a_picture_has_pixels_and_one_to_four_planes(size):
    with pytest.raises(ValueError, match="a picture of"):
        Picture(*size, "uint8")


def test_strips_are_about_a_mebibyte_and_at_least_a_row():
    assert strip_rows(Picture(10_000, 4096, 4, "uint16")) == 32
    assert strip_rows(Picture(10_000, 1_000_000, 4, "uint16")) == 1
    assert strip_rows(Picture(10, 10, 1, "uint8")) == 10


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_encoding_keeps_the_order_and_few_items(workers):
    taken = []

    def items():
        for item in range(40):
            taken.append(item)
            yield item

    for place, result in enumerate(in_order(lambda item: item * item, items(), workers)):
        assert result == place * place
        assert len(taken) <= place + workers + 1
    assert len(taken) == 40
