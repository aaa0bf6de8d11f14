"""A run shared by several programs that know nothing of each other but the store: the jobs of an array, say.

Each computes its own blocks and keeps a journal of its own. After a stage it waits until the journals together
have all blocks. What two of them write twice is the same twice, so any may die and be started again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from imfuse_tiles.errors import Refusal, Resumable
from imfuse_tiles.execution.run import Lines, Run
from imfuse_tiles.options.resources import Part
from imfuse_tiles.planning.block_layout import Cut, laid_out
from imfuse_tiles.stages.integrity import unsound
from imfuse_tiles.stages.stage import Block, Layout, Stage
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.sweep import sweep_chunks

Found = TypeVar("Found")
#: Seconds between two looks at the store: the first and the longest.
SOON, LATE = 0.05, 2.0


@dataclass
class PartRun(Run):
    """One part of a run, on a store that the caller has locked for it."""

    part: Part = field(default_factory=lambda: Part(1, 1))
    #: Blocks, by their stage's key and name, that this part found damaged and computes whosever they are.
    repairs: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.writer = self.part.name

    def needed(self) -> list[Stage]:
        todo = {stage.key for stage in super().needed()} | {key for key, _ in self.repairs}
        return [stage for stage in self.plan.stages if stage.key in todo]

    def take_back(self, stage: Stage, damage: Damaged) -> None:
        layout = self.earlier(stage)
        if layout is None or damage.chunk_index == ():
            raise Resumable(f"{damage}; end the other parts and run the same command without --part")
        output = next(each for each in stage.outputs if each.path == damage.path)
        array = self.store.arrays.open(damage.path)
        for block in stage.blocks(layout):
            if damage.chunk_index in array.chunk_indices(output.box(block)):
                self.repairs.add((stage.key, block.name))

    def prepared(self, stage: Stage, cut: Cut) -> Cut:
        """The first part makes arrays and journal, the others wait for them."""
        earlier = self.earlier(stage)
        if self.part.number == 1:
            if earlier not in (None, cut.layout) and any(map(self.running, range(2, self.part.of + 1))):
                raise Refusal(f"other parts are at blocks of stage {stage.name} that need more memory; see --memory")
            return super().prepared(stage, cut)
        layout = self.awaited(lambda: self.begun(stage), lambda: {1}, f"stage {stage.name} to begin")
        cut = laid_out(stage, self.resources, layout)
        if cut.layout != layout:
            raise Refusal(f"part 1 has laid out blocks of stage {stage.name} that need more memory; see --memory")
        return cut

    def begun(self, stage: Stage) -> Layout | None:
        """The layout of a stage whose arrays are there."""
        layout = self.earlier(stage)
        return layout if layout and self.has_arrays(stage, layout) else None

    def kept(self, stage: Stage, layout: Layout) -> Lines:
        """The blocks that are recorded; those of this part that are not whole, and those to be repaired, are not.

        What an earlier life of this part left half written goes; other files may be another part's, at work on a
        machine that calls itself the same.
        """
        done = self.store.journal(stage.key).completed_blocks()
        self.sweep(stage, [block for block in self.own(stage, layout) if block.name not in done])
        mine = {block.name for block in self.own(stage, layout)} & done.keys()
        lost = set(unsound(self.store, stage, layout, mine)) if mine else set()
        self.repairs |= {(stage.key, name) for name in lost}
        return {name: line for name, line in done.items() if (stage.key, name) not in self.repairs}

    def tidy(self, stages: list[Stage]) -> None:
        """Nothing: what is half written may be another part's."""

    def sweep(self, stage: Stage, blocks: Sequence[Block]) -> None:
        """Remove what is half written of blocks that are for this part to compute."""
        if blocks:
            arrays = [(output, self.store.arrays.open(output.path)) for output in stage.outputs]
            chunks = (
                (array, (index for block in blocks for index in array.chunk_indices(output.box(block))))
                for output, array in arrays
            )
            sweep_chunks(self.store, chunks)

    def own(self, stage: Stage, layout: Layout) -> Iterator[Block]:
        for number, block in enumerate(stage.blocks(layout)):
            if self.part.owner(number) == self.part.number or (stage.key, block.name) in self.repairs:
                yield block

    def joined(self, stage: Stage, layout: Layout, done: Lines) -> Lines:
        """All blocks of a stage, once the other parts have done theirs."""
        self.repairs = {each for each in self.repairs if each[0] != stage.key}
        joint = Joint(self, stage, layout, done)
        return self.awaited(joint.look, joint.owners, f"blocks of stage {stage.name}")

    def awaited(self, look: Callable[[], Found | None], owners: Callable[[], Iterable[int]], what: str) -> Found:
        """What ``look`` finds once it is there. Resumable when the parts that owe it do not run for long."""
        pause, alive = SOON, time.monotonic()
        while (found := look()) is None:
            self.halt.check()
            if pause == LATE:
                self.progress.waits(what)
                if any(map(self.running, owners())):
                    alive = time.monotonic()
                else:
                    self.check_wait(alive, owners(), what)
            time.sleep(pause)
            pause = min(pause * 1.5, LATE) if self.part.wait > LATE else LATE
        return found

    def check_wait(self, alive: float, owners: Iterable[int], what: str) -> None:
        if time.monotonic() - alive > self.part.wait:
            names = ", ".join(map(str, sorted(owners)))
            raise Resumable(f"waited for {what}, but of {self.part.of} parts these do not run: {names}; start them")

    def running(self, number: int) -> bool:
        """Whether a part is at work."""
        part = Part(number, self.part.of)
        return number != self.part.number and self.store.is_locked(part.name)


class Joint:
    """The blocks of a stage as all journals together tell them; read anew only when one has grown."""

    def __init__(self, run: PartRun, stage: Stage, layout: Layout, done: Lines) -> None:
        self.run, self.stage, self.layout, self.done = run, stage, layout, done
        self.seen: list[tuple[str, int]] = []

    def look(self) -> Lines | None:
        """All blocks, None while some are missing."""
        now = self.run.store.journal(self.stage.key).sizes()
        if now != self.seen:
            before, self.seen, self.done = (
                len(self.done),
                now,
                self.run.store.journal(self.stage.key).completed_blocks(),
            )
            for _ in range(len(self.done) - before):
                self.run.progress.block(self.stage)
        return self.done if len(self.done) == self.stage.count(self.layout) else None

    def owners(self) -> set[int]:
        """The parts that owe blocks."""
        owner = self.run.part.owner
        blocks = enumerate(self.stage.blocks(self.layout))
        return {owner(number) for number, block in blocks if block.name not in self.done}
