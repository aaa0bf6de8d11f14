"""TOML files: presets, with an array of options whose order is kept, and clusters, with where blocks are computed."""

from __future__ import annotations

import sysconfig
import tomllib
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.grammar import named
from imfuse_tiles.options.resources import ALLOWED


def folders() -> list[Path]:
    """Where presets and cluster files lie: beside the package in a checkout, where data goes when installed."""
    schemes = (sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user"))
    data = [Path(sysconfig.get_path("data", scheme)) for scheme in schemes]
    return [Path(__file__).parents[2] / "configs", *(each / "share" / "imfuse-tiles" / "configs" for each in data)]


def presets() -> dict[str, Path]:
    """Every preset by name; a file that cannot be read is one too, as it is only to be named when it is used."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob("*.toml")):
            if path.stem not in found and _may_be_preset(path):
                found[path.stem] = path
    return found


def _may_be_preset(path: Path) -> bool:
    try:
        return "options" in _table(path)
    except Refusal:
        return True


def preset(name: str) -> list[tuple[str, str | None]]:
    """The options of a preset, by its name or its file: (name, text after = or None)."""
    known = presets()
    path = Path(name) if name not in known else known[name]
    if not path.is_file():
        raise Refusal(f"--preset {name}: no such preset or file; there are {', '.join(known)}")
    options = _table(path).get("options")
    if not isinstance(options, list) or not all(isinstance(each, str) for each in options):
        raise Refusal(f"{path}: a preset is an array of strings named options")
    return [_option(path, each) for each in options]


CLUSTER = {
    "about": str, "scheduler": str, "workers": int, "memory": str, "tile": int, "threads": int, "dashboard": str,
    "tls-cert": str, "tls-key": str, "tls-ca": str, "cluster": dict,
}  # fmt: skip


def cluster(name: str) -> dict[str, Any]:
    """What a cluster file says, by its name or path; Refusal when there is none or it says something else."""
    known = [folder / f"{name}.toml" for folder in (Path(), Path("configs"), *folders())]
    path = next((each for each in [Path(name), *known] if each.suffix == ".toml" and each.is_file()), None)
    if path is None:
        raise Refusal(f"--scheduler {name} is not known; allowed is {ALLOWED}")
    said = _table(path)
    wrong = [key for key, value in said.items() if type(value) is not CLUSTER.get(key)]
    if wrong or "scheduler" not in said:
        raise Refusal(f"{path}: {wrong[0] if wrong else 'no scheduler'}; a cluster file has {', '.join(CLUSTER)}")
    return said


def about(path: Path) -> str:
    """What a preset says of itself."""
    return str(_table(path).get("about", ""))


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refusal(f"{path}: no readable TOML ({error})") from None


def _option(path: Path, text: str) -> tuple[str, str | None]:
    if not text.startswith("--"):
        raise Refusal(f"{path}: {text} is no option; one begins with --")
    name, equals, value = text[2:].partition("=")
    return named(name), value if equals else None
