"""Frames come in the order people count."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from imfuse_tiles.imageio.reading import natural_order


def names(*paths):
    return [str(path) for path in natural_order(paths)]


def test_numbers_are_counted_not_spelled():
    assert names("img10.tif", "img9.tif", "img2.tif") == ["img2.tif", "img9.tif", "img10.tif"]


def test_several_numbers_count_from_left_to_right():
    given = ("a2_z10.tif", "a10_z1.tif", "a2_z9.tif")
    assert names(*given) == ["a2_z9.tif", "a2_z10.tif", "a10_z1.tif"]


def test_a_name_without_number_comes_before_its_numbered_ones():
    assert names("img1.tif", "img.tif", "img0.tif") == ["img.tif", "img0.tif", "img1.tif"]


def test_folders_keep_together_and_count_as_well():
    assert names("s10/a1.tif", "s2/a9.tif", "s2/a10.tif") == ["s2/a9.tif", "s2/a10.tif", "s10/a1.tif"]


def test_leading_zeros_do_not_depend_on_the_order_given():
    assert names("a1.tif", "a01.tif") == names("a01.tif", "a1.tif") == ["a01.tif", "a1.tif"]


def test_paths_come_back_as_paths():
    assert natural_order(["b.tif"]) == [Path("b.tif")]


@given(st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1)))
def test_any_names_can_be_ordered_and_none_is_lost(given):
    ordered = natural_order(given)
    assert sorted(map(str, ordered)) == sorted(str(Path(name)) for name in given)
    assert natural_order(reversed(ordered)) == ordered
