"""The note that a store keeps of its last run."""

from __future__ import annotations

import time
from collections.abc import Container
from typing import Any

from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import laid_out
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.stage import Layout
from imfuse_tiles.storage.inventory import NOTE
from imfuse_tiles.storage.store import Store


def note(plan: Plan, store: Store, resources: Resources, spare: Container[str] = ()) -> None:
    """Write down a run that begins: its stages with their blocks, and that they are of use now.

    ``spare``: keys of those that are of no use to anybody once the run is done.
    """
    now = time.time()
    stages: dict[str, Any] = (store.numbers.load(NOTE) or {}).get("stages", {})
    kept = {key: said for key, said in stages.items() if store.journal(key).layout() is not None}
    for stage in plan.stages:
        layout = Layout(**earlier) if (earlier := store.journal(stage.key).layout()) else None
        count = stage.count(laid_out(stage, resources, layout).layout)
        paths = [output.path for output in stage.outputs]
        kept[stage.key] = {"name": stage.name, "blocks": count, "paths": paths, "used": now,
                           "passing": stage.key in spare}  # fmt: skip
    images = [header.path.name for header in plan.stack.headers]
    store.numbers.save(NOTE, {
        "options": str(plan.recipe), "began": now, "order": [stage.key for stage in plan.stages], "stages": kept,
        "folder": str(plan.stack.headers[0].path.absolute().parent), "images": images, "size": plan.stack.frame[::-1],
    })  # fmt: skip
