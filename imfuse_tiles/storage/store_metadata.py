"""The metadata of a store itself, ``zarr.json`` at its root, and telling a store that has lost them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.journal import Journal
from imfuse_tiles.storage.json_values import get_nested, read_json, write_json
from imfuse_tiles.storage.numbers import Numbers

FORMAT = 1
#: How the file begins.
_BEGINNING = b'{"zarr_format": 3, "node_type": "group", "attributes": {"imfuse_tiles": {"format": %d}' % FORMAT
#: Names of entries that are looked at before a place is taken for no store.
MOST_ENTRIES = 200
#: Names that only this program gives: of journals and their parts, numbers and notes, groups and arrays.
_KEY = r"[0-9a-f]{16}"
_NOTE = rf"(runs|part-\d+-of-\d+|([a-z]+-)?{_KEY})\.json"
OWN_NAMES = re.compile(
    rf"(zarr\.json|journal/{_KEY}(\.d/[^/]+)?|numbers/{_NOTE}|[a-z]+/zarr\.json|[a-z]+/{_KEY}[-.\w]*/(zarr\.json|c(/\d+)+))"
    r"(\.[^/]+\.partial)?"
)
#: Names that a run gives to files before the place is a store.
LOCK_NAMES = re.compile(r"(lock|holder)(-part-\d+-of-\d+)?(\.[^/]+\.partial)?")


def store_format(files: Files) -> Any:
    """The format that the metadata name, None when there are none or they are not those of a store."""
    return get_nested(read_json(files, "zarr.json"), "attributes", "imfuse_tiles", "format")


def write_store_metadata(files: Files, ome: dict[str, Any] | None = None) -> None:
    """Write what makes a place a store, and a zarr group; ``ome``: what tells viewers of OME-Zarr which image it is."""
    attributes = {"imfuse_tiles": {"format": FORMAT}, **({"ome": ome} if ome else {})}
    metadata = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    if read_json(files, "zarr.json") != metadata:
        write_json(files, "zarr.json", metadata)


def has_lost_metadata(files: Files) -> bool:
    """Whether a place without readable metadata is a store: a journal or a note in it has a checksum that is right.

    After the worst power cuts none has; then all names must be such as only this program gives, and of the metadata
    nothing may be left but the beginning.
    """
    if read_json(files, "zarr.json") is not None:
        return False
    journals = (name.partition("/")[2].partition(".d/")[0] for name in _names(files, "journal"))
    if any(Journal(files, key).layout() is not None for key in dict.fromkeys(journals)):
        return True
    notes = (name.partition("/")[2].removesuffix(".json") for name in _names(files, "numbers"))
    return any(Numbers(files).load(key) is not None for key in notes) or _has_only_own_names(files)


def _has_only_own_names(files: Files) -> bool:
    with suppress(FileNotFoundError):
        if not _BEGINNING.startswith(files.read("zarr.json")[: len(_BEGINNING)].rstrip(b"\0")):
            return False
    names = [name for name in _names(files, "") if not LOCK_NAMES.fullmatch(name)]
    return bool(names) and all(map(OWN_NAMES.fullmatch, names))


def _names(files: Files, folder: str) -> list[str]:
    names = []
    for name, _ in files.list_files(folder):
        names.append(name)
        if len(names) == MOST_ENTRIES:
            break
    return names
