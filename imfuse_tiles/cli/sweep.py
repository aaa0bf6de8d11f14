"""``sweep``: every combination of some values of options, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.argument_parser import Parser, whole_number
from imfuse_tiles.errors import AlreadyExists, Refusal

if TYPE_CHECKING:
    from imfuse_tiles.options.recipe import Recipe
    from imfuse_tiles.options.variations import Combination

#: What begins a variation of presets.
PRESETS = "--preset="
#: Arguments of ``fuse`` that are about one result.
FOR_ONE = (
    "report", "video", "performance", "view", "show", "showname", "dry_run", "json", "strokes", "basename", "longname",
    "part",
)  # fmt: skip


def sweep_parser() -> Parser:
    """The arguments of ``sweep`` that are not those of ``fuse``."""
    parser = Parser(prog="imfuse-tiles sweep", allow_abbrev=False,
                    description="Fuse a stack with every combination of some values of options, and put the results "
                    "side by side. All options of fuse are allowed, too; --crop makes it quick.")  # fmt: skip
    add = parser.add_argument
    add(
        "--vary", action="append", metavar="OPTION=A|B",
        help="an option and its values, such as --cutless=p10|p20|none, or presets: --preset=default|auto",
    )  # fmt: skip
    add("-o", "--output", metavar="DIR", default="sweep", help="folder of results, sheet.png and index.html (sweep)")
    add(
        "--pick", type=whole_number(1), metavar="N", help="fuse the whole frames as the N-th of an earlier sweep in DIR"
    )
    return parser


def sweep(words: Sequence[str]) -> int:
    """Fuse all combinations, or the whole of one."""
    taken, rest = split_words(words)
    own = sweep_parser().parse_args(taken)
    folder = Path(own.output)
    if own.pick:
        if own.vary:
            raise Refusal(f"--pick takes one of the sweep that {folder} holds; --vary has no meaning with it")
        from imfuse_tiles.cli.sweep_pick import pick

        return pick(folder, own.pick, rest)
    from imfuse_tiles.cli.arguments import fuse_parser, parse_fuse_args
    from imfuse_tiles.cli.sweep_pick import RECORD
    from imfuse_tiles.cli.sweep_run import run_all
    from imfuse_tiles.imageio.writing.target import check_folder

    check_varied(own.vary, rest)
    args, recipe = parse_fuse_args(fuse_parser("sweep"), rest)
    check_for_many(args)
    check_folder(folder)
    found = vary(recipe, own.vary, args)
    if folder.exists() and not (folder / RECORD).exists() and any(folder.iterdir()) and args.force is None:
        raise AlreadyExists(f"{folder}: is a folder with other files; --force writes into it")
    run_all(args, found, folder)
    return 0


def check_varied(texts: Sequence[str] | None, rest: Sequence[str]) -> None:
    """Refusal where nothing varies; of an option with several values the variation that it was meant to be."""
    meant = next((word for word in rest if word.startswith("--") and "|" in word.partition("=")[2]), None)
    if meant:
        raise Refusal(f"{meant}: several values are a variation: --vary '{meant}'")
    if not texts:
        raise Refusal("sweep: nothing varies; --vary '--cutless=p10|p20' is an option with its values")


def check_for_many(args: argparse.Namespace) -> None:
    """Refusal of arguments that are for the files, or the display, of a single result."""
    given = [name for name in FOR_ONE if getattr(args, name) not in (None, False)]
    if args.format.lstrip(".") not in ("tif", "tiff"):
        given.append("format")
    if given:
        raise Refusal(f"--{given[0].replace('_', '-')} is for one result: give it to --pick N once the sweep is done")


def vary(recipe: Recipe, texts: Sequence[str], args: argparse.Namespace) -> list[Combination]:
    """All combinations, presets changing slowest. If one has options for masks but makes none, those without a picture
    are put into ``default``: what leaves an option out is to differ from the others by that option alone."""
    from imfuse_tiles.cli.recipe_arguments import in_default_preset, tell_default_preset, with_default_preset
    from imfuse_tiles.options.variations import combinations, parse_variation, total_of

    variations = [parse_variation(text) for text in texts if not text.startswith(PRESETS)]
    bases = presets_of(recipe, [text for text in texts if text.startswith(PRESETS)], args)
    total_of(variations, len(bases))
    found = [replace(one, varied=(*words, *one.varied))
             for words, base in bases for one in combinations(base, variations)]  # fmt: skip
    if all(with_default_preset(one.recipe) == one.recipe for one in found):
        return found
    tell_default_preset(args.quiet)
    return [replace(one, varied=(*words, *one.varied))
            for words, base in bases for one in combinations(base, variations, in_default_preset)]  # fmt: skip


def presets_of(recipe: Recipe, texts: Sequence[str], args: argparse.Namespace) -> list[tuple[tuple[str, ...], Recipe]]:
    """The recipe put into each preset that is varied, with the words that tell it; as it is where none are."""
    from imfuse_tiles.cli.recipe_arguments import merge_options, preset_options
    from imfuse_tiles.options.variations import values_of

    if not texts:
        return [((), recipe)]
    if len(texts) > 1 or args.preset:
        raise Refusal("--vary --preset: is varied or given twice, allowed is once")
    presets = {name: preset_options(name, args.allow_code) for name in values_of(texts[0])}
    return [((f"{PRESETS}{name}",), replace(recipe, ops=tuple(merge_options(ops, recipe.ops))))
            for name, ops in presets.items()]  # fmt: skip


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of the sweep itself, each with its value, and those of fuse. A value may begin with dashes."""
    own: list[str] = []
    rest: list[str] = []
    remaining = iter(words)
    for word in remaining:
        name, equals, _ = word.partition("=")
        if name in ("-h", "--help"):
            own.append(word)
        elif name not in ("--vary", "-o", "--output", "--pick"):
            rest.append(word)
        elif equals:
            own.append(word)
        elif (value := next(remaining, None)) is not None:
            own.append(f"{'--output' if name == '-o' else name}={value}")
        else:
            raise Refusal(f"{name} needs a value")
    return own, rest
