"""What there is to do for a plan on a store: read once, then handed to refusals, the plan's display and the run."""

from __future__ import annotations

from collections.abc import Collection

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import BlockLayout, lay_out, too_large
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.resume import CheckedStages, StageRecord, read_record, stages_to_compute
from imfuse_tiles.planning.retention import discardable_stages
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.inventory import discarded_stages
from imfuse_tiles.storage.store import Store


@frozen
class StageWork:
    """A stage with its block layout and what the store has of it.

    ``blocks``: the layout that it is computed in, with the bytes of a block and how many fit at once. ``record``:
    what an earlier run left, ``completed``: how many blocks of it are recorded as done. ``needed``: whether the
    result needs it to be computed: it is unfinished or damaged, and used by a stage that is. ``compressed``: whether
    its chunks are when its arrays are created.
    """

    stage: Stage
    blocks: BlockLayout
    record: StageRecord
    completed: int
    needed: bool
    compressed: bool = False

    @property
    def block_count(self) -> int:
        return self.stage.count(self.blocks.layout)

    @property
    def file_count(self) -> int:
        """Files of the finished stage in the store."""
        stage, layout = self.stage, self.blocks.layout
        return sum(stage.file_count(output, layout, self.compressed) for output in stage.outputs)

    @property
    def bytes_in_all(self) -> int:
        """Bytes on disk of the finished stage."""
        return self.stage.bytes_on_disk(self.blocks.layout)

    @property
    def bytes_stored(self) -> int:
        """Bytes on disk of the blocks that are recorded as done."""
        layout = self.record.layout
        if layout is None:
            return 0
        return int(self.stage.bytes_on_disk(layout) * min(1.0, self.completed / self.stage.count(layout)))

    @property
    def bytes_to_write(self) -> int:
        """Bytes of the blocks that are still to be computed; all of them where the layout is another."""
        kept = self.bytes_stored if self.record.layout == self.blocks.layout else 0
        return self.bytes_in_all - kept


@frozen
class WorkPlan:
    """A plan's stages with what there is to do for each. ``discardable``: keys of those that a lean run may delete."""

    plan: Plan
    resources: Resources
    stages: tuple[StageWork, ...]
    discardable: frozenset[str]

    @property
    def to_compute(self) -> list[StageWork]:
        """The stages that must be computed, in order."""
        return [work for work in self.stages if work.needed]

    @property
    def deleted(self) -> frozenset[str]:
        """Keys of the stages that this run deletes as soon as nothing to come reads them."""
        return self.discardable if self.resources.lean else frozenset()


def survey(
    plan: Plan, store: Store, resources: Resources, stale: Collection[str] = (), checked: CheckedStages | None = None
) -> WorkPlan:
    """What there is to do. Refusal when a stage does not fit the memory.

    ``stale``: keys of stages that count as not begun. ``checked``: what surveys of other plans found a moment ago.
    """
    exists = store.exists()
    records = {
        stage.key: read_record(store, stage) if exists and stage.key not in stale else StageRecord()
        for stage in plan.stages
    }
    layouts = {stage.key: _lay_out(stage, plan, resources, records[stage.key]) for stage in plan.stages}
    completed = stages_to_compute(plan, store, records, checked)
    work = tuple(
        StageWork(stage, layouts[stage.key], record, completed.get(stage.key, finished_blocks(stage, record)),
                  stage.key in completed, any(resources.compresses(output.path) for output in stage.outputs))
        for stage in plan.stages for record in [records[stage.key]]
    )  # fmt: skip
    finished = {key for key, record in records.items() if record.finished}
    return WorkPlan(
        plan, resources, work, discardable_stages(plan, finished, discarded_stages(store) if exists else ())
    )


def finished_blocks(stage: Stage, record: StageRecord) -> int:
    """How many blocks a stage was finished in; 0 while it is not."""
    return stage.count(record.layout) if record.layout and record.finished else 0


def _lay_out(stage: Stage, plan: Plan, resources: Resources, record: StageRecord) -> BlockLayout:
    """A stage's layout; Refusal with a tile with which all stages of the plan would fit."""
    try:
        return lay_out(stage, resources, record.layout)
    except Refusal:
        raise too_large(stage, resources, plan.stages) from None
