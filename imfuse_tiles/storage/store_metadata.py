"""The metadata of a store itself, ``zarr.json`` at its root, and telling a store that has lost them."""

from __future__ import annotations

from typing import Any

from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.journal import Journal
from imfuse_tiles.storage.json_values import get_nested, read_json, write_json
from imfuse_tiles.storage.numbers import Numbers

FORMAT = 1
#: Names of entries that are looked at before a place is taken for no store.
MOST_ENTRIES = 200


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
    """Whether a place without readable metadata is a store: a journal or a note in it has a checksum that is right."""
    if read_json(files, "zarr.json") is not None:
        return False
    journals = (name.partition("/")[2].partition(".d/")[0] for name in _names(files, "journal"))
    if any(Journal(files, key).layout() is not None for key in dict.fromkeys(journals)):
        return True
    notes = (name.partition("/")[2].removesuffix(".json") for name in _names(files, "numbers"))
    return any(Numbers(files).load(key) is not None for key in notes)


def _names(files: Files, folder: str) -> list[str]:
    names = []
    for name, _ in files.list_files(folder):
        names.append(name)
        if len(names) == MOST_ENTRIES:
            break
    return names
