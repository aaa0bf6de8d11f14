"""Removing what killed writers left half written in a store. An object behind a URL is never half written."""

from __future__ import annotations

from collections.abc import Iterable

from imfuse_tiles.storage.arrays import group_metadata_file
from imfuse_tiles.storage.chunked_array import ChunkedArray
from imfuse_tiles.storage.partial_files import remove_partial_files
from imfuse_tiles.storage.store import Store


def sweep_store(store: Store, paths: Iterable[str] = ()) -> None:
    """Remove what is half written of these arrays and their groups, beside journals and numbers, and by who held it."""
    paths = list(paths)
    if store.is_local:
        places = [
            "zarr.json",
            "holder",
            *_part_holders(store),
            "numbers",
            "journal",
            *set(map(group_metadata_file, paths)),
            *paths,
        ]
        remove_partial_files(store.root, places)


def sweep_chunks(store: Store, arrays: Iterable[tuple[ChunkedArray, Iterable[tuple[int, ...]]]]) -> None:
    """Remove what is half written of chunks, by their arrays and indices, that nobody else has to write."""
    for array, indices in arrays if store.is_local else ():
        remove_partial_files(store.root, [array.path], {array.chunk_name(index) for index in indices})


def _part_holders(store: Store) -> list[str]:
    """The names of files that say who computes a part of a run."""
    return [f"holder{path.name.removeprefix('lock')}" for path in store.folder.glob("lock-*")]
