"""What the words of --bg mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.backgrounds import RECIPE_IMAGES, ImageSpec, parse_image_spec
from imfuse_tiles.options.colour_parser import X11_VARIANTS, parse_colour
from imfuse_tiles.options.option_parser import parse_arguments, parse_option

#: Modules without a test file of their own name.
TESTED_MODULES = ("options.colour_parser",)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("black", (0, 0, 0, 1)),
        ("RebeccaPurple", (102 / 255, 51 / 255, 153 / 255, 1)),
        ("#203040", (32 / 255, 48 / 255, 64 / 255, 1)),
        ("#fff8", (1, 1, 1, 136 / 255)),
        ("#20304080", (32 / 255, 48 / 255, 64 / 255, 128 / 255)),
        ("#0000ffff8000", (0, 1, 32768 / 65535, 1)),
        ("#00000000ffff8000", (0, 0, 1, 32768 / 65535)),
        ("gray0", (0, 0, 0, 1)),
        ("grey100", (1, 1, 1, 1)),
        ("gray50", (127 / 255, 127 / 255, 127 / 255, 1)),
        ("gray", (128 / 255, 128 / 255, 128 / 255, 1)),
        ("red3", (205 / 255, 0, 0, 1)),
        ("GREY42", (107 / 255, 107 / 255, 107 / 255, 1)),
        ("LightGoldenrod2", (238 / 255, 220 / 255, 130 / 255, 1)),
        (" light Goldenrod  2 ", (238 / 255, 220 / 255, 130 / 255, 1)),
        ("Violet Red", (208 / 255, 32 / 255, 144 / 255, 1)),
        ("green", (0, 128 / 255, 0, 1)),
        ("green1", (0, 1, 0, 1)),
        ("#fff000800", (1, 0, 2048 / 4095, 1)),
        ("rgb(0,51,255)", (0, 51 / 255, 1, 1)),
    ],
)
def test_colours(text: str, wanted: tuple[float, ...]) -> None:
    assert parse_colour(text) == pytest.approx(wanted)
    assert parse_image_spec("--bg", text).kind == "colour"
    again = parse_option(str(parse_arguments("bg", text)))
    assert again.image_spec.value == pytest.approx(wanted)


def test_every_family_of_names_has_four_shades_that_get_darker() -> None:
    assert len(X11_VARIANTS) == 78
    for name in X11_VARIANTS:
        shades = [parse_colour(f"{name}{number}") for number in (1, 2, 3, 4)]
        assert all(shades)
        assert sorted(shades, key=sum, reverse=True) == shades


@pytest.mark.parametrize(
    "text",
    ["nonesuch", "gray101", "#12345", "#xyz", "red5", "red0", "lightgray2", "gray1000", "gray²", "#00000000000g"],
)
def test_no_colours(text: str) -> None:
    assert parse_colour(text) is None


def test_modes_win_over_colours_and_files() -> None:
    assert parse_image_spec("--bg", "OVERLAY2") == ImageSpec("compose", "Overlay", swapped=True)
    assert parse_image_spec("--bg", "multiply").kind == "compose", "a name of both kinds composes"
    assert parse_image_spec("--bg", "mean") == ImageSpec("evaluate", "Mean")
    assert parse_image_spec("--bg", "Wave") == ImageSpec("recipe", "wave")
    assert parse_image_spec("--bg", "transparent").kind == "clear"


def test_a_file_is_a_background_when_no_word_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ground.png").touch()
    (tmp_path / "red").touch()
    assert parse_image_spec("--bg", "ground.png") == ImageSpec("file", "ground.png")
    assert parse_image_spec("--bg", "red").kind == "colour"
    assert parse_image_spec("--bg", "./red").kind == "file"


def test_anything_else_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(Refusal, match=r"--bg: nonesuch is not known; .* wavedark.* or an image file"):
        parse_arguments("bg", "nonesuch")


def test_canonical_words() -> None:
    said = {text: str(parse_arguments("bg", text)) for text in ("MEAN", "overlay2", "wave", "Red", "#abc", "#00000000")}
    assert said == {
        "MEAN": "--bg=Mean", "overlay2": "--bg=Overlay2", "wave": "--bg=wave", "Red": "--bg=red", "#abc": "--bg=#abc",
        "#00000000": "--bg=transparent",
    }  # fmt: skip


def test_only_a_colour_with_a_hue_needs_three_planes() -> None:
    assert parse_image_spec("--bg", "#808080ff").needs_colour is False
    assert parse_image_spec("--bg", "#808081").needs_colour is True


def test_the_recipes_of_backgrounds_can_be_read() -> None:
    for options in RECIPE_IMAGES.values():
        for text in options:
            assert str(parse_option(text)).startswith(text)
