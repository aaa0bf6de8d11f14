"""Pictures as stores: an image file is read once into the cache, and then shown from its chunks like any result."""

from __future__ import annotations

from pathlib import Path

from imfuse_tiles.execution.pipeline import open_store_for
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.run import Run
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources, available_cores
from imfuse_tiles.planning.memory import default_memory
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.run_history import record_run
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.storage.store import Store


def picture_store(path: Path) -> Store:
    """The store that holds an image file as its only slice; read now if no earlier call did. Refusal of other files."""
    stack = open_stack([path], include_results=True)
    store = open_store_for(stack, None)
    plan = make_plan(Recipe(()), stack, maps=False)
    only_reading = Plan(plan.recipe, stack, plan.stages[:1])
    work = survey(only_reading, store, Resources(default_memory(), available_cores()))
    if work.to_compute:
        store.create()
        with store.locked():
            record_run(work, store)
            Run(work, store).execute(lambda: open_pool(work.resources, store.root))
    return store
