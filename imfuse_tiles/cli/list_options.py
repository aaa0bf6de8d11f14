"""``ops`` and ``presets``: what there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field
from typing import TYPE_CHECKING, Any

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.help import letters, sections, summary
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options import config_files
from imfuse_tiles.options.grammar import REGISTRY, Op, arguments, named

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def ops(words: Sequence[str]) -> int:
    """List all options, or explain those named."""
    names = [word.removeprefix("--") for word in words if word not in ("-h", "--help")]
    if names:
        print("\n\n".join(explained(REGISTRY[named(name)]) for name in names))
        return 0
    for section, kinds in sections().items():
        print(f"{section}:")
        for kind in kinds:
            print(f"  --{kind.name:<15} {letters(kind):<44} {summary(kind)}")
        print()
    return 0


def explained(kind: type[Op]) -> str:
    """An option with its arguments, defaults and allowed values."""
    lines = [f"--{kind.name}: {summary(kind)}"]
    for item in arguments(kind):
        data = item.metadata
        lines.append(f"  {item.name:<6} {data['help']}{_default(item)}")
        choices = data.get("choices")
        if choices:
            lines.append(f"         one of {', '.join(choices() if callable(choices) else choices)}")
    examples = [f"--{kind.name}={text}" if text else f"--{kind.name}" for text in kind.examples]
    return "\n".join([*lines, f"  for example {'  '.join(examples)}"])


def _default(item: Field[Any]) -> str:
    """What an argument is when it is not given, in brackets."""
    if item.default is None:
        return ""
    if item.default is MISSING:
        return " (must be given)"
    shown = (
        {True: "yes", False: "no"}.get(item.default, item.default) if isinstance(item.default, bool) else item.default
    )
    return f" [{shown:g}]" if isinstance(shown, float) else f" [{shown}]"


PRESETS = """usage: imfuse-tiles presets                 list the presets with their options
       imfuse-tiles presets --path [NAME]   print the folder they lie in, or the file of one

A preset is a TOML file with an array named options; fuse --preset takes its name, or the path of your own."""


def presets(words: Sequence[str]) -> int:
    """List the presets, or print where they lie."""
    if words and words[0] in ("-h", "--help"):
        print(PRESETS)
    elif words and words[0] == "--path" and len(words) < 3:
        print(config_files.find_preset(words[1]) if words[1:] else config_files.config_folder())
    elif words:
        raise Refusal(f"presets {' '.join(words)}: allowed is no argument, or --path with at most one name")
    else:
        print("\n".join(_preset_text(name, file) for name, file in config_files.list_presets().items()))
    return 0


def _preset_text(name: str, file: Traversable) -> str:
    """A preset with its description and its options; the reason where its file cannot be read."""
    try:
        options = [
            f"--{option}" + ("" if text is None else f"={text}") for option, text in config_files.load_preset(name)
        ]
        return f"{name}: {config_files.describe(file)}\n  {' '.join(options)}"
    except Refusal as refusal:
        return f"{name}: {refusal}"
