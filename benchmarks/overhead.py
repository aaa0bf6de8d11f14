"""What a block costs beside its computing, and what planning very many of them takes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imfuse_tiles.options  # noqa: F401  registers the options
from benchmarks.chains import A
from benchmarks.figures import Figure
from imfuse_tiles.cli.peak_memory import own_peak
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.run import Run
from imfuse_tiles.imageio.reading import Header
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.option_parser import parse_arguments
from imfuse_tiles.options.recipe import Recipe, check_recipe
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store

TILE = 64


class Idle(Job):
    """Does nothing with a block."""

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        return {"low": 0.0, "high": 1.0}


def figures(blocks: int, folder: Path) -> Iterator[Figure]:
    """Milliseconds of an idle block in threads; seconds and memory to plan ``blocks`` of one stage."""
    edge = max(1, round(blocks**0.5))
    few = min(edge, 64)
    yield Figure("overhead", f"a block, of {few * few}", 1000 * idle(few, folder) / few**2, "ms", 5.0)
    found = json.loads(subprocess.run([sys.executable, "-m", "benchmarks.overhead", str(edge)], capture_output=True,
                                      text=True, check=True, cwd=Path(__file__).parents[1]).stdout)  # fmt: skip
    yield Figure("overhead", f"planning {edge * edge} blocks", found["seconds"], "s", 10.0)
    yield Figure("overhead", f"memory to plan {edge * edge} blocks", found["megabytes"], "MB", 500.0)


def idle(edge: int, folder: Path) -> float:
    """Seconds of a stage of ``edge`` x ``edge`` blocks that do nothing."""
    store, resources = Store(str(folder / "idle")), Resources(2 << 30, 2, TILE)
    stage = Stage("idle", "idle", Idle(), (edge * TILE, edge * TILE), ())
    plan = Plan(Recipe(()), stack(edge), (stage,))
    store.create()
    began = time.perf_counter()
    Run(survey(plan, store, resources), store).execute(lambda: open_pool(resources, store.root))
    return time.perf_counter() - began


def stack(edge: int) -> Stack:
    """Three frames that no file holds."""
    header = Header(Path("none.tif"), "tiff", edge * TILE, edge * TILE, 3, False, "uint8", 1, 1 << 20, 1, 1)
    return Stack((header,) * 3, "0" * 64)


def plan_many(edge: int) -> dict[str, float]:
    """Plan chain A on a frame of ``edge`` x ``edge`` blocks, and name every block of one stage."""
    began = time.perf_counter()
    options = [option.removeprefix("--").partition("=") for option in A.split()]
    recipe = check_recipe(Recipe(tuple(parse_arguments(name, value or None) for name, _, value in options)))
    made, resources = make_plan(recipe, stack(edge)), Resources(4 << 30, 2, TILE)
    from imfuse_tiles.planning.block_layout import lay_out

    cuts = [lay_out(stage, resources) for stage in made.stages]
    stage, cut = made.stages[1], cuts[1]
    names = sum(bool(block.name) for block in stage.blocks(cut.layout))
    assert names == edge * edge
    return {"seconds": time.perf_counter() - began, "megabytes": own_peak() / 1e6}


if __name__ == "__main__":
    print(json.dumps(plan_many(int(sys.argv[1]))))
