"""What earlier runs left of a plan's stages, and which of them are still to be computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from imfuse_tiles.frozen import frozen
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.array_layout import Layout, Output
from imfuse_tiles.stages.integrity import damaged_blocks, load_summary
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store


@frozen
class StageRecord:
    """What a store records of a stage: the layout it was begun in (None: not begun), and whether it was finished."""

    layout: Layout | None = None
    finished: bool = False


#: By key, arrays and record of stages how many of their blocks are done, and whether they are whole.
CheckedStages: TypeAlias = dict[tuple[str, tuple[Output, ...], StageRecord], tuple[int, bool]]


def read_record(store: Store, stage: Stage) -> StageRecord:
    """What a store records of a stage."""
    return StageRecord(Layout.of(store.journal(stage.key).layout()), load_summary(store, stage) is not None)


def stages_to_compute(
    plan: Plan, store: Store, records: Mapping[str, StageRecord], checked: CheckedStages | None = None
) -> dict[str, int]:
    """The stages that must be computed for the result, by their keys, with how many of their blocks are recorded.

    They are those that are unfinished or damaged, and used by such a stage or exported. ``checked``: what
    ``recorded_blocks`` found a moment ago, to which the rest is added.
    """
    checked = {} if checked is None else checked
    by_key = {stage.key: stage for stage in plan.stages}
    wanted, completed = plan.wanted, dict[str, int]()
    while wanted:
        key = wanted.pop()
        if key in completed:
            continue
        known = key, by_key[key].outputs, records[key]
        if known not in checked:
            checked[known] = recorded_blocks(store, by_key[key], records[key])
        done, whole = checked[known]
        if not whole:
            completed[key] = done
            wanted.extend(by_key[key].inputs)
    return completed


def recorded_blocks(store: Store, stage: Stage, record: StageRecord) -> tuple[int, bool]:
    """How many blocks are recorded as done, and whether the stage is finished with every chunk in full length."""
    if record.layout is None:
        return 0, False
    done = store.journal(stage.key).completed_blocks()
    complete = record.finished and len(done) == stage.count(record.layout)
    return len(done), complete and not damaged_blocks(store, stage, record.layout, done)
