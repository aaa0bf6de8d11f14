"""Frames come in the order people count."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imfuse_tiles.imageio.reading import natural_order
from imfuse_tiles.imageio.reading.order import rolled_over, skipped_after

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.reading.own_results",)


def names(*paths):
    return [str(path) for path in natural_order(paths)]


def test_the_minus_of_typesetting_is_a_sign():
    names = ["z\u221220.tif", "z\u22125.tif", "z0.tif", "z10.tif"]
    assert [path.name for path in natural_order(names[::-1])] == names


def test_numbers_are_counted_not_spelled():
    assert names("img10.tif", "img9.tif", "img2.tif") == ["img2.tif", "img9.tif", "img10.tif"]


def test_several_numbers_count_from_left_to_right():
    given = ("a2_z10.tif", "a10_z1.tif", "a2_z9.tif")
    assert names(*given) == ["a2_z9.tif", "a2_z10.tif", "a10_z1.tif"]


def test_a_name_without_number_comes_before_its_numbered_ones():
    assert names("img1.tif", "img.tif", "img0.tif") == ["img.tif", "img0.tif", "img1.tif"]


def test_folders_keep_together_and_count_as_well():
    assert names("s10/a1.tif", "s2/a9.tif", "s2/a10.tif") == ["s2/a9.tif", "s2/a10.tif", "s10/a1.tif"]


def test_names_count_on_in_any_case():
    assert names("IMG_3.TIF", "img_2.tif", "Img_1.tif") == ["Img_1.tif", "img_2.tif", "IMG_3.TIF"]
    assert names("a_1.tif", "A_1.tif") == names("A_1.tif", "a_1.tif") == ["A_1.tif", "a_1.tif"]
    assert names("s/2.tif", "S/1.tif", "s/1.tif") == ["S/1.tif", "s/1.tif", "s/2.tif"]


def test_leading_zeros_do_not_depend_on_the_order_given():
    assert names("a1.tif", "a01.tif") == names("a01.tif", "a1.tif") == ["a01.tif", "a1.tif"]


def test_paths_come_back_as_paths():
    assert natural_order(["b.tif"]) == [Path("b.tif")]


@given(st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1)))
def test_any_names_can_be_ordered_and_none_is_lost(given):
    ordered = natural_order(given)
    assert sorted(map(str, ordered)) == sorted(str(Path(name)) for name in given)
    assert natural_order(reversed(ordered)) == ordered


# Signs, decimals, counters


@pytest.mark.parametrize(
    "ordered",
    [
        ("z-2.tif", "z-1.tif", "z0.tif", "z1.tif"),
        ("z_-10um.tif", "z_-2um.tif", "z_0um.tif", "z_+3um.tif", "z_+12um.tif"),
        ("-2.5.tif", "-2.25.tif", "0.tif"),
        ("f-1.5_a.tif", "f-0.5_a.tif", "f0.5_a.tif", "f1.tif"),
        ("z=-3.tif", "z=-2.tif", "z=-1.tif"),
        ("s1/z-1.tif", "s1/z1.tif", "s2/z-1.tif"),
    ],
)
def test_a_sign_counts_where_it_is_one(ordered):
    assert names(*reversed(ordered)) == list(ordered)


@pytest.mark.parametrize(
    "ordered",
    [
        ("img-1.tif", "img-2.tif", "img-10.tif"),
        ("2023-01-05_1.tif", "2023-01-05_2.tif", "2023-02-01_1.tif"),
        ("a-1-2.tif", "a-1-10.tif", "a-2-1.tif"),
        ("WA-0001.jpg", "WA-0002.jpg"),
    ],
)
def test_a_separator_is_no_sign(ordered):
    assert names(*reversed(ordered)) == list(ordered)


@pytest.mark.parametrize(
    "ordered",
    [
        ("z1.125.tif", "z1.25.tif", "z1.5.tif", "z2.tif", "z10.tif"),
        ("z0,05.tif", "z0,5.tif", "z10,0.tif"),
        ("a_0.25mm_2.tif", "a_0.5mm_1.tif", "a_0.5mm_2.tif"),
        ("z1.25", "z1.5", "z10.0"),
    ],
)
def test_decimals_are_no_counters(ordered):
    assert names(*reversed(ordered)) == list(ordered)


@pytest.mark.parametrize(
    "ordered",
    [
        ("s1.8.tif", "s1.9.tif", "s1.10.tif", "s1.11.tif"),
        ("2023.01.18.tif", "2023.01.19.tif", "2023.02.01.tif"),
        ("v1.2.10_a1.tif", "v1.2.10_a2.tif", "v1.10.2_a1.tif"),
    ],
)
def test_counters_behind_points_are_no_decimals(ordered):
    assert names(*reversed(ordered)) == list(ordered)


def test_a_counter_that_begins_again_is_noticed():
    paths = natural_order(f"DSC_{number}.png" for number in ("9997", "9999", "0001", "0002"))
    assert rolled_over(paths) == 2
    assert rolled_over(natural_order(f"a{number:03}_b1.tif" for number in (997, 998, 999, 0, 1, 2))) == 3


@pytest.mark.parametrize(
    "numbers", [("0001", "0002", "0003"), ("1", "9998", "9999"), ("0001", "5000", "9999"), ("0001",), ("01", "99")]
)
def test_other_gaps_are_none(numbers):
    assert rolled_over(natural_order(f"DSC_{number}.png" for number in numbers)) == 0


def test_folders_with_counters_of_their_own_do_not_roll_over():
    assert rolled_over(natural_order(["100/D_9999.png", "101/D_0001.png"])) == 0


@pytest.mark.parametrize(
    ("numbers", "places"),
    [
        ((1, 2, 3, 5, 6), [2]), ((0, 2, 4, 6, 10, 12), [3]), ((1, 2, 4, 5, 6, 7, 8, 9, 12), [1, 7]),
        ((1, 2, 3, 4), []), ((1, 3, 4), []), ((1, 2, 4, 8, 16), []), ((2, 4, 6, 9, 11), []), ((5,), []),
        ((120001, 120002, 120003, 120004, 120006), []),
    ],
)  # fmt: skip
def test_numbers_that_a_counter_skips_are_noticed(numbers, places):
    assert skipped_after(natural_order(f"f{number}_b1.png" for number in numbers)) == places
