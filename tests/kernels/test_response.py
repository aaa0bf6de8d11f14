"""The words and values of a frequency response."""

import dataclasses
import math

import pytest

from imfuse_tiles.kernels.response import Response, parse_conversion


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("gradient", ("gradient", 0.0)),
        ("Gaussian", ("gaussian", 0.0)),
        ("solid", ("solid", 0.0)),
        ("log1000", ("log", 1000.0)),
        ("log", ("log", 10.0)),
        ("inverselog10", ("inverselog", 10.0)),
        ("inverseLog", ("inverselog", 10.0)),
        ("pow2", ("pow", 2.0)),
        ("pow.5", ("pow", 0.5)),
        ("cos0.5", ("cos", 0.5)),
        ("cos", ("cos", 0.5)),
    ],
)
def test_a_conversion_is_a_name_and_a_number(word, meaning):
    assert parse_conversion(word) == meaning


@pytest.mark.parametrize("word", ["", "linear", "1000", "log-3", "log1e3", "solid3", "gradient2", "log1.2.3", "log 10"])
def test_other_words_are_refused_with_those_that_exist(word):
    with pytest.raises(ValueError, match=r"gradient, gaussian, solid, log10, inverselog10, pow2, cos0\.5"):
        parse_conversion(word)


def test_a_conversion_by_zero_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        parse_conversion("log0")


def test_the_default_is_a_low_pass_cone_of_three_quarters_of_nyquist():
    assert dataclasses.astuple(Response()) == (75.0, None, 0.0, 50.0, 0, "gradient", "circle")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("shape", "hexagon", "circle, square, rhombus, cross, xcross"),
        ("conversion", "linear", "gradient"),
        ("r", 0, "above 0 %, not 0"),
        ("r", math.nan, "above 0 %"),
        ("R", -5, "above 0 %, not -5"),
        ("N", 2, "not 2"),
        ("s", math.inf, "finite"),
    ],
)
def test_a_value_out_of_range_is_refused(field, value, message):
    with pytest.raises(ValueError, match=message):
        Response(**{field: value})


def test_the_second_response_differs_in_the_radius_only():
    assert Response(r=75, R=25, s=3, N=1, shape="cross").second() == Response(r=25, s=3, N=1, shape="cross")
    with pytest.raises(ValueError, match="no second radius"):
        Response().second()


def test_only_the_word_solid_makes_a_solid_shape():
    assert Response(conversion="SOLID").solid
    assert not Response(conversion="pow9").solid
