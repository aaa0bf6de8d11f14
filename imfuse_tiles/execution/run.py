"""A plan becomes arrays: for each stage, compute the blocks that are not recorded as done, and record them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Container, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import asdict, dataclass, field
from typing import Any

from imfuse_tiles.errors import BlockFailed, Stop
from imfuse_tiles.execution.compute_block import compute
from imfuse_tiles.execution.machine_errors import told
from imfuse_tiles.execution.pools import Pool
from imfuse_tiles.execution.progress import Progress, StageReport, Took
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import Cut, laid_out
from imfuse_tiles.planning.disk import to_write
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.resume import needed
from imfuse_tiles.planning.retention import spent
from imfuse_tiles.stages.array_metadata import described
from imfuse_tiles.stages.integrity import opened, take_back, unsound
from imfuse_tiles.stages.stage import Block, Layout, Stage
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.store import Store, delete_stage
from imfuse_tiles.storage.sweep import sweep_store

#: What each finished block of a stage reported, by the blocks' names.
Lines = dict[str, dict[str, Any]]
#: How many blocks of a stage may fail before the others are not tried any more.
FAILURES = 10


@dataclass
class Run:
    """One execution of a plan on a store that the caller has locked."""

    plan: Plan
    store: Store
    resources: Resources
    progress: Progress = field(default_factory=Progress)
    halt: Halt = field(default_factory=Halt)
    #: Name of this writer among several of one store.
    writer: str = ""
    #: Keys of the stages to delete as soon as nothing to come reads them.
    spare: frozenset[str] = frozenset()
    #: Whether no other process has ever written to the store: it began with this run, which computes here.
    alone: bool = False

    def execute(self, pool: Callable[[], Any], export: Callable[[], Any] = lambda: None) -> list[StageReport]:
        """Complete every stage that the result needs, then ``export``; ``pool`` opens the executor if there is work.

        A chunk that turns out damaged takes its block back, and the stages are gone through again.
        """
        reports = {stage.key: self.report(stage) for stage in self.plan.stages}
        for damage in self.damages(lambda: self.attempt(pool, export, reports)):
            for stage in self.plan.stages:
                if any(output.path == damage.path for output in stage.outputs):
                    self.take_back(stage, damage)
        return list(reports.values())

    def take_back(self, stage: Stage, damage: Damaged) -> None:
        """Have a stage computed again where a damaged chunk makes it doubtful."""
        take_back(self.store, stage, damage)

    def needed(self) -> list[Stage]:
        """The stages with something to compute."""
        return needed(self.plan, self.store)

    def attempt(self, pool: Callable[[], Any], export: Callable[[], Any], reports: dict[str, StageReport]) -> None:
        todo = self.needed()
        self.clear(self.spare, todo)
        if todo:
            with pool() as workers:
                for place, stage in enumerate(todo, 1):
                    self.complete(stage, workers, reports[stage.key])
                    self.clear(self.spare.intersection(stage.inputs), todo[place:])
        export()
        self.tidy(todo)

    def clear(self, spare: Container[str], ahead: list[Stage]) -> None:
        """Delete what is not to be kept and not needed by the stages ahead, whole or what a killed run left of it."""
        for stage in spent(self.plan, spare, ahead):
            delete_stage(self.store, stage.key, (output.path for output in stage.outputs))

    def tidy(self, stages: list[Stage]) -> None:
        """Remove what is half written: workers of a killed program may have lived a moment longer than it did.

        Looking through all folders of a stack takes a while, and where nobody could leave anything it is not done.
        """
        if not self.alone:
            sweep_store(self.store, (output.path for stage in stages for output in stage.outputs))

    def damages(self, attempt: Callable[[], None]) -> Iterator[Damaged]:
        """Damaged chunks, each to be taken back, until an attempt meets none."""
        met: Counter[tuple[Any, ...]] = Counter()
        while True:
            try:
                return attempt()
            except Damaged as damage:
                met[damage.path, damage.chunk_index] += 1
                if met[damage.path, damage.chunk_index] > 2:
                    raise BlockFailed(f"{damage} again and again; are disk and memory in order?") from damage
                yield damage

    def report(self, stage: Stage) -> StageReport:
        """A stage as it is if nothing needs to be computed."""
        layout = self.earlier(stage) if self.store.numbers.load(stage.key) else None
        count = stage.count(layout) if layout else 0
        return StageReport(stage.name, stage.key, stage.kind, stage.halo.reach, count, reused=count)

    def complete(self, stage: Stage, pool: Pool, report: StageReport) -> None:
        """Compute what is missing of a stage and sum it up."""
        start = time.perf_counter()
        cut = laid_out(stage, self.resources, self.earlier(stage))
        with told(f"stage {stage.name}", self.store.folder, to_write(stage, self.store, cut.layout)):
            cut = self.prepared(stage, cut)
            done = self.kept(stage, cut.layout)
            count = stage.count(cut.layout)
            report.blocks, report.reused = count, max(0, len(done) - report.computed)
            self.progress.stage(stage, count, len(done))
            todo = (block for block in self.own(stage, cut.layout) if block.name not in done)
            with self.store.journal(stage.key).appending(self.writer) as record:
                for line in self.computed(stage, todo, pool, cut.at_once):
                    worker, began, seconds = line.pop("took")
                    took = Took(line["block"], worker, began, seconds, line["read"], line["written"])
                    record({**line, "at": round(time.time(), 1)})
                    done[line["block"]] = line
                    report.computed += 1
                    report.busy += took.seconds
                    report.bytes_read += took.bytes_read
                    report.bytes_written += took.bytes_written
                    self.progress.took(stage, took)
                    self.progress.block(stage)
            done = self.joined(stage, cut.layout, done)
            self.store.numbers.save(stage.key, {**stage.job.summary(self.store, done.values()), "blocks": count})
        report.seconds += time.perf_counter() - start
        self.progress.finished(stage)

    def earlier(self, stage: Stage) -> Layout | None:
        """The layout of an earlier run, finished or not."""
        return Layout.of(self.store.journal(stage.key).layout())

    def prepared(self, stage: Stage, cut: Cut) -> Cut:
        """Make the arrays and the journal of a stage, unless an earlier run with this layout left them."""
        layout = cut.layout
        if self.earlier(stage) == layout and self.has_arrays(stage, layout):
            return cut
        self.store.journal(stage.key).forget()
        for output in stage.outputs:
            shape = output.shape(stage.frame, stage.runs(layout))
            chunks = output.chunks(stage.frame, layout.chunk)
            about = {"imfuse_tiles": {**stage.about, **described(stage, output)}}
            self.store.arrays.create(output.path, shape, chunks, output.dtype, about)
        self.store.journal(stage.key).begin(asdict(layout))
        return cut

    def own(self, stage: Stage, layout: Layout) -> Iterator[Block]:
        """The blocks that are for this run to compute."""
        return stage.blocks(layout)

    def joined(self, stage: Stage, layout: Layout, done: Lines) -> Lines:
        """All blocks of a stage, once they are done."""
        return done

    def has_arrays(self, stage: Stage, layout: Layout) -> bool:
        try:
            return all(opened(self.store, stage, layout, output) for output in stage.outputs)
        except Damaged:
            return False

    def kept(self, stage: Stage, layout: Layout) -> Lines:
        """The blocks of an earlier run that are recorded and whole; others are taken back."""
        self.store.numbers.delete(stage.key)
        self.tidy([stage])
        done = self.store.journal(stage.key).completed_blocks()
        with self.store.journal(stage.key).appending() as record:
            for name in unsound(self.store, stage, layout, done) if done else ():
                record({"lost": name})
                del done[name]
        return done

    def computed(self, stage: Stage, todo: Iterator[Block], pool: Pool, at_once: int) -> Iterator[Any]:
        """Journal lines of the blocks as they are finished, few in flight at any time.

        A block that fails keeps none of the others from being computed; a trouble of the machine does.
        """
        flying: dict[Future[Any], Block] = {}
        failed: list[BlockFailed] = []
        trouble: BaseException | None = None
        while True:
            over = trouble or self.halt.number or len(failed) >= FAILURES
            while not over and len(flying) < pool.window(at_once) and (block := next(todo, None)):
                job = stage.job.for_block(block)
                flying[pool.submit(compute, self.store.root, job, block)] = block
            if not flying:
                break
            finished, _ = wait(flying, timeout=0.5, return_when=FIRST_COMPLETED)
            if self.halt.number or over:
                for future in [each for each in flying if each.cancel()]:
                    del flying[future]
            for future in finished & flying.keys():
                block = flying.pop(future)
                error = future.exception()
                if error is None:
                    yield {"block": block.name, **future.result()}
                elif isinstance(error, Stop | Damaged | OSError | MemoryError | BrokenExecutor):
                    trouble = trouble or error  # explained further up
                else:
                    failed.append(self.explained(stage, block, error))
        if trouble:
            raise trouble
        self.halt.check()
        if failed:
            raise together(failed)

    def explained(self, stage: Stage, block: Block, error: BaseException) -> BlockFailed:
        """What a failed block means to the run."""
        failed = BlockFailed(f"block {block.name} of stage {stage.name} failed: {type(error).__name__}: {error}")
        failed.__cause__ = error
        return failed


def together(failed: list[BlockFailed]) -> BlockFailed:
    """One error for all blocks of a stage that failed: the first in full, of the others how many."""
    first, more = failed[0], len(failed) - 1
    if not more:
        return first
    said = "the blocks behind them were not tried" if more + 1 >= FAILURES else "all others are done"
    every = BlockFailed(f"{first}; {more} more failed like it, {said}")
    every.__cause__ = first.__cause__
    return every
