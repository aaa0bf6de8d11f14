"""Words of the command line: options of the recipe in their order, all others wherever they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imfuse_tiles.cli.arguments import fuse_parser, parse_fuse_args
from imfuse_tiles.cli.recipe_arguments import with_default_preset
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.config_files import load_preset
from imfuse_tiles.options.recipe import Recipe

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "cli.argument_parser",
    "cli.frame_arguments",
    "cli.fuse",
    "cli.recipe_arguments",
    "cli.resource_arguments",
    "cli.resources_from_args",
    "cli.stack_from_args",
)


def said(text: str | list[str]) -> tuple[Any, str]:
    """The general arguments and the canonical options."""
    words = text.split() if isinstance(text, str) else text
    arguments, recipe = parse_fuse_args(fuse_parser("fuse"), words)
    return arguments, str(recipe)


def said_recipe(text: str) -> Recipe:
    return parse_fuse_args(fuse_parser("fuse"), text.split())[1]


def refusal(text: str | list[str]) -> str:
    with pytest.raises(Refusal) as caught:
        said(text)
    return str(caught.value)


def test_options_keep_their_order_inside_a_group_whatever_stands_between() -> None:
    one = said("--maskblur a.tif --maskwave --wavelet -X --cutblur b.tif --cutwave")[1]
    other = said("--wavelet --maskblur --cutblur --maskwave --cutwave a.tif b.tif -X")[1]
    assert one == other == "--wavelet=p5 --maskblur=s1 --maskwave=p20 --masklevel=t5 --cutblur=s1 --cutwave=p25"
    assert said("--wavelet --maskwave --maskblur")[1] != said("--wavelet --maskblur --maskwave")[1]


def test_a_value_stands_in_the_same_word_so_the_next_is_an_image() -> None:
    arguments, options = said("--wavelet a.tif --maskwave=p3 b.tif")
    assert arguments.images == ["a.tif", "b.tif"]
    assert options == "--wavelet=p5 --maskwave=p3 --masklevel=t5"


def test_the_canonical_options_can_be_given_again() -> None:
    masks = "--colorspace=HSL,2 --blur=s1 --darkness=w10 --maskmerge=plus"
    options = said(f"{masks} --cutless --cutalpha=p-25 --finalblur --bg=mean --revert")[1]
    assert said(options)[1] == options


@pytest.mark.parametrize("text", ["-o r.tif", "-or.tif", "--output r.tif", "--output=r.tif", "--out r.tif"])
def test_the_output_may_be_named_in_many_ways(text: str) -> None:
    assert said(f"{text} a.tif")[0].output == "r.tif"


def test_the_base_name_may_be_left_out_and_takes_no_image_for_it() -> None:
    for text in ("-B a.tif", "--basename a.tif", "--basename= a.tif"):
        assert (said(text)[0].basename, said(text)[0].images) == ("", ["a.tif"])
    assert said("-Bx a.tif")[0].basename == said("--basename=x a.tif")[0].basename == "x"
    assert said("a.tif")[0].basename is None


def test_force_takes_no_image_for_its_step() -> None:
    for text in ("-f a.tif", "--force a.tif", "-Xf a.tif", "-CfX a.tif"):
        arguments = said(text)[0]
        assert (arguments.force, arguments.images) == ("", ["a.tif"])
    assert said("--force=mask a.tif")[0].force == "mask"
    assert said("a.tif")[0].force is None
    assert "allowed are" in refusal("--force=lunch a.tif")


def test_letters_may_be_given_together() -> None:
    arguments = said("-CXL a.tif")[0]
    assert (arguments.cache, arguments.extra, arguments.longname) == (True, True, True)


def test_all_behind_two_dashes_are_images() -> None:
    arguments, options = said(["--wavelet", "a.tif", "--", "--blur", "-o", "b.tif"])
    assert [str(Path(image)) for image in arguments.images] == ["a.tif", "--blur", "-o", "b.tif"]
    assert (arguments.output, options) == (None, "--wavelet=p5 --masklevel=t5")


def test_an_image_may_have_any_name() -> None:
    names = ["a b.tif", "p=5.tif", "ü,x.tif", "wavelet"]
    assert said([*names, "--wavelet"])[0].images == names


def test_limit_memory_is_memory() -> None:
    assert said("--limit-memory 2G a.tif")[0].memory == said("--memory=2G a.tif")[0].memory == "2G"


def test_an_image_that_begins_like_an_option_is_named_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-lead.tif").touch()
    assert refusal(["-lead.tif", "a\nb.tif"]).endswith("the image of this name is written ./-lead.tif")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("--frobnicate", "unknown option --frobnicate"),
        ("--m=1", "ambiguous"),
        ("-Z", "unknown option -Z"),
        ("--tile", "--tile needs a value"),
        ("--tile x", "--tile x: allowed is a whole number from 16"),
        ("--tile 1.5", "--tile 1.5: allowed is a whole number from 16"),
        ("--workers lots", "--workers lots: allowed is a whole number from 1"),
        ("--workers 0", "--workers 0: allowed is a whole number from 1"),
        ("--wait nan", "--wait nan: allowed is a number of seconds from 0"),
        ("--threads 4", "unknown option --threads; did you mean --workers?"),
        ("--store --wavelet", "--wavelet is an option"),
        ("-o", "--output needs a value"),
        ("--quiet=loud", "--quiet takes no value"),
        ("--bits 9", "allowed is 8 or 16"),
    ],
)
def test_wrong_words_are_refused_by_name(text: str, part: str) -> None:
    message = refusal(text)
    assert part in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "text",
    ["--wavelet p5", "--exif a.tif", "--force post", "-f post", "--basename mine", "--bg enfuse", "--bg mean.png",
     "--depthmap map.tif", "--dashboard 127.0.0.1:80", "--blur s1,S2", "--evaluate Max", "--wave p5"],
)  # fmt: skip
def test_a_word_behind_a_bare_option_that_could_be_its_value_is_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be taken as an image, which is not there or is not to be one."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.tif", "map.tif", "mean.png"):
        (tmp_path / name).write_bytes(b"")
    option, word = text.split()
    full = {"-f": "--force", "--wave": "--wavelet"}.get(option, option)
    assert f"{full} {word}: did you mean {full}={word}?" in refusal(f"{text} b.tif")
    assert said(f"{option if option != '-f' else '--force'}={word} b.tif")[0].images == ["b.tif"]


def test_a_frame_that_could_be_no_value_may_stand_behind_a_bare_option() -> None:
    for text in ("--wavelet a.tif", "--maskmorph p5.tif", "--force a.tif", "a.tif --exif", "--exif --wavelet a.tif"):
        assert len(said(text)[0].images) == 1


def test_with_nothing_but_cuts_asked_for_the_default_preset_is_used() -> None:
    for text in ("", "--finalgamma", "--preset auto"):
        assert with_default_preset(said_recipe(text)) == said_recipe(text)
    assert str(with_default_preset(said_recipe("--cutwave=p99"))) == said("--preset default --cutwave=p99")[1]
    for text in ("--wavelet", "--bg=mean", "--preset enfuse"):
        assert with_default_preset(said_recipe(text)) == said_recipe(text)


# Presets


@pytest.fixture
def made(tmp_path: Path) -> str:
    path = tmp_path / "mine.toml"
    path.write_text('about = "Mine."\noptions = ["--blur=s1", "--maskwave=p9", "--cutwave"]\n')
    return str(path)


def test_a_preset_gives_its_options_in_their_order(made: str) -> None:
    assert said(f"--preset {made}")[1] == "--blur=s1,S1.6 --maskwave=p9 --masklevel=t5 --cutwave=p25"
    assert load_preset("default")[0] == ("statistic", "r9")


def test_an_option_of_one_s_own_replaces_its_like(made: str) -> None:
    text = "--blur=s2 --blur=s3 --finalalpha"
    for words in (f"{text} --preset {made}", f"--preset {made} {text}"):
        assert said(words)[1] == "--blur=s2,S3.2 --blur=s3,S4.8 --maskwave=p9 --masklevel=t5 --cutwave=p25 --finalalpha"


def test_a_later_preset_replaces_the_like_of_an_earlier(made: str) -> None:
    options = said(f"--preset default --preset {made}")[1]
    assert options == (
        "--statistic=r9 --blur=s1,S1.6 --maskkuwahara=r3 --maskwave=p9 --masklevel=t5 "
        "--cutwave=p25 --cutbg --cutalpha=p-25,P150 --bg=Mean"
    )


def test_an_option_that_replaces_its_like_keeps_its_place_among_others() -> None:
    """A cut that is softened after what is to fill it was collected is another cut."""
    options = said("--preset soft --cutwave=p75 --finalalpha --cutless=p10")[1]
    assert options.endswith("--cutless=p10 --cutwave=p75 --cutbg --cutalpha=p-25,P150 --finalalpha --bg=Mean")


@pytest.mark.parametrize(
    ("content", "part"),
    [("options = 5", "array of strings"), ("options = [1]", "array of strings"), ("nonsense", "TOML"),
     ('options = ["blur"]', "begins with --"), ('options = ["--blurr=s1"]', "--blurr"), ("", "array of strings")],
)  # fmt: skip
def test_a_preset_that_is_none_is_refused_by_its_name(tmp_path: Path, content: str, part: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(content)
    message = refusal(f"--preset {path}")
    assert part in message


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    assert "default" in refusal("--preset nonesuch")


def test_no_option_is_declared_twice() -> None:
    from imfuse_tiles.cli import align, batch
    from imfuse_tiles.options.grammar import REGISTRY

    for parser in (fuse_parser("fuse"), batch.parser(), align.parser("align", "aligned", "")):
        general = [text for action in parser._actions for text in action.option_strings]
        assert [text for text in general if text[2:] in REGISTRY] == []
