"""Which stages of a plan are still to be computed."""

from __future__ import annotations

from collections.abc import Collection

from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.integrity import sound
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store


def needed(plan: Plan, store: Store, stale: Collection[str] = ()) -> list[Stage]:
    """The stages that must be computed for the result, in order: those unfinished or damaged, and used by such.

    ``stale``: keys of stages that count as unfinished.
    """
    by_key = {stage.key: stage for stage in plan.stages}
    wanted, todo = plan.wanted, set()
    while wanted:
        key = wanted.pop()
        if key not in todo and (key in stale or not sound(store, by_key[key])):
            todo.add(key)
            wanted.extend(by_key[key].inputs)
    return [stage for stage in plan.stages if stage.key in todo]
