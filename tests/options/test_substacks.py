"""Which slices go together, for every way to say it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.option_parser import parse_arguments
from imfuse_tiles.options.recipe import Recipe, substack_spans
from imfuse_tiles.options.substacks import Substacks, share_of_stack


def spans(text: str, total: int = 7) -> list[tuple[int, int]]:
    """Substacks as people count: first and last slice from 1."""
    op = parse_arguments("substacks", text or None)
    assert isinstance(op, Substacks)
    return [(first + 1, last + 1) for first, last in op.slice_ranges(total)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("n3,r1", [(1, 4), (2, 7)]),
        ("n3", [(1, 4), (2, 7)]),
        ("n2,r0", [(1, 2), (2, 4), (4, 6), (6, 7)]),
        ("n3,r0,kurt", [(1, 3), (1, 6), (1, 7)]),
        ("n2,N5", [(2, 5)]),
        ("n2,N5,r1", [(1, 6)]),
        ("p20%,P60%", [(1, 4)]),
        ("p30%", [(1, 3), (1, 5), (3, 7)]),
        ("N5", [(1, 5)]),
    ],
)
def test_numbers_and_percents(text: str, wanted: list[tuple[int, int]]) -> None:
    assert spans(text) == wanted


def test_the_overlap_may_be_a_percentage() -> None:
    assert spans("n10,r10%", 100)[:2] == [(1, 20), (1, 30)]
    assert str(parse_arguments("substacks", "n10,r10%")) == "--substacks=r10%,n10"
    with pytest.raises(Refusal, match="at most 100%"):
        parse_arguments("substacks", "r120%")


def test_a_percentage_is_at_least_one_slice_and_at_most_all() -> None:
    assert [share_of_stack(percent, 7) for percent in (0, 14, 15, 99, 100)] == [1, 1, 1, 6, 7]


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 70), st.booleans())
def test_parts_cover_every_slice_in_order(total: int, n: int, r: int, kurt: bool) -> None:
    op = Substacks(n=n, r=r, word1="kurt" if kurt else None)
    found = op.slice_ranges(total)
    assert {z for first, last in found for z in range(first, last + 1)} == set(range(total))
    assert found == sorted(found)
    assert found[-1][1] == total - 1


def test_a_part_longer_than_the_stack_is_the_whole_stack() -> None:
    assert spans("n9") == spans("n9,r2,kurt") == [(1, 7)]


def test_several_add_up_and_none_is_the_whole_stack() -> None:
    assert substack_spans(Recipe(()), 7) == [(0, 6)]
    both = Recipe((parse_arguments("substacks", "n1,N3"), parse_arguments("substacks", "n4,N7")))
    assert substack_spans(both, 7) == [(0, 2), (3, 6)]


def test_a_recipe_for_a_stack_says_its_numbers() -> None:
    recipe = Recipe((parse_arguments("substacks", None),)).for_stack(7)
    assert str(recipe) == "--substacks=r1,n1"
    assert recipe.for_stack(7) == recipe


def test_parts_that_the_stack_has_not_are_refused() -> None:
    for text in ("n5,N3", "n9,N9"):
        with pytest.raises(Refusal, match=r"no slice from .* in a stack of 7"):
            spans(text)
