"""Results that are folders: written beside their place, moved there when complete, and gone on with after a stop.

What is half written has a name that tells which result it is a part of; a part of another one is removed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.imageio.writing.formats import ending_of, format_of
from imfuse_tiles.imageio.writing.replace_parts import locked, replace_parts, restore_replaced
from imfuse_tiles.imageio.writing.target import check_parent, check_vacant, partial_stem

#: Files that are flushed one by one; more at once with all else, as a hundred thousand would take minutes.
MOST_SINGLE = 1000
#: Names under which the parts of a result are known, and their places.
Parts = Sequence[tuple[str, Path]]


def parts_of(path: Path) -> Parts:
    """What a result consists of: a deep zoom of its file and the folder of tiles, others of themselves."""
    if format_of(path).kind != "dzi":
        return [("", path)]
    return [("files", path.with_name(path.name.removesuffix(ending_of(path)) + "_files")), ("descriptor", path)]


def restore_result(path: Path) -> None:
    """Put back a result that a killed run was replacing, or remove it where the new one is complete."""
    if path.parent.is_dir():
        restore_replaced([place for _, place in parts_of(path)])


def check_folder_place(path: Path, force: bool) -> None:
    """AlreadyExists if a part of the result is there and `force` is not given; Refusal of what is no such result.

    A result that a killed run was replacing is put back first.
    """
    check_parent(path)
    restore_result(path)
    for _, place in parts_of(path):
        check_vacant(place, force)
        if os.path.lexists(place) and not _is_result(place):
            name = format_of(path).name
            raise Refusal(f"{place}: is there and is no result as {name}; not even --force overwrites it")


@contextmanager
def complete_or_resumed(
    path: Path, identity: str, force: bool, note: Callable[[Parts], None] | None = None
) -> Iterator[Path]:
    """A folder that becomes `path` when the block ends well; else it stays, and is given again for the same `identity`.

    A result of several parts has them in the folder under their names. `note` as in complete_or_absent. AlreadyExists
    while another run writes the same.
    """
    check_folder_place(path, force)
    folder = path.with_name(partial_stem(path) + identity)
    _remove_others(folder, partial_stem(path))
    folder.mkdir(exist_ok=True)
    with locked(folder, path):
        yield folder
        check_folder_place(path, force)
        parts = [(name, folder / name if name else folder) for name, _ in parts_of(path)]
        if note:
            note(parts)
        flush_folder(folder)  # a power cut leaves all of it or what was there before
        replace_parts([(new, place) for (_, new), (_, place) in zip(parts, parts_of(path), strict=True)])
        with suppress(FileNotFoundError):
            folder.rmdir()
        sync(path.parent)


def flush_folder(folder: Path) -> None:
    """Have all that lies in a folder on the disk."""
    places = [folder, *folder.rglob("*")]
    if len(places) > MOST_SINGLE and hasattr(os, "sync"):
        os.sync()
        return
    for place in places:
        sync(place)


def sync(place: Path) -> None:
    """Have a file, or the names in a folder, on the disk, where that can be asked for."""
    with suppress(OSError):
        number = os.open(place, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _is_result(place: Path) -> bool:
    """Whether what is at a place may be replaced: a file, levels of tiles, an OME-Zarr; no link, no other folder."""
    if place.is_symlink() or not place.is_dir():
        return place.is_file() and not place.is_symlink()
    names = [entry.name for entry in os.scandir(place)]
    if place.name.endswith("_files"):
        return all(name.isdigit() for name in names)
    return not names or _has_multiscales(place)


def _has_multiscales(folder: Path) -> bool:
    """Whether a folder says that it is an image of OME-Zarr, and of no store of this program."""
    for name in ("zarr.json", ".zattrs"):
        with suppress(OSError, ValueError, AttributeError, RecursionError):
            metadata = json.loads((folder / name).read_bytes())
            attributes = metadata.get("attributes", {}) if name == "zarr.json" else metadata
            if "format" in attributes.get("imfuse_tiles", {}):
                return False
            return "multiscales" in attributes.get("ome", attributes)
    return False


def _remove_others(folder: Path, stem: str) -> None:
    """Remove what stopped runs left of another result of the same name."""
    for other in folder.parent.iterdir():
        if other.name.startswith(stem) and other != folder and other.is_dir() and not other.is_symlink():
            with suppress(AlreadyExists), locked(other, other):
                shutil.rmtree(other, ignore_errors=True)
