"""A run shared by several programs that know nothing of each other but the store: the jobs of an array, say.

Each computes its own blocks and keeps a journal of its own. After a stage it waits until the journals together
have all blocks. What two of them write twice is the same twice, so any may die and be started again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from imfuse_tiles.errors import Incomplete, Refusal
from imfuse_tiles.execution.part_plans import plan_digest
from imfuse_tiles.execution.run import Run
from imfuse_tiles.execution.stage_run import Lines, StageRun, recorded_layout
from imfuse_tiles.execution.wait_for_parts import JointJournals, PartWaiter
from imfuse_tiles.options.resources import Part
from imfuse_tiles.planning.block_layout import BlockLayout, adopt_layout
from imfuse_tiles.planning.work_plan import StageWork, WorkPlan
from imfuse_tiles.stages.array_layout import Block, Layout
from imfuse_tiles.stages.integrity import damaged_blocks
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.sweep import sweep_chunks

#: Blocks, by their stage's key and name, that a part found damaged and computes whosever they are.
Repairs = set[tuple[str, str]]


@dataclass
class PartRun(Run):
    """One part of a run, on a store that the caller has locked for it."""

    part: Part = field(default_factory=lambda: Part(1, 1))
    repairs: Repairs = field(default_factory=set)

    def survey(self) -> WorkPlan:
        """What there is to do now, with the stages that have blocks to repair."""
        work, keys = super().survey(), {key for key, _ in self.repairs}
        stages = (replace(each, needed=each.needed or each.stage.key in keys) for each in work.stages)
        return replace(work, stages=tuple(stages))

    def invalidate_blocks(self, stage: Stage, damage: Damaged) -> None:
        """Note the blocks that a damaged chunk lies in: this part computes them again."""
        layout = recorded_layout(self.store, stage)
        if layout is None or damage.chunk_index == ():
            raise Incomplete(f"{damage}; end the other parts and run the same command without --part")
        output = next(output for output in stage.outputs if output.path == damage.path)
        array = self.store.arrays.open(damage.path)
        for block in stage.blocks(layout):
            if damage.chunk_index in array.chunk_indices(output.box(block)):
                self.repairs.add((stage.key, block.name))

    def sweep(self, stages: list[Stage]) -> None:
        """Nothing: what is half written may be another part's."""

    def stage_run(self, work: StageWork) -> StageRun:
        """How this part computes its blocks of a stage."""
        waiter = PartWaiter(self.part, self.store, self.progress, self.halt, plan_digest(self.work.plan, self.part))
        return PartStageRun(work, self.store, self.progress, self.halt, self.sweep, self.part.name,
                            waiter=waiter, work_plan=self.work, repairs=self.repairs)  # fmt: skip


@dataclass(kw_only=True)
class PartStageRun(StageRun):
    """The computing of one part's blocks of a stage."""

    waiter: PartWaiter
    work_plan: WorkPlan
    repairs: Repairs

    @property
    def part(self) -> Part:
        return self.waiter.part

    def prepare(self) -> BlockLayout:
        """The first part makes arrays and journal, the others wait for them."""
        if self.part.number == 1:
            recorded, layout = recorded_layout(self.store, self.stage), self.work.blocks.layout
            if recorded not in (None, layout) and any(map(self.waiter.is_running, range(2, self.part.of + 1))):
                raise Refusal(f"other parts compute stage {self.stage.name} in blocks that need more memory; "
                              "see --memory")  # fmt: skip
            return super().prepare()
        layout = self.waiter.wait_until(self.begun_layout, lambda: {1}, f"stage {self.stage.name} to begin")
        blocks = adopt_layout(self.stage, self.work_plan.resources, layout)
        if blocks is None:
            raise Refusal(f"part 1 computes stage {self.stage.name} in blocks that need more memory; see --memory")
        return blocks

    def begun_layout(self) -> Layout | None:
        """The layout of the stage once its arrays are there."""
        layout = recorded_layout(self.store, self.stage)
        return layout if layout and self.has_arrays(layout) else None

    def load_completed_blocks(self, layout: Layout) -> Lines:
        """The blocks that are recorded; those of this part that are not whole, and those to be repaired, are not.

        What an earlier life of this part left half written goes; other files may be another part's, at work on a
        machine that calls itself the same.
        """
        completed, stage = self.store.journal(self.stage.key).completed_blocks(), self.stage
        assigned = list(self.assigned_blocks(layout))
        self.sweep_blocks([block for block in assigned if block.name not in completed])
        own = {block.name for block in assigned} & completed.keys()
        lost = damaged_blocks(self.store, stage, layout, own) if own else ()
        self.repairs |= {(stage.key, name) for name in lost}
        return {name: line for name, line in completed.items() if (stage.key, name) not in self.repairs}

    def sweep_blocks(self, blocks: Sequence[Block]) -> None:
        """Remove what is half written of blocks that are for this part to compute."""
        if blocks:
            arrays = [(output, self.store.arrays.open(output.path)) for output in self.stage.outputs]
            chunks = (
                (array, (index for block in blocks for index in array.chunk_indices(output.box(block))))
                for output, array in arrays
            )
            sweep_chunks(self.store, chunks)

    def assigned_blocks(self, layout: Layout) -> Iterator[Block]:
        """Every n-th block, and those to be repaired."""
        for number, block in enumerate(self.stage.blocks(layout)):
            if self.part.part_of_block(number) == self.part.number or (self.stage.key, block.name) in self.repairs:
                yield block

    def wait_for_parts(self, layout: Layout, completed: Lines) -> Lines:
        """All blocks of the stage, once the other parts have done theirs."""
        self.repairs -= {repair for repair in self.repairs if repair[0] == self.stage.key}
        journals = JointJournals(self.store, self.stage, layout, self.part, self.progress, completed)
        return self.waiter.wait_until(journals.look, journals.owners, f"blocks of stage {self.stage.name}")
