"""Help texts, made from the declarations of the options."""

from __future__ import annotations

import argparse

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.argument_parser import value_text
from imfuse_tiles.options.grammar import REGISTRY, SECTIONS, Op, arguments


def sections() -> dict[str, list[type[Op]]]:
    """The options by section in the order in which a run meets them, alphabetically within a section."""
    kinds = sorted(REGISTRY.values(), key=lambda kind: kind.name)
    return {section: [kind for kind in kinds if kind.section == section] for section in SECTIONS}


def summary(kind: type[Op]) -> str:
    """The first line of an option's description."""
    return (kind.__doc__ or "").strip().split("\n")[0]


def letters(kind: type[Op]) -> str:
    """The arguments an option takes, in short."""
    names = {"word1": "WORD", "word2": "WORD2"}
    return ",".join(names.get(item.name, item.name) for item in arguments(kind))


def fuse_help(parser: argparse.ArgumentParser) -> str:
    """All options of ``fuse``."""
    lines = [f"usage: {parser.prog} [OPTIONS] IMAGE...", ""]
    for action in parser._actions:
        names = ", ".join(action.option_strings) or str(action.metavar)
        lines.append(f"  {names + value_text(action):<26} {action.help}")
    for section, kinds in sections().items():
        lines += ["", f"{section}:"]
        lines += [f"  --{kind.name:<24} {summary(kind)}" for kind in kinds]
    lines += ["", "Arguments follow = and are separated by commas: --blur=s1,S2. Explained by: imfuse-tiles ops NAME"]
    return "\n".join(lines)
