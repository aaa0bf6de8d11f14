"""Help texts, made from the declarations of the options."""

from __future__ import annotations

import argparse
from collections.abc import Collection

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.argument_parser import value_text
from imfuse_tiles.options.grammar import REGISTRY, SECTIONS, Option, argument_fields


def options_by_section() -> dict[str, list[type[Option]]]:
    """The options by section in the order in which a run uses them, alphabetically within a section."""
    options = sorted(REGISTRY.values(), key=lambda option: option.name)
    return {section: [option for option in options if option.section == section] for section in SECTIONS}


def summary(option: type[Option]) -> str:
    """The first line of an option's description."""
    return (option.__doc__ or "").strip().split("\n")[0]


def argument_names(option: type[Option]) -> str:
    """The arguments an option takes, in short."""
    words = {"word1": "WORD", "word2": "WORD2"}
    return ",".join(words.get(argument.name, argument.name) for argument in argument_fields(option))


def fuse_help(parser: argparse.ArgumentParser, refused: Collection[str] = ()) -> str:
    """All options of ``fuse`` but those that are ``refused``, by the names of their values."""
    frames = next(action.metavar for action in parser._actions if action.dest == "images")
    lines = [f"usage: {parser.prog} [OPTIONS] {frames}...", ""]
    for action in parser._actions:
        if action.dest in refused:
            continue
        names = ", ".join(action.option_strings) or str(action.metavar)
        lines.append(f"  {names + value_text(action):<28} {action.help}")
    for section, options in options_by_section().items():
        lines += ["", f"{section}:"]
        lines += [f"  --{option.name:<26} {summary(option)}" for option in options]
    lines += ["", "Arguments follow = and are separated by commas: --blur=s1,S2. Explained by: imfuse-tiles ops NAME"]
    return "\n".join(lines)
