"""One run from image files to result files, as the command line and Python callers start it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imfuse_tiles import budget, output, run
from imfuse_tiles.errors import Refusal
from imfuse_tiles.images import check_stack, natural_order, read_header, source_digest
from imfuse_tiles.plan import Plan, Stack, planned
from imfuse_tiles.recipe import Recipe, Resources
from imfuse_tiles.store import Store
from imfuse_tiles.workers import open_pool


@dataclass
class Outcome:
    """What a run did: the files by role, and a report of every stage in order."""

    output: dict[str, str] = field(default_factory=dict)
    stages: list[run.StageReport] = field(default_factory=list)


def cache_folder() -> Path:
    """Where stores lie that were given no place."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imfuse-tiles"


def opened(images: Sequence[str | Path], revert: bool = False) -> Stack:
    """The stack of image files, front first, its headers checked. Refusal naming the first bad file."""
    if not images:
        raise Refusal("no images given")
    paths = natural_order(images)
    headers = [read_header(path) for path in (reversed(paths) if revert else paths)]
    check_stack(headers)
    return Stack(tuple(headers), source_digest(headers))


def store_of(stack: Stack, folder: str | Path | None) -> Store:
    """The store of a stack: as named, or its own in the cache folder."""
    return Store(str(Path(folder).absolute() if folder else cache_folder() / stack.digest[:12]))


def disk_needed(plan: Plan, store: Store, resources: Resources) -> int:
    """Bytes that the stages still to be computed will write, less what they have written already."""
    there = run.needed(plan, store) if store.exists() else plan.stages
    total = 0
    for stage in there:
        cut = budget.laid_out(stage, resources)
        done = len(store.done(stage.key)) if store.layout(stage.key) else 0
        total += int(stage.bytes_on_disk(cut.layout) * (1 - min(1.0, done / stage.count(cut.layout))))
    return total


def fuse(plan: Plan, store: Store, resources: Resources, wish: output.Wish,
         progress: run.Progress | None = None) -> Outcome:  # fmt: skip
    """Run a plan on its store and write the result's files.

    Raises Refusal before anything is written when memory, disk or a target do not allow the run; Exists for an
    output that is not this plan's own or a store in use; Resumable, BlockFailed or Interrupted with all
    finished blocks kept.
    """
    masked = bool(plan.recipe.generators)
    for stage in plan.stages:
        budget.laid_out(stage, resources)
    output.check(plan, store, wish, resources.memory, masked=masked)
    budget.check_disk(store.folder, disk_needed(plan, store, resources), f"the store {store.root}")
    store.create()
    with store.locked():
        work = run.Run(plan, store, resources, progress or run.Progress())
        reports = work.execute(lambda: open_pool(resources.scheduler, resources.workers))
        places = output.export(plan, store, wish, masked=masked, workers=resources.workers, memory=resources.memory)
    return Outcome(places, reports)


def fuse_images(images: Sequence[str | Path], options: Recipe, result: str | Path, **more: Any) -> Outcome:
    """Fuse image files into ``result`` with a recipe; ``more`` as in :func:`resources_of` and :class:`Wish`."""
    stack = opened(images, options.revert)
    store = store_of(stack, more.pop("store", None))
    resources = Resources(
        memory=more.pop("memory", None) or budget.default_memory(), workers=more.pop("workers", None) or cores(),
        tile=more.pop("tile", None), scheduler=more.pop("scheduler", "threads"),
    )  # fmt: skip
    plan = planned(options.checked(), stack, budget.room(resources))
    return fuse(plan, store, resources, output.Wish(Path(result), **more))


def cores() -> int:
    """Cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
