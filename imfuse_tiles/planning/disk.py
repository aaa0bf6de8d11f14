"""Disk: what a run has still to write, reckoned before it starts, and what is free."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.memory import format_size
from imfuse_tiles.planning.retention import unreferenced_stages
from imfuse_tiles.planning.work_plan import WorkPlan
from imfuse_tiles.storage.inventory import total_bytes
from imfuse_tiles.storage.store import Store


class DiskGrowth(NamedTuple):
    """Bytes by which a run lets its store grow: at the most, and in the end."""

    most: int
    end: int


def disk_growth(work: WorkPlan, lean: bool = False) -> DiskGrowth:
    """What the stages still to be computed will write, less what of them is there already.

    ``lean``: what no stage to come reads is deleted meanwhile, too.
    """
    left = work.discardable if lean else frozenset[str]()
    size = {each.stage.key: each.bytes_in_all if each.needed else each.bytes_stored for each in work.stages}
    todo, used, most = work.to_compute, 0, 0
    for place, current in enumerate([None, *todo]):  # at first what an earlier run left goes
        if current is not None:
            used += current.bytes_to_write
            most = max(most, used)
        for stage in unreferenced_stages(work.plan, left, [each.stage for each in todo[place:]]):
            used -= size[stage.key]
            left -= {stage.key}
    return DiskGrowth(most, used)


def check_disk(work: WorkPlan, store: Store, results: tuple[Path, int]) -> int:
    """The most bytes that the store will grow by. Refusal when there is no room, which names --lean if that has.

    ``results``: the folder of the files that are written in the end, and their bytes.
    """
    resources = work.resources
    growth = disk_growth(work, resources.lean)
    held = bytes_held(store, resources)
    if over_budget(max(growth.most, growth.end + results[1]), held, resources):
        raise Refusal(budget_text(work, held, results[1]))
    message = disk_shortage(growth, store, results)
    if message and not (resources.lean or resources.part):
        lean = disk_growth(work, lean=True)
        if not disk_shortage(lean, store, results):
            message += f"; with --lean it needs {format_size(lean.most)} for the store"
    if message:
        raise Refusal(message)
    return growth.most


def over_budget(need: int, held: int, resources: Resources) -> bool:
    """Whether so many bytes more than the store holds are more than the run was allowed."""
    return resources.disk is not None and need + held > resources.disk


def bytes_held(store: Store, resources: Resources) -> int:
    """Bytes of all files of a store; 0 when there is none, and where no budget asks: all files are looked at."""
    return total_bytes(store) if resources.disk is not None and store.exists() else 0


def budget_text(work: WorkPlan, held: int, results: int) -> str:
    """In words that a run takes more disk than it was allowed, and what would fit."""
    resources = work.resources

    def need(lean: bool) -> int:
        growth = disk_growth(work, lean)
        return max(growth.most, growth.end + results) + held

    advice = "; --keep=auto stores less" if resources.keep == "all" else ""
    if not (resources.lean or resources.part or over_budget(need(True) - held, held, resources)):
        advice = f"; with --lean it needs {format_size(need(True))}"
    has = f", of which the store holds {format_size(held)} already" if held else ""
    allowed = format_size(resources.disk or 0)
    return f"the run needs {format_size(need(resources.lean))} of disk{has}, allowed is {allowed} (--disk){advice}"


def disk_shortage(need: DiskGrowth, store: Store, results: tuple[Path, int]) -> str:
    """What a disk has too little of, in words: while stages are computed, or when the results are written."""
    if not store.is_local:
        return shortage_text([("results", *results)])
    moments = [("store", store.folder, need.end), ("results", *results)], [("store", store.folder, need.most)]
    larger = sorted(moments, key=lambda wants: -sum(size for _, _, size in wants))
    return next(filter(None, map(shortage_text, larger)), "")


def free_bytes(folder: Path) -> int:
    """Bytes free on the file system of a folder, which need not exist yet."""
    return shutil.disk_usage(nearest_folder(folder)).free


def shortage_text(wants: Iterable[tuple[str, Path, int]]) -> str:
    """In words which file system has not room for all that goes there: (what, folder, bytes); empty when all have."""
    on_disk: dict[int, list[tuple[str, Path, int]]] = {}
    for what, folder, size in wants:
        on_disk.setdefault(nearest_folder(folder).stat().st_dev, []).append((what, nearest_folder(folder), size))
    for wanted in on_disk.values():
        need, place = sum(size for _, _, size in wanted), wanted[0][1]
        if need > free_bytes(place):
            parts = " and ".join(f"{what} {format_size(size)}" for what, _, size in wanted if size)
            free = format_size(free_bytes(place))
            return f"the run needs {format_size(need)} of disk ({parts}), {free} are free in {place}"
    return ""


def nearest_folder(folder: Path) -> Path:
    """A folder, or the nearest one above it that exists."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
