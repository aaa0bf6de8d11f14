"""``verify``: read a whole store and report damage, which the next run computes again.

Only ``--repair`` changes something: the store's own metadata, and files that killed runs left half written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from imfuse_tiles.cli.argument_parser import Parser
from imfuse_tiles.errors import BlockFailed, Refusal
from imfuse_tiles.execution.overviews import damaged_levels
from imfuse_tiles.planning.memory import format_size
from imfuse_tiles.stages.array_layout import Layout
from imfuse_tiles.stages.array_metadata import array_paths, stage_from_attributes
from imfuse_tiles.stages.integrity import damaged_chunks
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.inside import foreign_entries
from imfuse_tiles.storage.open_files import locks_of
from imfuse_tiles.storage.partial_files import PARTIAL
from imfuse_tiles.storage.store import Store
from imfuse_tiles.storage.store_metadata import store_format
from imfuse_tiles.storage.sweep import sweep_store


def verify(words: Sequence[str]) -> int:
    """Print every fault of a store; exit 5 when there is one."""
    parser = Parser(prog="imfuse-tiles verify", description="Read a whole store and say what is wrong with it.")
    parser.add_argument("store", metavar="STORE", help="folder or URL of a store; it must not be in use")
    parser.add_argument(
        "--repair",
        action="store_true",
        help="write the store's own metadata again if they are lost, and remove half-written files",
    )
    args = parser.parse_args(words)
    store = Store.at(args.store)
    if not store.exists():
        raise Refusal(f"{store.root}: no store of imfuse-tiles")
    store.check()
    if args.repair:
        repair(store)
    files = dict(store.files.list_files())
    with locks_of(store.root).reading():
        count = 0
        for fault in faults(store, list(files)):
            print(fault)
            count += 1
    if count:
        print(f"{count} faults in {store.root}; the next run computes again what is damaged and needed")
        return BlockFailed.code
    print(f"{store.root}: {len(files)} files, {format_size(sum(files.values()))}, all as they were written")
    return 0


def repair(store: Store) -> None:
    """Write lost metadata of a store again, and remove what killed runs left half written. AlreadyExists if in use."""
    with store.locked():
        if store_format(store.files) is None:
            store.create()
            print(f"{store.root}: its zarr.json is written again")
        partial = [name for name, _ in store.files.list_files() if name.endswith(PARTIAL)]
        sweep_store(store, {name.rpartition("/")[0] for name in partial} - {""})
        if partial and (removed := sum(not store.files.exists(name) for name in partial)):
            print(f"{store.root}: {removed} half-written {'file' if removed == 1 else 'files'} removed")


def faults(store: Store, names: list[str]) -> Iterator[str]:
    """Every fault, one line each."""
    if store_format(store.files) is None:
        yield "zarr.json: lost or damaged; verify --repair writes it again, as a run does"
    yield from foreign_entries(store.root) if store.is_local else ()
    for name in names:
        if name.endswith(PARTIAL):
            yield f"{name}: half written by a run that was killed; verify --repair removes it, nothing reads it"
        elif name.startswith("numbers/") and store.numbers.load(name[len("numbers/") : -len(".json")]) is None:
            yield f"{name}: altered"
        elif (
            name.startswith("journal/")
            and name.count("/") == 1
            and not store.journal(name[len("journal/") :]).is_intact()
        ):
            yield f"{name}: torn or altered"
    for path in array_paths(names):
        yield from _array_faults(store, path)
    yield from map(str, damaged_levels(store, names))


def _array_faults(store: Store, path: str) -> Iterator[str]:
    try:
        stage = stage_from_attributes(store, path)
        layout = Layout.of(store.journal(stage.key).layout())
        if layout is None:
            yield f"{path}: stage {stage.name} has lost its journal"
            return
        for _, damage in damaged_chunks(store, stage, layout, path):
            yield f"{damage} (stage {stage.name})"
        if store.numbers.load(stage.key) is not None and len(store.journal(stage.key).completed_blocks()) < stage.count(
            layout
        ):
            yield f"{path}: stage {stage.name} is finished, but its journal lacks blocks"
    except (Damaged, Refusal) as fault:
        yield str(fault)
