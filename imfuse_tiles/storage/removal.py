"""Removing stores, and stages of them, to make room."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.inventory import StoreContents, StoredStage, array_stage, bytes_by_array, total_bytes
from imfuse_tiles.storage.store import Store, delete_stage
from imfuse_tiles.storage.sweep import sweep_store


def list_stores(folder: Path) -> Iterator[Store]:
    """The stores in a cache folder, by name."""
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        store = Store(str(place))
        if place.is_dir() and store.exists():
            yield store


def remove_store(store: Store) -> int:
    """Remove a whole store that is in a folder; the bytes gained.

    AlreadyExists while a run works on it; Refusal of a link, whose store somebody may have put elsewhere on purpose.
    """
    if store.folder.is_symlink():
        target = store.folder.readlink()
        raise Refusal(f"{store.root}: is a link to {target}; name that store, or remove the link yourself")
    size = total_bytes(store)
    with store.locked():
        shutil.rmtree(store.folder, ignore_errors=True)
    shutil.rmtree(store.folder, ignore_errors=True)
    return size


def stages_to_remove(
    found: Sequence[tuple[Store, StoreContents]], keep: int | None, older: float | None
) -> Iterator[tuple[Store, StoredStage]]:
    """The stages to remove: those last of use ``older`` seconds ago, then the oldest until at most ``keep`` bytes stay.

    Of stages of the same run those come first that are quickest to do without: everything but the result and the
    images.
    """
    now = time.time()
    every = [(store, held) for store, each in found for held in each.stages if held.bytes]
    every.sort(key=lambda pair: (pair[1].used, _rank(pair[1])))
    total = sum(each.bytes for _, each in found)
    for store, held in every:
        if (older is not None and now - held.used > older) or (keep is not None and total > keep):
            total -= held.bytes
            yield store, held


def _rank(held: StoredStage) -> int:
    kind = held.paths[0].partition("/")[0] if held.paths else ""
    return {"source": 1, "final": 2}.get(kind, 0)


def remove_stages(store: Store, stages: Iterable[StoredStage]) -> None:
    """Remove stages with their arrays, and what no journal tells of; the store itself when nothing is left in it.

    AlreadyExists while a run works on it.
    """
    with store.locked():
        for held in stages:
            delete_stage(store, held.key, held.paths)
        for path in bytes_by_array(store):
            if store.journal(array_stage(store, path)).layout() is None:
                store.files.delete(path)
        sweep_store(store, bytes_by_array(store))
    if not bytes_by_array(store):
        remove_store(store)
