"""How a run is shown while it goes on: a bar on a terminal, plain lines elsewhere, both on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imfuse_tiles.cli.compile_notice import announce_compiling, compiling_announced
from imfuse_tiles.cli.whole_run import WholeRun, duration
from imfuse_tiles.execution.progress import BlockTiming, Progress
from imfuse_tiles.stages.stage import Stage


class Lines(Progress):
    """One line when a stage is complete, and one every ten seconds while it is not."""

    def __init__(self, whole: WholeRun | None = None) -> None:
        self.whole = whole or WholeRun([], 1)
        self.began = self.printed = time.monotonic()
        self.blocks = self.done = self.first = 0
        self.compiled = 0.0
        self.workers: set[str] = set()

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        self.began = self.printed = time.monotonic()
        self.blocks, self.done, self.first = blocks, reused, reused
        self.compiled, self.workers = 0.0, set()
        self.whole.begin(stage, blocks, reused)

    def took(self, stage: Stage, took: BlockTiming) -> None:
        if took.compiled:
            announce_compiling()
        self.compiled += took.compiled
        self.workers.add(took.worker)
        self.whole.leave_out(took.compiled / len(self.workers))

    def block(self, stage: Stage) -> None:
        self.done += 1
        self.whole.block()
        now = time.monotonic()
        if now - self.printed > 10:
            self.printed = now
            computing = max(0.0, now - self.began - self.compiled / max(1, len(self.workers)))
            left = computing / (self.done - self.first) * (self.blocks - self.done)
            line = f"{stage.name}: {self.done} of {self.blocks} blocks, {left:.0f} s left"
            print(f"{line}; {self.whole.place}, {whole_text(self.whole)}", file=sys.stderr)

    def waits(self, what: str) -> None:
        now = time.monotonic()
        if now - self.printed > 10:
            self.printed = now
            print(f"waits for {what}", file=sys.stderr)

    def finished(self, stage: Stage) -> None:
        reused = f", {self.first} reused" if self.first else ""
        took = time.monotonic() - self.began
        print(f"{stage.name}: {count_text(self.blocks)}{reused}, {took:.2f} s", file=sys.stderr)


def count_text(blocks: int) -> str:
    """So many blocks in words."""
    return "1 block" if blocks == 1 else f"{blocks} blocks"


def whole_text(whole: WholeRun) -> str:
    """Time of the whole run behind and ahead."""
    left = "" if whole.left is None else f", {duration(whole.left)} left"
    return f"whole run {duration(whole.elapsed)} so far{left}"


class BriefLines(Lines):
    """The same for many runs: none where a stage is complete."""

    def finished(self, stage: Stage) -> None:
        pass


class Bar(Progress):
    """A bar for each stage with blocks done and time left, and one for the whole run."""

    def __init__(self, bars: Any, whole: WholeRun | None = None) -> None:
        self.bars, self.task, self.done, self.whole = bars, None, 0, whole or WholeRun([], 1)
        self.run = bars.add_task("whole run", total=1.0, words="")
        self.workers: set[str] = set()

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        self.whole.begin(stage, blocks, reused)
        self.task = self.bars.add_task(stage.name, total=blocks, completed=reused, words=f"{reused} of {blocks} blocks")
        self.blocks, self.done = blocks, reused
        self.show()

    def show(self) -> None:
        """Bring the bar of the whole run up to date."""
        words = f"{self.whole.place}, {whole_text(self.whole)}"
        self.bars.update(self.run, completed=self.whole.spent / max(self.whole.total, 1e-9), words=words)

    def took(self, stage: Stage, took: BlockTiming) -> None:
        """Blocks that waited for kernels to be compiled tell nothing of the time left: it is estimated again."""
        if took.compiled:
            announce_compiling()
            self.bars.reset(self.task, completed=self.done)
            self.workers.add(took.worker)
            self.whole.leave_out(took.compiled / len(self.workers))

    def block(self, stage: Stage) -> None:
        self.done += 1
        self.whole.block()
        self.bars.update(self.task, advance=1, words=f"{self.done} of {self.blocks} blocks")
        self.show()


class BriefBar(Bar):
    """The same for many runs: only the stage at work has a bar."""

    def finished(self, stage: Stage) -> None:
        self.bars.remove_task(self.task)


@contextmanager
def terminal_progress(quiet: bool, whole: WholeRun | None = None, brief: bool = False) -> Iterator[Progress]:
    """The display that suits standard error: bars on a terminal, else lines; in the end the time of the whole run.

    ``brief``: for many runs, of which stages that are complete are not told.
    """
    if quiet:
        yield Progress()
    elif not sys.stderr.isatty():
        with compiling_announced():
            yield (BriefLines if brief else Lines)(whole)
        tell_whole(whole)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        columns = (
            TextColumn("{task.description:<20}"),
            BarColumn(),
            TextColumn("{task.fields[words]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        with (
            Bars(*columns, console=Console(file=getattr(sys.stderr, "terminal", sys.stderr))) as bars,
            compiling_announced(),
        ):
            yield (BriefBar if brief else Bar)(bars, whole)
        tell_whole(whole)


def tell_whole(whole: WholeRun | None) -> None:
    """Print how long the stages of a run took, if any was computed."""
    if whole and whole.current:
        print(f"whole run: {whole.elapsed:.1f} s", file=sys.stderr)
