"""How a run is shown while it goes on: a bar on a terminal, plain lines elsewhere, both on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imfuse_tiles.cli.compile_notice import announce_compiling, compiling_announced
from imfuse_tiles.execution.progress import BlockTiming, Progress
from imfuse_tiles.stages.stage import Stage


class Lines(Progress):
    """One line when a stage is complete, and one every ten seconds while it is not."""

    def __init__(self) -> None:
        self.began = self.printed = time.monotonic()
        self.blocks = self.done = self.first = 0
        self.compiled = 0.0
        self.workers: set[str] = set()

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        self.began = self.printed = time.monotonic()
        self.blocks, self.done, self.first = blocks, reused, reused
        self.compiled, self.workers = 0.0, set()

    def took(self, stage: Stage, took: BlockTiming) -> None:
        if took.compiled:
            announce_compiling()
        self.compiled += took.compiled
        self.workers.add(took.worker)

    def block(self, stage: Stage) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self.printed > 10:
            self.printed = now
            computing = max(0.0, now - self.began - self.compiled / max(1, len(self.workers)))
            left = computing / (self.done - self.first) * (self.blocks - self.done)
            print(f"{stage.name}: {self.done} of {self.blocks} blocks, {left:.0f} s left", file=sys.stderr)

    def waits(self, what: str) -> None:
        now = time.monotonic()
        if now - self.printed > 10:
            self.printed = now
            print(f"waits for {what}", file=sys.stderr)

    def finished(self, stage: Stage) -> None:
        reused = f", {self.first} reused" if self.first else ""
        took = time.monotonic() - self.began
        print(f"{stage.name}: {self.blocks} blocks{reused}, {took:.2f} s", file=sys.stderr)


class Bar(Progress):
    """A bar for each stage with blocks done and time left."""

    def __init__(self, bars: Any) -> None:
        self.bars, self.task, self.done = bars, None, 0

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        self.task = self.bars.add_task(stage.name, total=blocks, completed=reused)
        self.done = reused

    def took(self, stage: Stage, took: BlockTiming) -> None:
        """Blocks that waited for kernels to be compiled tell nothing of the time left: it is estimated again."""
        if took.compiled:
            announce_compiling()
            self.bars.reset(self.task, completed=self.done)

    def block(self, stage: Stage) -> None:
        self.done += 1
        self.bars.advance(self.task)


@contextmanager
def terminal_progress(quiet: bool) -> Iterator[Progress]:
    """The display that suits standard error: bars on a terminal, else lines."""
    if quiet:
        yield Progress()
    elif not sys.stderr.isatty():
        with compiling_announced():
            yield Lines()
    else:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        columns = (
            TextColumn("{task.description:<20}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        with (
            Bars(*columns, console=Console(file=getattr(sys.stderr, "terminal", sys.stderr))) as bars,
            compiling_announced(),
        ):
            yield Bar(bars)
