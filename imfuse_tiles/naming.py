"""Names of results that were given none: digests of the sources and of the options."""

from __future__ import annotations

import hashlib
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.plan import Plan

#: Bytes of the longest name that every file system takes, less what is put behind it.
LONGEST = 200


def digests(plan: Plan) -> str:
    """Six hex digits of the sources and six of the options: the same result has the same."""
    return f"{plan.stack.digest[-6:]}_{hashlib.sha256(str(plan.recipe).encode()).hexdigest()[-6:]}"


def default_name(plan: Plan, base: str | None, long: bool, ending: str) -> Path:
    """The place of a result that was given none.

    ``base``: a folder (the name has no base then) or a path that begins the name; empty: the name of this folder.
    ``long``: the options stand in the name, as far as it may be that long. Refusal for an unknown ``ending``.
    """
    if ending not in ("tif", "tiff", "png", "jpg", "jpeg"):
        raise Refusal(f"--format {ending}: allowed are tif, png, jpg")
    if base == "":
        base = Path.cwd().name
    folder = Path(base) if base and Path(base).is_dir() else Path(base or "").parent
    start = "" if not base or Path(base).is_dir() else Path(base).name
    said = str(plan.recipe).replace(" ", "").replace("/", "_") if long else ""
    stem = f"{start}{digests(plan)}{'_layered' if plan.recipe.layered else ''}{said}"
    return folder / f"{shortened(stem)}.result.{ending}"


def shortened(stem: str) -> str:
    """As much of a name as a file system takes."""
    while len(stem.encode()) > LONGEST:
        stem = stem[:-1]
    return stem


def finished(plan: Plan, folder: Path) -> Path | None:
    """A result of the very same sources and options in a folder, whatever its base name; the first by name."""
    found = sorted(folder.glob(f"*{digests(plan)}*.result.*"))
    return next((path for path in found if path.is_file()), None)
