"""One run from image files to result files, as the command line and Python callers start it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.errors import BlockFailed, Incomplete, Refusal
from imfuse_tiles.execution import export
from imfuse_tiles.execution.align_stack import remember_alignment
from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.machine_errors import translate_os_errors
from imfuse_tiles.execution.outcome import Outcome
from imfuse_tiles.execution.overviews import publish_result
from imfuse_tiles.execution.part_plans import announce_part
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.progress import Progress, StageReport
from imfuse_tiles.execution.run import Run
from imfuse_tiles.execution.shared_run import PartRun
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.mask_contrast import Wavelet
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources, worker_location
from imfuse_tiles.planning.disk import check_disk
from imfuse_tiles.planning.memory import block_memory_limit
from imfuse_tiles.planning.plan import Plan, make_plan, stages_from
from imfuse_tiles.planning.run_history import record_run
from imfuse_tiles.planning.storage_choice import choose_storage
from imfuse_tiles.planning.work_plan import WorkPlan, survey
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.storage.store import Store
from imfuse_tiles.storage.sweep import sweep_store


def cache_folder() -> Path:
    """Where stores lie that were given no place."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imfuse-tiles"


def open_store_for(stack: Stack, folder: str | Path | None) -> Store:
    """The store of a stack: as named by a folder or URL, or its own in the cache folder."""
    store = Store.at(folder or cache_folder() / stack.digest[:12])
    store.files.check_reachable()
    return store


def plan_of(recipe: Recipe, stack: Stack, store: Store, resources: Resources, extra: bool) -> Plan:
    """The plan of a run, with as much stored as the disk holds.

    Without ``extra``, mask and depth maps are only made if the store has begun with them.
    """
    whole = make_plan(recipe, stack, block_memory_limit(resources))
    montages = [stage.key for stage in whole.stages if isinstance(stage.job, MontageJob)]
    begun = store.exists() and any(store.numbers.load(key) for key in [*montages, whole.result.key])
    return choose_storage(whole if extra or begun else whole.bare or whole, store, resources)


def run_plan(
    plan: Plan, store: Store, resources: Resources, request: ExportRequest,
    progress: Progress | None = None, give_up: Callable[[int], None] | None = None, again: str | None = None,
    command: Sequence[str] = (),
) -> Outcome:  # fmt: skip
    """Run a plan on its store and write the result's files; of several parts of a run the first writes them.

    ``again``: the step from which on all is computed anew. ``command``: the words that began the run.
    ``give_up``: what to do when blocks in flight have not ended some seconds after a signal; None: wait for them.

    Raises Refusal before anything is written when memory, disk or a target do not allow the run; AlreadyExists for an
    output that is not this plan's own or a store in use; Incomplete, BlockFailed or Interrupted with all
    finished blocks kept.
    """
    store.check()
    store.files.durable |= resources.durable
    part = resources.part
    first = resources.writes_result
    stale = stages_from(plan, again) if again else []
    work = survey(plan, store, resources, stale)
    size = export.check_outputs(plan, store, request, resources.memory) if first else 0
    need = check_disk(work, store, (request.result.absolute().parent, size))
    fresh = store.create()
    halt = Halt()
    with (
        store.locked(part.name if part else ""),
        halt.on_signals(give_up),
        translate_os_errors("the run", store.folder, need),
    ):
        _prepare_store(work, store, stale, command)
        run = _start(work, store, progress or Progress(), halt, fresh)
        try:
            files, reports = _compute_and_export(run, plan, store, resources, request)
        except Refusal:
            if fresh and not part:
                store.files.delete("")
            raise
        except (Incomplete, BlockFailed):
            halt.check()  # a signal to the whole group also kills workers that are just starting
            raise
        if first:
            publish_result(store, plan.result.key, resources, halt.check)
    return Outcome(files, reports, store.root, plan.result.key if first else "")


def _prepare_store(work: WorkPlan, store: Store, stale: Sequence[str], command: Sequence[str]) -> None:
    """Note in a locked store what will run, sweep what nobody needs, and forget the blocks of ``stale`` stages."""
    part = work.resources.part
    if part:
        announce_part(work.plan, part, store)
    else:
        sweep_store(store)
    for key in stale:
        store.journal(key).forget()
    if work.resources.writes_result:
        record_run(work, store, command)
    remember_alignment(work.plan.stack, store)  # by every part: the first may begin last


def _compute_and_export(
    run: Run, plan: Plan, store: Store, resources: Resources, request: ExportRequest
) -> tuple[dict[str, str], list[StageReport]]:
    """Compute all blocks and, but for the later ones of several parts, write the files of the result."""
    files: dict[str, str] = {}

    def write_files() -> None:
        if resources.writes_result:
            files.update(export.export(plan, store, request, workers=resources.workers,
                                       memory=resources.memory, check=run.halt.check))  # fmt: skip

    return files, run.execute(lambda: open_pool(resources, store.root), write_files)


def read_into_store(
    recipe: Recipe, stack: Stack, store: Store, resources: Resources, progress: Progress | None = None,
    command: Sequence[str] = (),
) -> list[StageReport]:  # fmt: skip
    """Read the frames of a stack into its store, laid over each other, where every run of the stack finds them.

    ``recipe``: options of frames. Raises as :func:`run_plan` does.
    """
    store.check()
    whole = make_plan(replace(recipe, ops=(*recipe.ops, Wavelet())), stack, maps=False)  # any that reads frames
    last = [stage.key for stage in whole.stages].index(whole.frames_key)
    plan = replace(whole, stages=whole.stages[: last + 1])
    work = survey(plan, store, resources)
    need = check_disk(work, store, (Path.cwd(), 0))
    fresh = store.create()
    halt = Halt()
    with store.locked(), halt.on_signals(None), translate_os_errors("align", store.folder, need):
        record_run(replace(work, plan=replace(plan, recipe=recipe)), store, command)
        remember_alignment(stack, store)
        return _start(work, store, progress or Progress(), halt, fresh).execute(
            lambda: open_pool(resources, store.root)
        )


def _start(work: WorkPlan, store: Store, progress: Progress, halt: Halt, fresh: bool) -> Run:
    """The run of a work plan, or of one part of it. ``fresh``: the store was made for it."""
    resources = work.resources
    if resources.part:
        return PartRun(work, store, progress, halt, part=resources.part)
    return Run(work, store, progress, halt, alone=fresh and worker_location(resources.scheduler) == "in_process")
