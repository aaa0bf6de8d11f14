"""One stage of a run: arrays and journal prepared, missing blocks computed and recorded, the stage summed up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from imfuse_tiles.execution.machine_errors import translate_os_errors
from imfuse_tiles.execution.pools import Pool
from imfuse_tiles.execution.progress import BlockTiming, Progress, StageReport
from imfuse_tiles.execution.schedule_blocks import run_blocks
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.planning.block_layout import BlockLayout
from imfuse_tiles.planning.work_plan import StageWork
from imfuse_tiles.stages.array_layout import Block, Layout
from imfuse_tiles.stages.array_metadata import array_attributes
from imfuse_tiles.stages.integrity import damaged_blocks, open_array
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.json_values import matches
from imfuse_tiles.storage.store import Store

#: What each finished block of a stage reported, by the blocks' names.
Lines = dict[str, dict[str, Any]]


@dataclass
class StageRun:
    """The computing of one stage, on a store that the run has locked. ``sweep``: remove what is half written."""

    work: StageWork
    store: Store
    progress: Progress
    halt: Halt
    sweep: Callable[[list[Stage]], None]
    #: Name of this writer among several of one store.
    writer: str = ""

    @property
    def stage(self) -> Stage:
        return self.work.stage

    def complete(self, pool: Pool, report: StageReport) -> None:
        """Compute what is missing of the stage and sum it up."""
        start, stage = time.perf_counter(), self.stage
        with translate_os_errors(f"stage {stage.name}", self.store.folder, self.work.bytes_to_write):
            blocks = self.prepare()
            completed = self.load_completed_blocks(blocks.layout)
            count = stage.count(blocks.layout)
            report.blocks, report.reused = count, max(0, len(completed) - report.computed)
            self.progress.stage(stage, count, len(completed))
            self.compute(blocks, completed, pool, report)
            completed = self.wait_for_parts(blocks.layout, completed)
            self.store.numbers.save(stage.key, {**self.sum_up(completed, report), "blocks": count})
        report.seconds += time.perf_counter() - start
        self.progress.finished(stage)

    def sum_up(self, completed: Lines, report: StageReport) -> dict[str, Any]:
        """The numbers of the whole stage. Damaged when lines of the journal are none that its blocks report."""
        try:
            summary = self.stage.job.summary(self.store, completed.values())
            if matches(summary, self.stage.job.summary_pattern()):
                return summary
        except (TypeError, ValueError, ArithmeticError, LookupError):
            if not report.reused:
                raise
        raise Damaged(self.store.journal(self.stage.key).head, (), "not as blocks report")

    def compute(self, blocks: BlockLayout, completed: Lines, pool: Pool, report: StageReport) -> None:
        """Compute the assigned blocks that are not completed, and record each in the journal when it is finished."""
        missing = (block for block in self.assigned_blocks(blocks.layout) if block.name not in completed)
        lines = run_blocks(self.stage, blocks, missing, pool, self.store.root, self.halt)
        with self.store.journal(self.stage.key).appending(self.writer) as record:
            for line in lines:
                worker, began, seconds, *shares = line.pop("took")
                timing = BlockTiming(line["block"], worker, began, seconds, line["read"], line["written"], *shares)
                record({**line, "at": round(time.time(), 1)})
                completed[line["block"]] = line
                report.add(timing)
                self.progress.took(self.stage, timing)
                self.progress.block(self.stage)

    def prepare(self) -> BlockLayout:
        """Make the arrays and the journal of the stage, unless an earlier run with this layout left them."""
        stage, layout = self.stage, self.work.blocks.layout
        if recorded_layout(self.store, stage) == layout and self.has_arrays(layout):
            return self.work.blocks
        self.store.journal(stage.key).forget()
        for output in stage.outputs:
            shape = output.shape(stage.frame, stage.z_batches(layout))
            chunks = output.chunks(stage.frame, layout.chunk)
            metadata = {"imfuse_tiles": {**stage.about, **array_attributes(stage, output, layout)}}
            per_file = output.per_file(stage.frame, layout)
            self.store.arrays.create(output.path, shape, chunks, output.dtype, metadata, self.work.compressed, per_file)
        self.store.journal(stage.key).begin(asdict(layout))
        return self.work.blocks

    def has_arrays(self, layout: Layout) -> bool:
        """Whether all arrays of the stage are there as this layout needs them."""
        try:
            return all(open_array(self.store, self.stage, layout, output) for output in self.stage.outputs)
        except Damaged:
            return False

    def load_completed_blocks(self, layout: Layout) -> Lines:
        """The blocks of an earlier run that are recorded and whole; the others are recorded as lost."""
        self.store.numbers.delete(self.stage.key)
        self.sweep([self.stage])
        completed = self.store.journal(self.stage.key).completed_blocks()
        with self.store.journal(self.stage.key).appending() as record:
            for name in damaged_blocks(self.store, self.stage, layout, completed) if completed else ():
                record({"lost": name})
                del completed[name]
        return completed

    def assigned_blocks(self, layout: Layout) -> Iterator[Block]:
        """The blocks that are for this run to compute."""
        return self.stage.blocks(layout)

    def wait_for_parts(self, layout: Layout, completed: Lines) -> Lines:
        """All blocks of the stage, once those that other parts of the run compute are done; here there are none."""
        return completed


def recorded_layout(store: Store, stage: Stage) -> Layout | None:
    """The layout that the journal of a stage begins with, finished or not; None when there is none."""
    return Layout.of(store.journal(stage.key).layout())
