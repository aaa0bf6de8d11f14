"""One run from image files to result files, as the command line and Python callers start it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from imfuse_tiles.errors import BlockFailed, Refusal, Resumable
from imfuse_tiles.execution import export, run
from imfuse_tiles.execution.machine_errors import told
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.shared_run import PartRun
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources, check_scheduler, cores, place
from imfuse_tiles.planning import block_layout, run_history
from imfuse_tiles.planning import memory as budget
from imfuse_tiles.planning.disk import check_disk
from imfuse_tiles.planning.plan import Plan, Stack, planned, stale
from imfuse_tiles.planning.retention import spare
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.storage.store import Store
from imfuse_tiles.storage.sweep import sweep_store


@dataclass
class Outcome:
    """What a run did: the files by role, and a report of every stage in order."""

    output: dict[str, str] = field(default_factory=dict)
    stages: list[run.StageReport] = field(default_factory=list)


def cache_folder() -> Path:
    """Where stores lie that were given no place."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imfuse-tiles"


def store_of(stack: Stack, folder: str | Path | None) -> Store:
    """The store of a stack: as named by a folder or URL, or its own in the cache folder."""
    store = Store.at(folder or cache_folder() / stack.digest[:12])
    store.files.check_reachable()
    return store


def plan_of(recipe: Recipe, stack: Stack, store: Store, resources: Resources, extra: bool) -> Plan:
    """The plan of a run; without ``extra``, mask and depth maps are only made if the store has begun with them."""
    whole = planned(recipe, stack, budget.room(resources))
    montages = [stage.key for stage in whole.stages if isinstance(stage.job, MontageJob)]
    begun = store.exists() and any(store.numbers.load(key) for key in [*montages, whole.result.key])
    return whole if extra or begun else whole.bare or whole


def fuse(plan: Plan, store: Store, resources: Resources, wish: export.Wish, progress: run.Progress | None = None,
         give_up: Callable[[int], None] | None = None, again: str | None = None) -> Outcome:  # fmt: skip
    """Run a plan on its store and write the result's files; of several parts of a run the first writes them.

    ``again``: the step from which on all is computed anew.
    ``give_up``: what to do when blocks in flight have not ended some seconds after a signal; None: wait for them.

    Raises Refusal before anything is written when memory, disk or a target do not allow the run; Exists for an
    output that is not this plan's own or a store in use; Resumable, BlockFailed or Interrupted with all
    finished blocks kept.
    """
    store.check()
    block_layout.check(plan.stages, resources)
    part = resources.part
    first = part is None or part.number == 1
    size = export.check(plan, store, wish, resources.memory) if first else 0
    anew = stale(plan, again) if again else []
    need = check_disk(plan, store, resources, (wish.result.absolute().parent, size), anew)
    fresh = store.create()
    halt = Halt()
    with store.locked(part.name if part else ""), halt.on_signals(give_up), told("the run", store.folder, need):
        if not fresh and not part:
            sweep_store(store)
        passing = spare(plan, store) if resources.lean else frozenset()
        for key in anew:
            store.journal(key).forget()
        if first:
            run_history.note(plan, store, resources, passing)
        alone = fresh and place(resources.scheduler) == "here"
        kind = partial(PartRun, part=part) if part else partial(run.Run, spare=passing, alone=alone)
        work = kind(plan, store, resources, progress or run.Progress(), halt)
        places: dict[str, str] = {}
        try:
            reports = work.execute(
                lambda: open_pool(resources, store.root),
                lambda: places.update(
                    export.export(plan, store, wish, workers=resources.workers,
                                  memory=resources.memory, check=halt.check) if first else {}
                ),
            )  # fmt: skip
        except Refusal:
            if fresh and not part:
                store.files.delete("")
            raise
        except (Resumable, BlockFailed):
            halt.check()  # a signal to the whole group also kills workers that are just starting
            raise
    return Outcome(places, reports)


def fuse_images(
    images: Sequence[str | Path], recipe: Recipe, result: str | Path, *, store: str | Path | None = None,
    extra: bool = False, bits: int = 16, force: bool = False, memory: int | None = None, workers: int | None = None,
    tile: int | None = None, scheduler: str = "threads", lean: bool = False, progress: run.Progress | None = None,
) -> Outcome:  # fmt: skip
    """Fuse image files into ``result`` (.tif, .png or .jpg), as ``imfuse-tiles fuse`` does.

    ``images``: of one size, sorted by name, the front one first. ``store``: folder that keeps all that is computed
    (None: one of the cache folder). ``extra``: write mask and depth maps beside the result. ``bits``: 8 or 16.
    ``force``: overwrite what is there. ``memory``: bytes for everything (None: a quarter of the machine's, at most
    4 GB). ``tile``: edge of a block in pixels. ``lean``: delete what no later stage needs as soon as it is computed.
    Raises as :func:`fuse` does.
    """
    stack = open_stack(images, recipe.revert)
    threads = check_scheduler(scheduler, workers or cores())
    resources = Resources(memory or budget.default_memory(), threads, tile, scheduler, lean=lean)
    kept = store_of(stack, store)
    plan = plan_of(recipe.checked(), stack, kept, resources, extra)
    wish = export.Wish(Path(result), extra=extra, bits=bits, force=force)
    return fuse(plan, kept, resources, wish, progress)
