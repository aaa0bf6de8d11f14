"""Every option goes into a form and comes back as itself; what is no form is refused in a line."""

from __future__ import annotations

from typing import Any

import pytest

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.grammar import REGISTRY
from imfuse_tiles.options.option_parser import parse_option
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.viewer.option_forms import declarations, form_of, option_of, recipe_of, slider_step

EXAMPLES = [f"--{kind.name}{'=' * bool(text)}{text}" for kind in REGISTRY.values() for text in kind.examples]


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_option_comes_back_from_its_form(text: str) -> None:
    op = parse_option(text)
    (entry,) = form_of(Recipe((op,)))
    assert option_of(entry) == op


def test_every_option_is_declared_with_fields_and_sliders_that_hold_the_default() -> None:
    declared = declarations()
    assert {each["name"] for each in declared} == set(REGISTRY)
    for each in declared:
        assert each["help"]
        for item in each["fields"]:
            if item["slider"] and item["default"] is not None:
                low, high, step = item["slider"]
                assert low <= item["default"] <= high
                assert step > 0


def test_sliders_step_by_round_numbers_some_hundred_to_two_hundred_of_them() -> None:
    for span in (1, 9.9, 10, 80, 100, 200, 1100, 0.3):
        step = slider_step(span)
        assert f"{step:e}"[0] in "125"
        assert 80 <= span / step <= 200.001


def test_only_options_that_read_no_frames_can_be_changed() -> None:
    fixed = {each["name"] for each in declarations() if each["fixed"]}
    assert {"align", "rotate", "gamma"} <= fixed
    assert not {"blur", "cutless", "finalgamma", "bg"} & fixed
    assert [each["name"] for each in declarations() if each["first"]] == ["cutless"]


def test_the_slider_of_a_percentage_left_out_goes_to_the_end() -> None:
    (about,) = [each for each in declarations() if each["name"] == "saturation"]
    assert [item["slider"][:2] for item in about["fields"] if item["name"] == "w"] == [[0, 100]]


NO_FORMS: list[Any] = [
    5,
    {"name": "blur"},
    [{"name": ["blur"]}],
    ["--blur"],
    [{"name": "nothing"}],
    [{"name": "cutblur", "values": [1]}],
    [{"name": "cutblur", "values": {"s": "<b>"}}],
    [{"name": "cutmax", "values": {"p": []}}],
]


@pytest.mark.parametrize("form", NO_FORMS)
def test_what_is_no_form_is_refused_in_a_line(form: Any) -> None:
    with pytest.raises(Refusal) as refused:
        recipe_of(form)
    assert "\n" not in str(refused.value)
