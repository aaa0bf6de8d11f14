"""Varied options take the place of their like; every combination is made once, in a fixed order."""

from __future__ import annotations

import pytest

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.variations import combinations, parse_variation

BASE = Recipe.from_options(["--laplacian", "--cutblur=s1", "--cutbg"])


def varied(*texts: str) -> list[str]:
    found = combinations(BASE, [parse_variation(text) for text in texts])
    return [" ".join(map(str, combination.recipe.ops)) for combination in found]


def test_values_take_the_place_of_the_option_that_is_there() -> None:
    assert varied("--cutblur=s2|none|") == [
        "--laplacian=n3 --cutblur=s2 --cutbg", "--laplacian=n3 --cutbg", "--laplacian=n3 --cutblur=s1 --cutbg",
    ]  # fmt: skip


def test_new_options_come_behind_or_lead_and_the_last_changes_fastest() -> None:
    assert varied("--cutless=p10|none", "--cutalpha=p1|p2") == [
        "--cutless=p10 --laplacian=n3 --cutblur=s1 --cutbg --cutalpha=p1",
        "--cutless=p10 --laplacian=n3 --cutblur=s1 --cutbg --cutalpha=p2",
        "--laplacian=n3 --cutblur=s1 --cutbg --cutalpha=p1",
        "--laplacian=n3 --cutblur=s1 --cutbg --cutalpha=p2",
    ]


@pytest.mark.parametrize("texts", [["cutless=p1|p2"], ["--cutless"], ["--cutless=p1"], ["--cutless=p1|x"],
                                   ["--cutmax=p1|p2", "--cutmax=p3|p4"],
                                   [f"--cutmax={'|'.join(f'p{n}' for n in range(300))}"]])  # fmt: skip
def test_what_does_not_vary_is_refused(texts: list[str]) -> None:
    with pytest.raises(Refusal):
        varied(*texts)
