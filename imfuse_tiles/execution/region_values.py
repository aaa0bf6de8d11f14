"""A part of a result computed by itself, at full resolution: through the plan and the store of the whole run.

What the store holds is read; masks, merged masks and montages that it does not hold are computed for the part only.
What must be known of the whole stack (limits of masks, say) is measured first, and kept for the whole run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from imfuse_tiles.execution.decided_limits import are_decided, is_merging, known_numbers, search_limits
from imfuse_tiles.execution.estimated_numbers import can_estimate, estimated
from imfuse_tiles.execution.mask_warmup import warmup
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.execution.remembered_masks import memory
from imfuse_tiles.execution.remembering_jobs import remembering, used_masks
from imfuse_tiles.execution.run import Run
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.geometry import Region
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.computed_stages import region_plan
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.run_history import record_stages
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store


def region_values(
    plan: Plan, store: Store, resources: Resources, region: Region,
    progress: Progress | None = None, halt: Halt | None = None, quick: bool = False,
) -> tuple[np.ndarray, bool]:  # fmt: skip
    """The planes (n, y, x) uint16 of a region of the result: the same bytes as the whole run writes there.

    The planes are those of the result's array: colours, opacity, and with maps the mask, depth and its opacity.
    ``quick``: limits of masks that are not known yet are estimated; then the bytes are only about the same, and
    False is returned with them, else True. AlreadyExists while another run works on the store and something must be
    measured; Interrupted when ``halt`` says so.
    """
    lean = remembering(region_plan(plan, store))
    memory.prefer(used_masks(lean))
    job, computed = lean.result.job, lean.result.computed_jobs
    assert isinstance(job, FinishJob)
    store, exact = with_numbers(lean, store, resources, progress, halt, quick)
    parts = list(halves(region, resources.workers))
    with ThreadPoolExecutor(len(parts)) as threads:
        values = threads.map(lambda part: job.codes(Access(store, computed=dict(computed)), part), parts)
        out = np.empty((job.depth, *region.shape), np.uint16)
        for part, codes in zip(parts, values, strict=True):
            rows, columns = part.slices_in(region)
            out[:, rows, columns] = codes
    return out, exact


def unmeasured(lean: Plan, store: Store) -> list[Stage]:
    """The stages that must be complete before a region of the result can be computed."""
    by_key, needed, wanted = {stage.key: stage for stage in lean.stages}, set[str](), list(lean.result.inputs)
    while wanted:
        key = wanted.pop()
        if key not in needed and store.numbers.load(key) is None:
            needed.add(key)
            wanted += by_key[key].inputs
    return [stage for stage in lean.stages if stage.key in needed]


def with_numbers(
    lean: Plan, store: Store, resources: Resources, progress: Progress | None, halt: Halt | None, quick: bool
) -> tuple[Store, bool]:
    """The store with all numbers that a region of the result needs, and whether they are those of the whole run."""
    needed = unmeasured(lean, store)
    if quick and needed and can_estimate(needed):
        guess = estimated(store, needed, lean.result.computed_jobs, resources.workers, known_numbers())
        return guess, are_decided(lean, needed, guess)
    used = {key for stage in needed for key in stage.inputs}
    merged = [stage for stage in needed if is_merging(stage) and stage.key not in used]
    measure(lean, store, resources, [stage for stage in needed if stage not in merged], progress, halt)
    warmup.wait(halt or Halt())
    if merged and can_estimate(merged):
        guess = estimated(store, merged, lean.result.computed_jobs, resources.workers, known_numbers())
        if are_decided(lean, merged, guess):
            return guess, True
        if search_limits(lean, merged, guess, store, resources.workers, halt or Halt()):
            guess.estimates.update(known_numbers())
            return guess, True
    measure(lean, store, resources, merged, progress, halt)
    return store, True


def measure(
    lean: Plan, store: Store, resources: Resources, needed: Sequence[Stage],
    progress: Progress | None = None, halt: Halt | None = None,
) -> None:  # fmt: skip
    """Complete stages that a region of the result cannot do without."""
    keys = {stage.key for stage in needed}
    if not keys:
        return
    with store.locked():
        for number, stage in enumerate(lean.stages):
            if stage.key in keys:
                work = survey(replace(lean, stages=lean.stages[: number + 1]), store, resources)
                record_stages(work, store)
                pool = lambda: open_pool(resources, store.root)  # noqa: E731
                Run(work, store, progress or Progress(), halt or Halt()).execute(pool)


def halves(region: Region, count: int) -> Iterator[Region]:
    """The region in ``count`` bands across its longer side."""
    height, width = region.shape
    for number in range(count):
        if height >= width:
            a, b = (region.y0 + height * step // count for step in (number, number + 1))
            part = region._replace(y0=a, y1=b)
        else:
            a, b = (region.x0 + width * step // count for step in (number, number + 1))
            part = region._replace(x0=a, x1=b)
        if a < b:
            yield part
