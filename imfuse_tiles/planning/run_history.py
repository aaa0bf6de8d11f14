"""The note that a store keeps of its last run."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from imfuse_tiles.planning.work_plan import StageWork, WorkPlan
from imfuse_tiles.storage.run_note import NOTE, noted_stages
from imfuse_tiles.storage.store import Store


def record_run(work: WorkPlan, store: Store, command: Sequence[str] = ()) -> None:
    """Write down a run that begins: its stages with their blocks, and that they are of use now.

    ``command``: the words that began it, none where it was begun by Python; they are noted with the current folder.
    """
    now, plan = time.time(), work.plan
    stages = noted_stages(store)
    stages = {key: entry for key, entry in stages.items() if store.journal(key).layout() is not None}
    stages.update({each.stage.key: _entry(each, now, each.stage.key in work.deleted) for each in work.stages})
    images = [header.path.name for header in plan.stack.headers]
    store.numbers.save(NOTE, {
        "options": str(plan.recipe), "began": now, "order": [stage.key for stage in plan.stages], "stages": stages,
        "folder": str(plan.stack.headers[0].path.absolute().parent), "images": images, "size": plan.stack.frame[::-1],
        "command": list(command), "current_folder": os.getcwd() if command else "",
    })  # fmt: skip


def record_stages(work: WorkPlan, store: Store) -> None:
    """Write down that the stages of a plan are of use now, without making it the last run."""
    now = time.time()
    entries = {each.stage.key: _entry(each, now, False) for each in work.stages}
    store.numbers.save(NOTE, {**(store.numbers.load(NOTE) or {}), "stages": {**noted_stages(store), **entries}})


def _entry(work: StageWork, now: float, discarded: bool) -> dict[str, Any]:
    paths = [output.path for output in work.stage.outputs]
    return {"name": work.stage.name, "blocks": work.block_count, "paths": paths, "used": now, "passing": discarded}
