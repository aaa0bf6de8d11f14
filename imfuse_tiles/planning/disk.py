"""Disk: what a run has still to write, reckoned before it starts, and what is free."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import laid_out
from imfuse_tiles.planning.memory import shown
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.resume import needed
from imfuse_tiles.planning.retention import spare, spent
from imfuse_tiles.stages.stage import Layout, Stage
from imfuse_tiles.storage.store import Store


def to_write(stage: Stage, store: Store, layout: Layout) -> int:
    """Bytes of a stage's blocks that are not done yet in this layout."""
    total = stage.bytes_on_disk(layout)
    if Layout.of(store.journal(stage.key).layout()) != layout:
        return total
    return int(total * (1 - min(1.0, len(store.journal(stage.key).completed_blocks()) / stage.count(layout))))


class Growth(NamedTuple):
    """Bytes by which a run lets its store grow: at the most, and in the end."""

    most: int
    end: int


def growth(plan: Plan, store: Store, resources: Resources, stale: Collection[str] = ()) -> Growth:
    """What the stages still to be computed will write, less what they have written already and a lean run deletes.

    ``stale``: keys of stages that will be computed anew.
    """
    todo = needed(plan, store, stale) if store.exists() else list(plan.stages)
    layouts = {
        stage.key: laid_out(stage, resources, Layout.of(store.journal(stage.key).layout())).layout for stage in todo
    }
    left = spare(plan, store) if resources.lean else frozenset()
    held = most = 0
    for place, stage in enumerate([None, *todo]):  # at first what an earlier run left goes
        if stage is not None:
            held += to_write(stage, store, layouts[stage.key])
            most = max(most, held)
        for gone in spent(plan, left, todo[place:]):
            held -= gone.bytes_on_disk(layouts[gone.key]) if gone.key in layouts else written(gone, store)
            left -= {gone.key}
    return Growth(most, held)


def written(stage: Stage, store: Store) -> int:
    """Bytes of a stage's blocks that are done."""
    layout = Layout.of(store.journal(stage.key).layout())
    return stage.bytes_on_disk(layout) - to_write(stage, store, layout) if layout else 0


def check_disk(
    plan: Plan, store: Store, resources: Resources, results: tuple[Path, int], stale: Collection[str] = ()
) -> int:
    """The most bytes that the store will grow by. Refusal when there is no room, which names --lean if that has.

    ``results``: the folder of the files that are written in the end, and their bytes. ``stale``: as for ``growth``.
    """
    need, hint = growth(plan, store, resources, stale), ""
    lack = lacking(need, store, results)
    if lack and not (resources.lean or resources.part):
        lean = growth(plan, store, replace(resources, lean=True), stale)
        hint = "" if lacking(lean, store, results) else f"; with --lean it needs {shown(lean.most)} for the store"
    if lack:
        raise Refusal(lack + hint)
    return need.most


def lacking(need: Growth, store: Store, results: tuple[Path, int]) -> str:
    """What a disk has too little of, in words: while stages are computed, or when the results are written."""
    if not store.is_local:
        return short([("results", *results)])
    moments = [("store", store.folder, need.end), ("results", *results)], [("store", store.folder, need.most)]
    larger = sorted(moments, key=lambda wants: -sum(size for _, _, size in wants))
    return next(filter(None, map(short, larger)), "")


def free(folder: Path) -> int:
    """Bytes free on the file system of a folder, which need not exist yet."""
    return shutil.disk_usage(_there(folder)).free


def short(wants: Iterable[tuple[str, Path, int]]) -> str:
    """In words which file system has not room for all that goes there: (what, folder, bytes); empty when all have."""
    on_disk: dict[int, list[tuple[str, Path, int]]] = {}
    for what, folder, size in wants:
        on_disk.setdefault(_there(folder).stat().st_dev, []).append((what, _there(folder), size))
    for wanted in on_disk.values():
        need, place = sum(size for _, _, size in wanted), wanted[0][1]
        if need > free(place):
            parts = " and ".join(f"{what} {shown(size)}" for what, _, size in wanted if size)
            return f"the run needs {shown(need)} of disk ({parts}), {shown(free(place))} are free in {place}"
    return ""


def _there(folder: Path) -> Path:
    """A folder, or the nearest one above it that exists."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
