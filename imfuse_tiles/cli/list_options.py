"""``ops`` and ``presets``: what there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field
from typing import TYPE_CHECKING, Any

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.cli.argument_parser import value_text
from imfuse_tiles.cli.help import argument_names, options_by_section, summary
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options import config_files
from imfuse_tiles.options.grammar import REGISTRY, Option, argument_fields
from imfuse_tiles.options.option_parser import resolve_option_name

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def ops(words: Sequence[str]) -> int:
    """List all options, or explain those named."""
    names = [word.removeprefix("--") for word in words if word not in ("-h", "--help")]
    if names:
        print("\n\n".join(map(explain_name, names)))
        return 0
    for section, options in options_by_section().items():
        print(f"{section}:")
        rows = [(option.name, argument_names(option), summary(option)) for option in options]
        first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
        print("".join(f"  --{name:<{first}} {letters:<{second}} {text}\n" for name, letters, text in rows))
    return 0


def explain_name(name: str) -> str:
    """The explanation of an option by its name or a beginning of it; for one of no recipe what ``--help`` says."""
    if name not in REGISTRY:
        from imfuse_tiles.cli.arguments import fuse_parser

        for action in fuse_parser("fuse")._actions:
            if f"--{name}" in action.option_strings:
                return f"--{name}{value_text(action)}: {action.help}"
    return explain_option(REGISTRY[resolve_option_name(name)])


def explain_option(option: type[Option]) -> str:
    """An option with its arguments, defaults and allowed values."""
    lines = [f"--{option.name}: {summary(option)}"]
    for argument in argument_fields(option):
        lines.append(f"  {argument.name:<6} {argument.metadata['help']}{default_text(argument)}")
        choices = argument.metadata.get("choices")
        if choices:
            lines.append(f"         one of {', '.join(choices() if callable(choices) else choices)}")
    examples = [f"--{option.name}={text}" if text else f"--{option.name}" for text in option.examples]
    return "\n".join([*lines, f"  for example {'  '.join(examples)}"])


def default_text(argument: Field[Any]) -> str:
    """What an argument is when it is left out, in brackets."""
    default = argument.default
    if default is None:
        return ""
    if default is MISSING:
        return " (must be given)"
    if isinstance(default, bool):
        return " [yes]" if default else " [no]"
    return f" [{default:g}]" if isinstance(default, float) else f" [{default}]"


PRESETS = """usage: imfuse-tiles presets [NAME...]       list the presets, or those named, with their options
       imfuse-tiles presets --path [NAME]   print the folder they lie in, or the file of one

A preset is a TOML file with an array named options; fuse --preset takes its name, or the path of your own."""

AUTO = "auto: Looks at some frames and chooses --bg=pyramid with what fits them; what a run without options does."


def presets(words: Sequence[str]) -> int:
    """List the presets, or print where they lie."""
    if words and words[0] in ("-h", "--help"):
        print(PRESETS)
    elif words and words[0] == "--path" and len(words) < 3:
        print(config_files.find_preset(words[1]) if words[1:] else config_files.config_folder())
    elif any(word.startswith("-") for word in words):
        raise Refusal(f"presets {' '.join(words)}: allowed are names of presets, or --path with at most one")
    else:
        named = {word: config_files.find_preset(word) for word in words if word != "auto"}
        files = named if words else config_files.list_presets()
        lines = [AUTO] if "auto" in words or not words else []
        print("\n".join([*lines, *(_preset_text(name, file) for name, file in files.items())]))
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
