"""Names of results that were given none: digests of the sources and of the options."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.writing import ENDINGS
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.planning.plan import Plan

#: Bytes of the longest name that every file system takes, less what is put behind it.
LONGEST = 200
#: Folders that are looked through for an earlier result at most.
MOST = 5000


def result_digests(plan: Plan) -> str:
    """Six hex digits of the sources and six of the options: the same result has the same."""
    return f"{plan.stack.digest[-6:]}_{digest(options_digest_parts(plan))[-6:]}"


def options_digest_parts(plan: Plan) -> list[Any]:
    """What the options ask for: their text, the content of files they name, versions of functions they call.

    Where the program computes something else than it once did, that is told apart too.
    """
    files = [stage.key for stage in plan.stages for output in stage.outputs if output.path.startswith("file/")]
    return [str(plan.recipe), files, [op.record().get("versions", []) for op in plan.recipe.ops], *plan.revised]


def default_name(plan: Plan, base: str | None, long: bool, ending: str) -> Path:
    """The place of a result that was given none.

    ``base``: a folder (the name has no base then) or a path that begins the name; empty: the name of this folder.
    ``long``: the options stand in the name, as far as it may be that long. Refusal for an unknown ``ending``.
    """
    if f".{ending}" not in ENDINGS:
        raise Refusal(f"--format {ending}: allowed are tif, png, jpg, jxl, ome.tif, ome.zarr, dzi")
    if base == "":
        base = Path.cwd().name
    folder = Path(base) if base and Path(base).is_dir() else Path(base or "").parent
    start = "" if not base or Path(base).is_dir() else Path(base).name
    said = str(plan.recipe).replace(" ", "").replace("/", "_") if long else ""
    stem = f"{start}{result_digests(plan)}{'_layered' if plan.recipe.layered else ''}{said}"
    return folder / f"{shorten_name(stem)}.result.{ending}"


def shorten_name(stem: str) -> str:
    """As much of a name as a file system takes."""
    while len(stem.encode()) > LONGEST:
        stem = stem[:-1]
    return stem


def find_finished_result(
    plan: Plan, folder: Path, ending: str, is_result: Callable[[Path], bool] = Path.is_file
) -> Path | None:
    """A result of the very same sources and options, whatever its base name.

    ``is_result``: whether a file of the right name is one. Looked for in ``folder``, then below the current one,
    nearest first.
    """
    name = f"*{result_digests(plan)}*.result.{ending}"
    for place in (folder, *folders_below(Path())):
        found = next((path for path in sorted(place.glob(name)) if is_result(path)), None)
        if found:
            return found
    return None


def folders_below(folder: Path) -> Iterator[Path]:
    """Folders below one and itself, level by level, as many as are looked through in a moment.

    No hidden ones, no links, and nothing inside a store.
    """
    level, left = [folder], MOST
    while level:
        yield from level
        level = [each for parent in level for each in subfolders(parent)][:left]
        left -= len(level)


def subfolders(folder: Path) -> list[Path]:
    """The folders in one, by name; none that cannot be read, and none of a store."""
    try:
        with os.scandir(folder) as entries:
            found = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    except OSError:
        return []
    return [] if "zarr.json" in found else [folder / each for each in sorted(found) if found[each] and each[0] != "."]
