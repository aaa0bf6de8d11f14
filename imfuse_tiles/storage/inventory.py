"""What lies in stores and when it was last of use: told to people, and tidied away when it is too much."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.storage.open_files import locks_of
from imfuse_tiles.storage.store import Store, delete_stage
from imfuse_tiles.storage.sweep import sweep_store

#: The note in which a store keeps its last run and when each stage was last of use.
NOTE = "runs"


def passing(store: Store) -> frozenset[str]:
    """Keys of the stages that the last run to name them did not mean to keep."""
    stages: dict[str, Any] = (store.numbers.load(NOTE) or {}).get("stages", {})
    return frozenset(key for key, said in stages.items() if said.get("passing"))


@frozen
class Held:
    """A stage as a store holds it.

    ``begun``: whether there is any of it. ``used``: when a run last needed it, in seconds since 1970; 0 when not known.
    ``passing``: whether that run does not keep it.
    """

    key: str
    name: str
    paths: tuple[str, ...]
    blocks: int
    done: int
    begun: bool
    finished: bool
    bytes: int
    used: float = 0.0
    passing: bool = False


@frozen
class Contents:
    """What a store holds: its stages, those of the last run first and in its order, and the rest's bytes."""

    options: str
    folder: str
    images: tuple[str, ...]
    began: float
    last: tuple[str, ...]
    stages: tuple[Held, ...]
    bytes: int


def contents(store: Store) -> Contents:
    """Everything a store tells about itself. Refusal when it is none."""
    if not store.exists():
        raise Refusal(f"{store.root} is not a store of imfuse-tiles")
    store.check()
    said, sizes = store.numbers.load(NOTE) or {}, bytes_by_array(store)
    stages: dict[str, Any] = dict(said.get("stages", {}))
    for path in sizes:  # arrays of runs that were not noted
        key = path.rpartition("/")[2]
        stages.setdefault(key, {"name": path.partition("/")[0], "blocks": 0, "paths": []})
        if path not in stages[key]["paths"]:
            stages[key]["paths"].append(path)
    order = list(said.get("order", []))
    others = [key for key in stages if key not in order and store.journal(key).layout() is not None]
    held = [_held(store, key, stages[key], sizes) for key in [*order, *others]]
    return Contents(
        said.get("options", ""), said.get("folder", ""), tuple(said.get("images", ())), said.get("began", 0.0),
        tuple(order), tuple(held), total_bytes(store),
    )  # fmt: skip


def total_bytes(store: Store) -> int:
    """Bytes of all files; one that goes away meanwhile does not count."""
    return sum(size for _, size in store.files.list_files())


def bytes_by_array(store: Store) -> dict[str, int]:
    """Bytes of every array by its path."""
    found: dict[str, int] = {}
    for name, size in store.files.list_files():
        parts = name.split("/")
        if len(parts) > 2 and parts[0] not in ("journal", "numbers"):
            path = "/".join(parts[:2])
            found[path] = found.get(path, 0) + size
    return found


def _held(store: Store, key: str, said: dict[str, Any], sizes: dict[str, int]) -> Held:
    done, begun = len(store.journal(key).completed_blocks()), store.journal(key).layout() is not None
    finished = store.numbers.load(key) is not None
    paths = tuple(said["paths"])
    size = sum(sizes.get(path, 0) for path in paths)
    blocks, used, passing = max(said["blocks"], done), said.get("used", 0.0), bool(said.get("passing"))
    return Held(key, said["name"], paths, blocks, done, begun, finished, size, used, passing)


def in_use(store: Store) -> str:
    """Who works on a store now, empty when nobody does."""
    return locks_of(store.root).current_holder()


def stores(folder: Path) -> Iterator[Store]:
    """The stores in a cache folder, by name."""
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        store = Store(str(place))
        if place.is_dir() and store.exists():
            yield store


def remove(store: Store) -> int:
    """Remove a whole store that is in a folder; the bytes gained.

    Exists while a run works on it; Refusal of a link, whose store somebody may have put elsewhere on purpose.
    """
    if store.folder.is_symlink():
        target = store.folder.readlink()
        raise Refusal(f"{store.root}: is a link to {target}; name that store, or remove the link yourself")
    size = total_bytes(store)
    with store.locked():
        shutil.rmtree(store.folder, ignore_errors=True)
    shutil.rmtree(store.folder, ignore_errors=True)
    return size


def tidied(
    found: Sequence[tuple[Store, Contents]], keep: int | None, older: float | None
) -> Iterator[tuple[Store, Held]]:
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


def _rank(held: Held) -> int:
    kind = held.paths[0].partition("/")[0]
    return {"source": 1, "final": 2}.get(kind, 0)


def drop(store: Store, stages: Iterable[Held]) -> None:
    """Remove stages with their arrays, and what no journal tells of; the store itself when nothing is left in it.

    Exists while a run works on it.
    """
    with store.locked():
        for held in stages:
            delete_stage(store, held.key, held.paths)
        for path in bytes_by_array(store):
            if store.journal(path.rpartition("/")[2]).layout() is None:
                store.files.delete(path)
        sweep_store(store, bytes_by_array(store))
    if not bytes_by_array(store):
        remove(store)
