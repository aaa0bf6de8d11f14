"""Masks computed before anybody asks for them, so that the first changed option is as fast as all later ones.

Beside what a person looks at, and of less priority: the masks of all generators, merged but not yet filtered.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from imfuse_tiles.execution.remembered_masks import memory
from imfuse_tiles.execution.remembering_jobs import RememberedMergeJob, remembering, shrink_masks
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.geometry import Frame, Region, tile_indices, tile_region
from imfuse_tiles.planning.computed_stages import region_plan
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.access import CHUNK, Access
from imfuse_tiles.stages.merged_masks import MergeJob
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store

#: How much less than others the threads want to run, as ``nice`` says it.
NICENESS = 10


class MaskWarmup:
    """Computes the masks of one plan, in threads of their own."""

    def __init__(self) -> None:
        self.thread, self.room = threading.Thread(), threading.Thread()

    def start(self, plan: Plan, store: Store, workers: int) -> None:
        """Begin, if the masks of this plan are worth it and all that they need is known."""
        stage = merging(plan, store)
        if stage is not None and memory.most and all(store.numbers.load(key) for key in stage.inputs):
            self.thread = threading.Thread(target=self._run, args=(stage, store, workers), daemon=True)
            self.thread.start()

    def is_alive(self) -> bool:
        """Whether anything is computed or prepared beforehand at the moment."""
        return self.thread.is_alive() or self.room.is_alive()

    def make_room(self, frame: Frame, slices: int, plan: Plan | None = None, store: Store | None = None) -> None:
        """Begin to have memory for the masks of another generator; those of a plan that are kept take less of it."""
        if memory.most and not self.room.is_alive():
            self.room = threading.Thread(target=make_room, args=(frame, slices, plan, store), daemon=True)
            self.room.start()

    def wait(self, halt: Halt) -> None:
        """Wait until all is done. Interrupted when ``halt`` says so."""
        while self.thread.is_alive():
            halt.check()
            self.thread.join(0.05)

    def _run(self, stage: Stage, store: Store, workers: int) -> None:
        job = stage.job
        assert isinstance(job, RememberedMergeJob)
        unfiltered = replace(job, filters=())

        def compute(z: int, region: Region) -> None:
            unfiltered.merged(Access(store, computed=dict(stage.computed_jobs)), z, region)

        with ThreadPoolExecutor(workers, initializer=give_way) as threads, suppress(Exception):
            # What fails here fails again, and is told, when somebody asks for it.
            for done in [threads.submit(compute, z, region) for z, region in places(stage)]:
                done.result()
        self.make_room(stage.frame, stage.slices)


def make_room(frame: Frame, slices: int, plan: Plan | None, store: Store | None) -> None:
    """Have memory for the masks of another generator, with less priority than all others."""
    give_way()
    if plan and store and (stage := merging(plan, store)) and isinstance(stage.job, MergeJob):
        shrink_masks(stage.job, store, stage.slices)
    memory.prepare(frame, slices)


def give_way() -> None:
    """Let other threads run before this one, where the system can."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def merging(plan: Plan, store: Store) -> Stage | None:
    """The stage that would measure merged masks that are remembered, if there is one."""
    lean = remembering(region_plan(plan, store, (MergeJob,)))
    found = [stage for stage in lean.stages if isinstance(stage.job, RememberedMergeJob) and stage.job.kept]
    return found[0] if len(found) == 1 else None


def places(stage: Stage) -> Iterator[tuple[int, Region]]:
    """Slices and tiles of them."""
    for z in range(stage.slices):
        for row, column in tile_indices(stage.frame, CHUNK):
            yield z, tile_region(stage.frame, CHUNK, row, column)


#: That of this process.
warmup = MaskWarmup()
