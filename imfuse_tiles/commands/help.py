"""Help texts, made from the declarations of the options."""

from __future__ import annotations

import argparse

from imfuse_tiles.ops import ORDER
from imfuse_tiles.spec import REGISTRY, Op, arguments


def sections() -> dict[str, list[type[Op]]]:
    """The options by section, in the order of their modules."""
    places = {module.__name__: place for place, module in enumerate(ORDER)}
    found: dict[str, list[type[Op]]] = {}
    for kind in sorted(REGISTRY.values(), key=lambda kind: places.get(kind.__module__, len(places))):
        found.setdefault(kind.section, []).append(kind)
    return found


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
        value = f" {action.metavar}" if action.metavar and action.option_strings else ""
        lines.append(f"  {names + value:<26} {action.help}")
    for section, kinds in sections().items():
        lines += ["", f"{section}:"]
        lines += [f"  --{kind.name:<24} {summary(kind)}" for kind in kinds]
    lines += ["", "Arguments follow = and are separated by commas: --blur=s1,S2. Explained by: imfuse-tiles ops NAME"]
    return "\n".join(lines)
