"""TOML files: presets, an array of options whose order counts, and cluster files, which say where blocks run.

The files that come with the program lie in the folder ``configs`` of a checkout and in ``imfuse_tiles/configs`` of an
installation, which may be a zip file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.custom_commands import OperatorChain
from imfuse_tiles.options.grammar import REGISTRY
from imfuse_tiles.options.option_parser import resolve_option_name
from imfuse_tiles.options.resources import SCHEDULER_HELP, is_callable

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

#: Why a file is refused that names a Python function.
RUNS_CODE = "runs Python code; --allow-code lets a file do so that you trust"


def config_folder() -> Traversable:
    """The folder of the presets and cluster files that come with the program."""
    from importlib.resources import files  # takes long to load

    installed = files("imfuse_tiles") / "configs"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "configs"


def is_path(name: str) -> bool:
    """Whether a preset or cluster file is named by its path: ``mine.toml`` and ``./mine`` are, ``mine`` is not.

    A plain name never means a file of the current folder: whoever left one there would decide what is run.
    """
    return name.endswith(".toml") or os.sep in name or (os.altsep or os.sep) in name


def list_presets() -> dict[str, Traversable]:
    """Every preset that comes with the program, by name; unreadable files too, which are reported when used."""
    files = sorted((file for file in config_folder().iterdir() if file.name.endswith(".toml")), key=lambda f: f.name)
    return {file.name.removesuffix(".toml"): file for file in files if _may_be_preset(file)}


def _may_be_preset(file: Traversable) -> bool:
    try:
        return "options" in _load(file)
    except Refusal:
        return True


def find_preset(name: str) -> Traversable:
    """The file of a preset, by its name or its path. Refusal when there is none."""
    if is_path(name):
        if not Path(name).is_file():
            raise Refusal(f"--preset {name}: no such file")
        return Path(name)
    presets = list_presets()
    if name not in presets:
        raise Refusal(
            f"--preset {name}: no such preset; there are auto, {', '.join(presets)}, or a path such as ./mine.toml"
        )
    return presets[name]


def names_function(option: str, text: str | None) -> bool:
    """Whether an option with this text behind ``=`` names a Python function, whose import runs code."""
    return issubclass(REGISTRY[option], OperatorChain) and ":" in (text or "")


def load_preset(name: str, allow_code: bool = False) -> list[tuple[str, str | None]]:
    """The options of a preset, by its name or its path: (option name, text after ``=`` or None) in their order.

    Refusal for one that names a Python function, unless ``allow_code``: importing it runs code of whoever wrote it.
    """
    file = find_preset(name)
    options = _load(file).get("options")
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        raise Refusal(f"{file}: a preset is an array of strings named options")
    split = [_split_option(file, option) for option in options]
    for option, text in split:
        if not allow_code and names_function(option, text):
            raise Refusal(f"{file}: --{option}={text} {RUNS_CODE}")
    return split


CLUSTER = {
    "about": str, "scheduler": str, "workers": int, "memory": str, "tile": int, "threads": int, "dashboard": str,
    "tls-cert": str, "tls-key": str, "tls-ca": str, "cluster": dict,
}  # fmt: skip


def load_cluster_file(name: str, allow_code: bool = False) -> dict[str, Any]:
    """The settings of a cluster file, by its name or path. Refusal when there is none or a setting is unknown.

    Refusal also for a scheduler that is a Python function, unless ``allow_code``.
    """
    file = Path(name) if is_path(name) else config_folder() / f"{name}.toml"
    if not file.is_file():
        raise Refusal(f"--scheduler {name} is not known; allowed is {SCHEDULER_HELP}")
    settings = _load(file)
    wrong = [key for key, value in settings.items() if type(value) is not CLUSTER.get(key)]
    if wrong or "scheduler" not in settings:
        raise Refusal(f"{file}: {wrong[0] if wrong else 'no scheduler'}; a cluster file has {', '.join(CLUSTER)}")
    if not allow_code and is_callable(settings["scheduler"]):
        raise Refusal(f"{file}: scheduler {settings['scheduler']} {RUNS_CODE}")
    return settings


def describe(file: Traversable) -> str:
    """The description that a preset gives of itself."""
    return str(_load(file).get("about", ""))


def _load(file: Traversable) -> dict[str, Any]:
    import tomllib  # only where a file is read: help does without

    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise Refusal(f"{file}: no readable TOML ({error})") from None


def _split_option(file: Traversable, text: str) -> tuple[str, str | None]:
    if not text.startswith("--"):
        raise Refusal(f"{file}: {text} is no option; one begins with --")
    name, equals, value = text[2:].partition("=")
    return resolve_option_name(name), value if equals else None
