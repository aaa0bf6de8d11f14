"""Disk: what a run has still to write, reckoned before it starts, and what is free."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from imfuse_tiles.budget import laid_out, shown
from imfuse_tiles.errors import Refusal
from imfuse_tiles.intact import needed
from imfuse_tiles.plan import Plan
from imfuse_tiles.recipe import Resources
from imfuse_tiles.store import Store
from imfuse_tiles.work.stage import Layout, Stage


def to_write(stage: Stage, store: Store, layout: Layout) -> int:
    """Bytes of a stage's blocks that are not done yet in this layout."""
    total = stage.bytes_on_disk(layout)
    if Layout.of(store.layout(stage.key)) != layout:
        return total
    return int(total * (1 - min(1.0, len(store.done(stage.key)) / stage.count(layout))))


def disk_needed(plan: Plan, store: Store, resources: Resources) -> int:
    """Bytes that the stages still to be computed will write, less what they have written already."""
    total = 0
    for stage in needed(plan, store) if store.exists() else plan.stages:
        cut = laid_out(stage, resources, Layout.of(store.layout(stage.key)))
        total += to_write(stage, store, cut.layout)
    return total


def free(folder: Path) -> int:
    """Bytes free on the file system of a folder, which need not exist yet."""
    return shutil.disk_usage(_there(folder)).free


def check_space(needs: Iterable[tuple[str, Path, int]]) -> None:
    """Refusal when a file system has not room for all that goes there: (what, folder, bytes)."""
    on_disk: dict[int, list[tuple[str, Path, int]]] = {}
    for what, folder, size in needs:
        on_disk.setdefault(_there(folder).stat().st_dev, []).append((what, _there(folder), size))
    for wanted in on_disk.values():
        need, place = sum(size for _, _, size in wanted), wanted[0][1]
        if need > free(place):
            parts = " and ".join(f"{what} {shown(size)}" for what, _, size in wanted if size)
            raise Refusal(f"the run needs {shown(need)} of disk ({parts}), {shown(free(place))} are free in {place}")


def _there(folder: Path) -> Path:
    """A folder, or the nearest one above it that exists."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
