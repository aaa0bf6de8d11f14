"""What lies in a store and when it was last of use."""

from __future__ import annotations

from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.storage.inside import is_name
from imfuse_tiles.storage.json_values import get_matching
from imfuse_tiles.storage.open_files import locks_of
from imfuse_tiles.storage.run_note import last_use, load_run_note, noted_stages
from imfuse_tiles.storage.store import Store


def discarded_stages(store: Store) -> frozenset[str]:
    """Keys of the stages that the last run to name them did not mean to keep."""
    return frozenset(key for key, note in noted_stages(store).items() if note.get("passing"))


@frozen
class StoredStage:
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
class StoreContents:
    """What a store holds: its stages, those of the last run first and in its order, and the rest's bytes."""

    options: str
    folder: str
    images: tuple[str, ...]
    began: float
    last: tuple[str, ...]
    stages: tuple[StoredStage, ...]
    bytes: int


def read_contents(store: Store) -> StoreContents:
    """Everything that a store records about itself. Refusal when it is none."""
    if not store.exists():
        raise Refusal(f"{store.root} is not a store of imfuse-tiles")
    store.check()
    note, sizes = load_run_note(store), bytes_by_array(store)
    stages = dict(note.stages)
    for path in sizes:  # arrays of runs that were not noted
        key = array_stage(store, path)
        stages.setdefault(key, {"name": path.partition("/")[0], "blocks": 0, "paths": []})
        if path not in stages[key]["paths"]:
            stages[key]["paths"].append(path)
    order = [key for key in note.order if key in stages]
    others = [key for key in stages if key not in order and store.journal(key).layout() is not None]
    held = [_stored_stage(store, key, stages[key], sizes) for key in [*order, *others]]
    return StoreContents(
        note.options, note.folder, note.images, note.began, tuple(order), tuple(held), total_bytes(store),
    )  # fmt: skip


def array_stage(store: Store, path: str) -> str:
    """The key of the stage that an array says to be of; else the end of its path."""
    key = get_matching(store.arrays.attributes(path), str, "", "key")
    return key if key and is_name(key) else path.rpartition("/")[2]


def total_bytes(store: Store) -> int:
    """Bytes of all files; one that goes away meanwhile does not count."""
    return sum(size for _, size in store.files.list_files())


def bytes_by_array(store: Store) -> dict[str, int]:
    """Bytes of every array by its path."""
    sizes: dict[str, int] = {}
    for name, size in store.files.list_files():
        parts = name.split("/")
        if len(parts) > 2 and parts[0] not in ("journal", "numbers"):
            path = "/".join(parts[:2])
            sizes[path] = sizes.get(path, 0) + size
    return sizes


def _stored_stage(store: Store, key: str, note: dict[str, Any], sizes: dict[str, int]) -> StoredStage:
    done, begun = len(store.journal(key).completed_blocks()), store.journal(key).layout() is not None
    finished = store.numbers.load(key) is not None
    paths = tuple(path for path in note["paths"] if path in sizes)
    size = sum(sizes.get(path, 0) for path in paths)
    blocks, used, passing = max(note["blocks"], done), last_use(note), bool(note.get("passing"))
    return StoredStage(key, note["name"], paths, blocks, done, begun, finished, size, used, passing)


def current_writer(store: Store) -> str:
    """Who writes to a store now, empty when nobody does. Writes nothing."""
    return locks_of(store.root).current_holder()
