"""Which files a run wrote, known by their content: a store remembers the size and digest of each.

Two notes in the store: one for each place that was written to, and one for each result, wherever a file of it went.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Literal

from imfuse_tiles.imageio.reading import read_header
from imfuse_tiles.imageio.reading.own_results import is_own_result
from imfuse_tiles.imageio.writing.folder_target import Parts, parts_of, restore_result
from imfuse_tiles.imageio.writing.formats import format_of
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.storage.store import Store

#: Files of one result that are remembered.
MOST_CONTENTS = 16
#: What lies at a place: nothing; the very file that was written; one that was written and changed since; an empty one,
#: as a power cut leaves; one that says to be a result of this program, of which no note is left; another.
State = Literal["absent", "written", "changed", "empty", "unnoted", "foreign"]


def output_state(store: Store, key: str, path: Path) -> State:
    """What lies at a place, by the note ``key`` of what was written there.

    A result that a killed run was replacing is put back first.
    """
    if format_of(path).folder:
        restore_result(path)
    if not os.path.lexists(path):
        return "absent"
    note = store.numbers.load(key) if store.exists() else None
    if note is None or not is_place_of_result(path):
        return "unnoted" if note is None and path.is_file() and is_own_result(path) else "foreign"
    if format_of(path).folder:
        return "written" if content_of(parts_of(path)) == (note.get("size"), note.get("sha256")) else "changed"
    status = path.stat()
    if status.st_size == note.get("size") and _is_content(path, status, note):
        return "written"
    return "changed" if status.st_size else "empty"


def is_place_of_result(path: Path) -> bool:
    """Whether there is a file, or all parts of a result that is a folder."""
    return all(place.exists() for _, place in parts_of(path)) if format_of(path).folder else path.is_file()


def content_of(parts: Parts) -> tuple[int, str]:
    """Bytes and SHA-256 of the parts of a result that is a folder: of all files with their names."""
    size, sha = 0, hashlib.sha256()
    for label, place in parts:
        files = sorted(each for each in place.rglob("*") if each.is_file()) if place.is_dir() else [place]
        for file in files:
            name = f"{label}/{file.relative_to(place).as_posix()}" if place.is_dir() else label
            size += file.stat().st_size
            sha.update(f"{name}\0{file_digest(file)}\0".encode())
    return size, sha.hexdigest()


def _is_content(path: Path, status: os.stat_result, note: dict[str, Any]) -> bool:
    if "sha256" not in note:  # of an earlier version
        return status.st_mtime_ns == note.get("mtime_ns")
    return file_digest(path) == note["sha256"]


def record_output(store: Store, key: str, plan: Plan, role: str, file: BinaryIO | Parts) -> None:
    """Remember a complete file, open for reading, or folder that goes to the place of the note ``key``."""
    if isinstance(file, Sequence):
        size, content = content_of(file)
        store.numbers.save(key, {"size": size, "sha256": content})
        return
    status = os.fstat(file.fileno())
    file.seek(0)
    content = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    store.numbers.save(key, {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": content})
    contents, entry = _contents(store, plan, role) or [], [status.st_size, content]
    if entry not in contents:
        store.numbers.save(_contents_key(plan, role), {"contents": [*contents, entry][-MOST_CONTENTS:]})


def is_finished_result(store: Store, plan: Plan, path: Path) -> bool:
    """Whether a file, whatever its place, is a result that was written for a plan.

    Where the store remembers none, it must be a complete picture of this program and of the plan's size.
    """
    if not path.is_file():
        return False
    contents = _contents(store, plan, "result")
    if contents is not None:
        return [path.stat().st_size, file_digest(path)] in contents
    return is_own_result(path) and picture_frame(path) == plan.stack.frame


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal; remembered while its size and times stay."""
    status = path.stat()
    return _digest(str(path.absolute()), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


@lru_cache(maxsize=64)
def _digest(path: str, *state: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _contents(store: Store, plan: Plan, role: str) -> list[Any] | None:
    """Sizes and digests of the files of a result, None when none is remembered."""
    note = store.numbers.load(_contents_key(plan, role)) if store.exists() else None
    contents = note.get("contents") if note else None
    return contents if isinstance(contents, list) else None


def _contents_key(plan: Plan, role: str) -> str:
    return "contents-" + digest([plan.identity, str(plan.recipe), role])


def picture_frame(path: Path) -> tuple[int, int] | None:
    """Height and width of a picture, None when it is none or not complete."""
    try:
        header = read_header(path)
    except Exception:  # whatever is wrong with it, it is no result
        return None
    return (header.height, header.width)
