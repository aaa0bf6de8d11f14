"""Waiting for what other parts of a run owe, as long as they are at work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from imfuse_tiles.errors import Incomplete
from imfuse_tiles.execution.part_plans import is_part_running
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.execution.stage_run import Lines
from imfuse_tiles.options.resources import Part
from imfuse_tiles.stages.array_layout import Layout
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store

Found = TypeVar("Found")
#: Seconds between two looks at the store: the first and the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


@dataclass
class PartWaiter:
    """How one part of a run waits for the others."""

    part: Part
    store: Store
    progress: Progress
    halt: Halt
    #: Digest of the plan that all parts have in common.
    plan: str

    def wait_until(self, look: Callable[[], Found | None], owners: Callable[[], Iterable[int]], what: str) -> Found:
        """What ``look`` finds once it is there. Incomplete when the parts that owe it do not run for long."""
        pause, last_seen = FIRST_PAUSE, time.monotonic()
        while (found := look()) is None:
            self.halt.check()
            if pause == LONGEST_PAUSE:
                self.progress.waits(what)
                if any(map(self.is_running, owners())):
                    last_seen = time.monotonic()
                else:
                    self.check_patience(last_seen, owners(), what)
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE) if self.part.wait > LONGEST_PAUSE else LONGEST_PAUSE
        return found

    def check_patience(self, last_seen: float, owners: Iterable[int], what: str) -> None:
        """Incomplete, naming the parts to start, when none of them was seen for as long as this part waits."""
        if time.monotonic() - last_seen > self.part.wait:
            names = ", ".join(map(str, sorted(owners)))
            raise Incomplete(f"waited for {what}, but of {self.part.of} parts these do not run: {names}; start them")

    def is_running(self, number: int) -> bool:
        """Whether another part is at work on the same plan."""
        part = Part(number, self.part.of)
        return number != self.part.number and is_part_running(self.store, part, self.plan)


@dataclass
class JointJournals:
    """The blocks of a stage as the journals of all parts record them; read again only when one has grown."""

    store: Store
    stage: Stage
    layout: Layout
    part: Part
    progress: Progress
    completed: Lines
    sizes: list[tuple[str, int]] = field(default_factory=list)

    def look(self) -> Lines | None:
        """All blocks, None while some are missing."""
        sizes = self.store.journal(self.stage.key).sizes()
        if sizes != self.sizes:
            before, self.sizes, self.completed = (
                len(self.completed),
                sizes,
                self.store.journal(self.stage.key).completed_blocks(),
            )
            for _ in range(len(self.completed) - before):
                self.progress.block(self.stage)
        return self.completed if len(self.completed) == self.stage.count(self.layout) else None

    def owners(self) -> set[int]:
        """The parts that owe blocks."""
        blocks = enumerate(self.stage.blocks(self.layout))
        return {self.part.part_of_block(number) for number, block in blocks if block.name not in self.completed}
