"""The tables of options in the manual, made from the declarations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field
from typing import Any

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.argument_parser import value_text
from imfuse_tiles.cli.arguments import fuse_parser
from imfuse_tiles.cli.help import options_by_section, summary
from imfuse_tiles.options.grammar import Option, argument_fields
from imfuse_tiles.options.mask_generator import MaskGenerator


def option_tables() -> str:
    """All options of ``fuse`` in Markdown: the general ones, what every mask generator takes, and each section."""
    parts = [general_table(), generator_table()]
    for section, options in options_by_section().items():
        rows = [(f"`--{option.name}`", own_arguments(option), summary(option)) for option in options]
        parts.append(table(section, ("option", "arguments", "what it does"), rows))
    return "\n\n".join(parts)


def general_table() -> str:
    """Options that are not part of a recipe: what is read and written, and how."""
    rows = []
    for action in fuse_parser("fuse")._actions:
        names = ", ".join(action.option_strings) or "IMAGE..."
        rows.append((f"`{names}{value_text(action)}`", str(action.help)))
    return table("General options", ("option", "what it does"), rows)


def generator_table() -> str:
    """Arguments that all mask generators take."""
    rows = [(f"`{argument.name}`", argument.metadata["help"]) for argument in argument_fields(MaskGenerator)]
    return table("Arguments of every mask generator", ("argument", "what it does"), rows)


def own_arguments(option: type[Option]) -> str:
    """An option's arguments with their defaults, without those that all mask generators have in common."""
    common = (
        {item.name: item.default for item in argument_fields(MaskGenerator)}
        if issubclass(option, MaskGenerator)
        else {}
    )
    own = [item for item in argument_fields(option) if item.name not in common or common[item.name] != item.default]
    return " ".join(f"`{argument_text(item)}`" for item in own)


def argument_text(argument: Field[Any]) -> str:
    """An argument with its default value, as it would be written."""
    word = {"word1": "WORD", "word2": "WORD2"}.get(argument.name)
    if argument.default is MISSING or argument.default is None:
        return word or argument.name
    if isinstance(argument.default, bool):
        return argument.name if argument.default else f"{argument.name}=no"
    if isinstance(argument.default, str):
        return argument.default if word else f"{argument.name}={argument.default}"
    return f"{argument.name}{argument.default:g}"


def table(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table under a heading."""
    lines = [f"## {title}", "", f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)
