"""A plan becomes arrays: stage after stage is completed, and gone through again where a chunk turns out damaged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from typing import Any

from imfuse_tiles.errors import BlockFailed
from imfuse_tiles.execution.progress import Progress, StageReport
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.execution.stage_run import StageRun
from imfuse_tiles.options.resources import worker_location
from imfuse_tiles.planning.retention import unreferenced_stages
from imfuse_tiles.planning.run_costs import note_stage
from imfuse_tiles.planning.work_plan import StageWork, WorkPlan, finished_blocks, survey
from imfuse_tiles.stages.integrity import invalidate_blocks
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.store import Store, delete_stage
from imfuse_tiles.storage.sweep import sweep_store

#: How often one chunk may turn out damaged before the run gives up.
MOST_DAMAGES = 2


@dataclass
class Run:
    """One execution of a plan on a store that the caller has locked."""

    work: WorkPlan
    store: Store
    progress: Progress = field(default_factory=Progress)
    halt: Halt = field(default_factory=Halt)
    #: Whether no other process has ever written to the store: it began with this run, which computes here.
    alone: bool = False

    def execute(self, pool: Callable[[], Any], export: Callable[[], Any] = lambda: None) -> list[StageReport]:
        """Complete every stage that the result needs, then ``export``; ``pool`` opens the executor if there is work.

        A chunk that turns out damaged invalidates its block, and what there is to do is looked up again.
        """
        reports = {work.stage.key: reused_report(work) for work in self.work.stages}
        deleted = self.work.deleted
        for damage in self.damages(lambda: self.attempt(pool, export, reports, deleted)):
            for stage in self.work.plan.stages:
                if damage.path in (self.store.journal(stage.key).head, *(output.path for output in stage.outputs)):
                    self.invalidate_blocks(stage, damage)
            self.work = self.survey()
        return list(reports.values())

    def attempt(
        self,
        pool: Callable[[], Any],
        export: Callable[[], Any],
        reports: dict[str, StageReport],
        deleted: frozenset[str],
    ) -> None:
        """Complete the stages of the work plan and export. Damaged when a chunk that is read is."""
        to_compute = self.work.to_compute
        stages = [work.stage for work in to_compute]
        self.delete_unreferenced(deleted, stages)
        if to_compute:
            with pool() as workers:
                for place, work in enumerate(to_compute, 1):
                    self.stage_run(work).complete(workers, reports[work.stage.key])
                    self.note_rates(work, reports[work.stage.key])
                    self.delete_unreferenced(deleted.intersection(work.stage.inputs), stages[place:])
        export()
        self.sweep(stages)

    def note_rates(self, work: StageWork, report: StageReport) -> None:
        """Keep how fast this machine was, for the plans to come; workers elsewhere tell nothing of it."""
        if worker_location(self.work.resources.scheduler) != "remote":
            note_stage(work, report, self.store.folder if self.store.is_local else None)

    def damages(self, attempt: Callable[[], None]) -> Iterator[Damaged]:
        """Damaged chunks, each to be invalidated, until an attempt meets none."""
        met: Counter[tuple[Any, ...]] = Counter()
        while True:
            try:
                return attempt()
            except Damaged as damage:
                met[damage.path, damage.chunk_index] += 1
                if met[damage.path, damage.chunk_index] > MOST_DAMAGES:
                    raise BlockFailed(f"{damage} again and again; are disk and memory in order?") from damage
                yield damage

    def stage_run(self, work: StageWork) -> StageRun:
        """How one stage is computed."""
        return StageRun(work, self.store, self.progress, self.halt, self.sweep)

    def survey(self) -> WorkPlan:
        """What there is to do now."""
        return survey(self.work.plan, self.store, self.work.resources)

    def invalidate_blocks(self, stage: Stage, damage: Damaged) -> None:
        """Have those blocks of a stage computed again that a damaged chunk makes doubtful."""
        invalidate_blocks(self.store, stage, damage)

    def delete_unreferenced(self, keys: Container[str], ahead: list[Stage]) -> None:
        """Delete those stages of ``keys`` that the stages ahead do not need, or what a killed run left of them."""
        for stage in unreferenced_stages(self.work.plan, keys, ahead):
            delete_stage(self.store, stage.key, (output.path for output in stage.outputs))

    def sweep(self, stages: list[Stage]) -> None:
        """Remove what is half written: workers of a killed program may have lived a moment longer than it did.

        Looking through all folders of a stack takes a while, and where nobody could leave anything it is not done.
        """
        if not self.alone:
            sweep_store(self.store, (output.path for stage in stages for output in stage.outputs))


def reused_report(work: StageWork) -> StageReport:
    """The report of a stage if nothing of it needs to be computed."""
    stage, record = work.stage, work.record
    count = finished_blocks(stage, record)
    return StageReport(stage.name, stage.key, stage.kind, stage.halo.radius, count, reused=count)
