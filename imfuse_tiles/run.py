"""A plan becomes arrays: for each stage, compute the blocks that are not recorded as done, and record them."""

from __future__ import annotations

import errno
import signal
import time
from collections.abc import Callable, Container, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from imfuse_tiles.budget import Cut, laid_out, shown
from imfuse_tiles.chunks import Damaged
from imfuse_tiles.errors import BlockFailed, Interrupted, Resumable, Stop
from imfuse_tiles.plan import Plan
from imfuse_tiles.recipe import Resources
from imfuse_tiles.store import Store
from imfuse_tiles.work.stage import Access, Block, Job, Layout, Stage


@dataclass
class StageReport:
    """What became of a stage."""

    name: str
    key: str
    kind: str
    halo: int
    blocks: int = 0
    computed: int = 0
    reused: int = 0
    seconds: float = 0.0
    bytes_read: int = 0
    bytes_written: int = 0


class Progress:
    """Told how a run goes on; this one says nothing."""

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        """A stage begins, with so many blocks of which so many are done."""

    def block(self, stage: Stage) -> None:
        """A block was finished."""

    def finished(self, stage: Stage) -> None:
        """A stage is complete."""


@dataclass
class Run:
    """One execution of a plan on a store that the caller has locked."""

    plan: Plan
    store: Store
    resources: Resources
    progress: Progress = field(default_factory=Progress)
    stopped: int = 0

    def execute(self, pool: Callable[[], Any]) -> list[StageReport]:
        """Complete every stage that the result needs; ``pool`` opens the executor if there is work.

        A chunk that turns out damaged takes its block back, and the stages are gone through again.
        """
        for _ in range(100):
            todo = needed(self.plan, self.store)
            reports = {stage.key: self.report(stage) for stage in self.plan.stages}
            if not todo:
                return list(reports.values())
            try:
                with pool() as executor, self.signals():
                    for stage in todo:
                        self.complete(stage, executor, reports[stage.key])
                return list(reports.values())
            except Damaged as damage:
                self.lose(damage)
        raise BlockFailed("chunks of the store are damaged again and again; is the disk in order?")

    def report(self, stage: Stage) -> StageReport:
        """A stage as it is if nothing needs to be computed."""
        layout = self.store.layout(stage.key) if self.store.numbers(stage.key) else None
        count = stage.count(Layout(**layout)) if layout else 0
        return StageReport(stage.name, stage.key, stage.kind, stage.halo.reach, count, reused=count)

    def complete(self, stage: Stage, executor: Executor, report: StageReport) -> None:
        """Compute what is missing of a stage and sum it up."""
        began = time.perf_counter()
        cut = self.prepared(stage)
        done = self.kept(stage, cut.layout)
        count = stage.count(cut.layout)
        report.blocks, report.reused = count, len(done)
        self.progress.stage(stage, count, len(done))
        todo = (block for block in stage.blocks(cut.layout) if block.name not in done)
        with self.store.journal(stage.key) as record:
            for line in self.computed(stage, todo, executor, cut.at_once):
                record(line)
                done[line["block"]] = line
                report.computed += 1
                report.bytes_read += line["read"]
                report.bytes_written += line["written"]
                self.progress.block(stage)
        self.store.finish(stage.key, {**stage.job.summary(self.store, done.values()), "blocks": count})
        report.seconds = time.perf_counter() - began
        self.progress.finished(stage)

    def prepared(self, stage: Stage) -> Cut:
        """The layout of a stage: that of an unfinished earlier run, or a new one with its arrays made."""
        earlier = self.store.layout(stage.key)
        cut = laid_out(stage, self.resources, Layout(**earlier) if earlier else None)
        if earlier != asdict(cut.layout) or not self.has_arrays(stage):
            self.store.forget(stage.key)
            for output in stage.outputs:
                shape = output.shape(stage.frame, stage.runs(cut.layout))
                chunks = output.chunks(stage.frame, cut.layout.chunk)
                self.store.add(output.path, shape, chunks, output.dtype, {"imfuse_tiles": stage.about})
            self.store.begin(stage.key, asdict(cut.layout))
        return cut

    def has_arrays(self, stage: Stage) -> bool:
        return all(self.store.has(output.path) for output in stage.outputs)

    def kept(self, stage: Stage, layout: Layout) -> dict[str, dict[str, Any]]:
        """The blocks of an earlier run that are recorded and whole; others are taken back."""
        self.store.reopen(stage.key)
        done = self.store.done(stage.key)
        with self.store.journal(stage.key) as record:
            for name in unsound(self.store, stage, layout, done) if done else ():
                record({"lost": name})
                del done[name]
        return done

    def computed(self, stage: Stage, todo: Iterator[Block], executor: Executor, at_once: int) -> Iterator[Any]:
        """Journal lines of the blocks as they are finished, few in flight at any time."""
        flying: dict[Future[Any], Block] = {}
        problem: Exception | None = None
        while True:
            while not (problem or self.stopped) and len(flying) < 2 * at_once and (block := next(todo, None)):
                job = stage.job.for_block(block)
                flying[executor.submit(compute, self.store.root, job, block)] = block
            if not flying:
                break
            finished, _ = wait(flying, timeout=0.5, return_when=FIRST_COMPLETED)
            if self.stopped or problem:
                for future in [each for each in flying if each.cancel()]:
                    del flying[future]
            for future in finished & flying.keys():
                block = flying.pop(future)
                error = future.exception()
                if error is None:
                    yield {"block": block.name, **future.result()}
                else:
                    problem = problem or self.explained(stage, block, error)
        if problem:
            raise problem
        if self.stopped:
            raise Interrupted(self.stopped)

    def explained(self, stage: Stage, block: Block, error: BaseException) -> Exception:
        """What a failed block means to the run."""
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            need = shown(stage.bytes_on_disk(Layout(**(self.store.layout(stage.key) or {}))))
            return Resumable(
                f"the disk of {self.store.root} is full in stage {stage.name} (it writes {need}); "
                "free some space and run the same command again"
            )
        if isinstance(error, Stop | Damaged):
            return error
        failed = BlockFailed(f"block {block.name} of stage {stage.name} failed: {type(error).__name__}: {error}")
        failed.__cause__ = error
        return failed

    def lose(self, damage: Damaged) -> None:
        """Take back the blocks that a damaged chunk belongs to."""
        for stage in self.plan.stages:
            layout = self.store.layout(stage.key)
            if layout is None or all(output.path != damage.path for output in stage.outputs):
                continue
            if damage.cell == ():
                self.store.forget(stage.key)
            else:
                retract(self.store, stage, Layout(**layout), damage)

    @contextmanager
    def signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM let the blocks in flight finish; a second one ends the program as usual."""
        import threading

        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: Any) -> None:
            self.stopped = number
            signal.signal(number, before[number])

        before: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def compute(root: str, job: Job, block: Block) -> dict[str, Any]:
    """One block, in whatever process: its report with the bytes it read and wrote."""
    access = Access(Store(root))
    report = job.compute(access, block)
    return {**report, "read": access.bytes_read, "written": access.bytes_written}


def needed(plan: Plan, store: Store) -> list[Stage]:
    """The stages that must be computed for the result, in order: those unfinished or damaged, and used by such."""
    by_key = {stage.key: stage for stage in plan.stages}
    wanted, todo = [plan.result.key], set()
    while wanted:
        key = wanted.pop()
        if key not in todo and not sound(store, by_key[key]):
            todo.add(key)
            wanted.extend(by_key[key].inputs)
    return [stage for stage in plan.stages if stage.key in todo]


def sound(store: Store, stage: Stage) -> bool:
    """Whether a stage is finished and every chunk of it there in full length."""
    layout = store.layout(stage.key)
    if layout is None or store.numbers(stage.key) is None:
        return False
    done = store.done(stage.key)
    return len(done) == stage.count(Layout(**layout)) and not unsound(store, stage, Layout(**layout), done)


def unsound(store: Store, stage: Stage, layout: Layout, names: Container[str]) -> list[str]:
    """Those of the named blocks that have a chunk missing or not of full length."""
    try:
        opened = [(output, store.array(output.path)) for output in stage.outputs]
        arrays = [(output, array, array.sizes()) for output, array in opened]
    except Damaged:
        return [block.name for block in stage.blocks(layout) if block.name in names]
    return [
        block.name
        for block in stage.blocks(layout)
        if block.name in names
        and any(
            size(cell) != array.chunk_bytes for output, array, size in arrays for cell in array.cells(output.box(block))
        )
    ]


def retract(store: Store, stage: Stage, layout: Layout, damage: Damaged) -> None:
    """Take back the blocks that wrote a damaged chunk."""
    store.reopen(stage.key)
    output = next(each for each in stage.outputs if each.path == damage.path)
    array = store.array(output.path)
    with store.journal(stage.key) as record:
        for block in stage.blocks(layout):
            if damage.cell in array.cells(output.box(block)):
                record({"lost": block.name})
