"""The tables of the manual, made from the declarations of the options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field
from typing import Any

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.argument_parser import value_text
from imfuse_tiles.cli.arguments import fuse_parser
from imfuse_tiles.cli.help import sections, summary
from imfuse_tiles.options.grammar import Op, arguments
from imfuse_tiles.options.mask_generator import Generator


def tables() -> str:
    """All options of ``fuse`` in Markdown: the general ones, what every mask takes, and each by its section."""
    parts = [general(), shared()]
    for section, kinds in sections().items():
        rows = [(f"`--{kind.name}`", own(kind), summary(kind)) for kind in kinds]
        parts.append(table(section, ("option", "arguments", "what it does"), rows))
    return "\n\n".join(parts)


def general() -> str:
    """Options that say what is read and written, and how."""
    rows = []
    for action in fuse_parser("fuse")._actions:
        names = ", ".join(action.option_strings) or "IMAGE..."
        rows.append((f"`{names}{value_text(action)}`", str(action.help)))
    return table("General options", ("option", "what it does"), rows)


def shared() -> str:
    """Arguments that all mask generators take."""
    rows = [(f"`{item.name}`", item.metadata["help"]) for item in arguments(Generator)]
    return table("Arguments of every mask generator", ("argument", "what it does"), rows)


def own(kind: type[Op]) -> str:
    """An option's arguments with their defaults, without those that it has in common with all generators."""
    usual = {item.name: item.default for item in arguments(Generator)} if issubclass(kind, Generator) else {}
    items = [item for item in arguments(kind) if item.name not in usual or usual[item.name] != item.default]
    return " ".join(f"`{_said(item)}`" for item in items)


def _said(item: Field[Any]) -> str:
    """An argument as it would be given to say its default."""
    word = {"word1": "WORD", "word2": "WORD2"}.get(item.name)
    if item.default is MISSING or item.default is None:
        return word or item.name
    if isinstance(item.default, bool):
        return item.name if item.default else f"{item.name}=no"
    if isinstance(item.default, str):
        return item.default if word else f"{item.name}={item.default}"
    return f"{item.name}{item.default:g}"


def table(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table under a heading."""
    lines = [f"### {title}", "", f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)
