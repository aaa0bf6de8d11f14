"""The options of a recipe among the words of a command line, and how presets and options go together.

An option's value stands behind ``=`` in the same word. Long names may be shortened to a unique beginning.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imfuse_tiles.cli.argument_parser import Parser
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.grammar import REGISTRY, Option
from imfuse_tiles.options.option_parser import parse_arguments, resolve_option_name
from imfuse_tiles.options.recipe import STEPS, Recipe, check_recipe, is_automatic

if TYPE_CHECKING:
    from imfuse_tiles.imageio.stack import Stack

OptionText = tuple[str, str | None]
SYNONYMS = {"limit-memory": "memory"}
#: Options of other programs, and what they are called here.
OTHER_NAMES = {
    "threads": "workers", "jobs": "workers", "cores": "workers", "cpus": "workers", "ram": "memory",
    "overwrite": "force", "cluster": "scheduler", "out-file": "output", "verbose": "view",
}  # fmt: skip
#: Options whose value may be left out.
OPTIONAL = ("basename", "force", "exif", "dashboard", "watch")
IMAGES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")


def split_recipe_options(parser: Parser, words: Sequence[str]) -> tuple[list[str], list[OptionText]]:
    """Words for ``parser``, and the recipe's options as (name, text behind ``=`` or None) in their order."""
    general = [text[2:] for action in parser._actions for text in action.option_strings if text.startswith("--")]
    rest: list[str] = []
    options: list[OptionText] = []
    remaining, bare = iter(words), ""
    for word in remaining:
        if word == "--":
            # Images all of them; argparse would take those that begin with a dash for options.
            return [*rest, *(f"./{image}" if image.startswith("-") else image for image in remaining)], options
        if _takes(bare, word):
            options[-1], bare = (bare, word), ""
            continue
        if not word.startswith("-") or word == "-":
            _check_word_behind(bare, word)
        bare = ""
        if not word.startswith("--"):
            rest += split_letters(word)
            bare = {"-B": "basename", "-f": "force"}.get(word, "")
            continue
        beginning, equals, text = word[2:].partition("=")
        name = _resolve(beginning, general)
        bare = "" if equals else name
        if name in REGISTRY:
            options.append((name, text if equals else None))
        else:
            rest += _general_option(parser, name, equals, text, remaining)
    return rest, options


def _resolve(beginning: str, general: Sequence[str]) -> str:
    """The full name of an option. Refusal for an unknown one, with what other programs call it in mind."""
    if beginning in OTHER_NAMES:
        raise Refusal(f"unknown option --{beginning}; did you mean --{OTHER_NAMES[beginning]}?")
    return resolve_option_name(SYNONYMS.get(beginning, beginning), general)


def _general_option(parser: Parser, name: str, equals: str, text: str, remaining: Iterator[str]) -> list[str]:
    """The words of an option that is not of the recipe, with its value in the same word."""
    if name in OPTIONAL or equals:
        return [f"--{name}={text}"]
    if not any(f"--{name}" in action.option_strings and action.nargs is None for action in parser._actions):
        return [f"--{name}"]
    value = next(remaining, None)
    if value is None or value.startswith("--"):
        raise Refusal(f"--{name} needs a value" + (f", {value} is an option" if value else ""))
    return [f"--{name}={value}"]


def _takes(name: str, word: str) -> bool:
    """Whether a word behind a bare option is its value."""
    takes = name in REGISTRY and REGISTRY[name].takes_next_word
    return takes and _could_be_value(name, word) and not Path(word).exists()


def _check_word_behind(name: str, word: str) -> None:
    """Refuse a word behind a bare option that could be its value: it would be taken as an image, unasked."""
    if name and _could_be_value(name, word):
        raise Refusal(f"--{name} {word}: did you mean --{name}={word}? (if {word} is a frame, put --{name} behind it)")


def _could_be_value(name: str, word: str) -> bool:
    image = word.lower().endswith(IMAGES) or Path(word).is_file()
    if name == "exif":
        return image
    if name == "force":
        return word in STEPS
    if name == "watch":
        return word.replace(".", "").isdecimal()
    if name in REGISTRY:
        from imfuse_tiles.options.config_files import names_function

        if names_function(name, word):  # which to parse would import
            return True
        try:
            parse_arguments(name, word)
        except Refusal:
            return False
        return True
    return name in OPTIONAL and not image


def split_letters(word: str) -> list[str]:
    """Letters whose value stands in the same word or is left out: argparse would take the next word for it."""
    if word == "-B":
        return ["--basename="]
    if len(word) > 1 and word[0] == "-" and "f" in word and set(word[1:]) <= set("fCLVWX"):
        return ["--force=" if letter == "f" else f"-{letter}" for letter in word[1:]]
    return [word]


def merge_options(ops: Sequence[Option], more: Sequence[Option]) -> list[Option]:
    """Options with more of them: those of a kind that is there take its place, so that its order with others stays.

    New kinds come behind, or in front if they lead their group.
    """
    if not ops:
        return list(more)
    merged: list[Option] = []
    for op in ops:
        same = [other for other in more if type(other) is type(op)]
        if not same:
            merged.append(op)
        elif same[0] not in merged:
            merged += same
    kinds = {type(op) for op in ops}
    new = [op for op in more if type(op) not in kinds]
    return [*(op for op in new if op.goes_first), *merged, *(op for op in new if not op.goes_first)]


def preset_options(name: str, allow_code: bool = False) -> list[Option]:
    """The options of a preset, by its name or path; ``auto`` has none until the frames are looked at.

    Refusal for Python functions in it unless ``allow_code``.
    """
    if name == "auto":
        return []
    from imfuse_tiles.options import config_files

    return [parse_arguments(*option) for option in config_files.load_preset(name, allow_code)]


def with_default_preset(recipe: Recipe) -> Recipe:
    """The recipe itself if it makes a picture or has nothing to do with masks, else put into the preset ``default``."""
    return recipe if is_automatic(recipe) else in_default_preset(recipe)


def in_default_preset(recipe: Recipe) -> Recipe:
    """The recipe put into the preset ``default``, unless it has masks or backgrounds of its own."""
    if recipe.generators or recipe.backgrounds:
        return recipe
    ops = merge_options(preset_options("default"), recipe.ops)
    return check_recipe(Recipe(tuple(ops), recipe.revert, recipe.layered))


def tell_default_preset(quiet: bool) -> None:
    """Say that options are put into the preset ``default``."""
    if not quiet:
        print("no mask generator and no background asked for: using --preset default", file=sys.stderr)


def chosen_recipe(recipe: Recipe, stack: Stack, quiet: bool, by_focus: bool = False) -> Recipe:
    """A recipe that asks for no picture with the background that fits a stack, printed with the reasons."""
    from imfuse_tiles.planning.auto_preset import choose

    choice = choose(recipe, stack, by_focus)
    if not quiet:
        print(f"auto: {choice.recipe}", *choice.reasons, sep="\n  ", file=sys.stderr)
    return choice.recipe
