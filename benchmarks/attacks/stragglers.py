"""Workers of earlier runs that wake up late: of another layout, other options, another version, or past every check.

Each does to a finished or half finished store what such a worker would. Either it is refused, or it writes what was
there already, or it shows: verify names it, and a run with a changed option gives the bytes of a clean store.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.attacks.small_run import Place
from imfuse_tiles.cli.arguments import fuse_parser, parse_fuse_args
from imfuse_tiles.cli.resources_from_args import resources_from_args
from imfuse_tiles.cli.verify import faults
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.align_stack import align_stack
from imfuse_tiles.execution.compute_block import compute_block
from imfuse_tiles.execution.pipeline import plan_of as planned
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import lay_out
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.array_layout import Layout
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.chunked_array import Damaged, Pending
from imfuse_tiles.storage.store import Store

FIRST = ("--align=no", "--wavelet=p5", "--maskwave=p100", "--cutwave=p50")
#: What runs afterwards, each of which reads other stages of the first run again.
LATER = (
    ("--align=no", "--wavelet=p5", "--maskwave=p100", "--cutwave=p60"),
    ("--align=no", "--wavelet=p5", "--maskwave=p90", "--cutwave=p50"),
    ("--align=no", "--wavelet=p5", "--maskwave=p100", "--cutwave=p50", "--finalgamma=1.3"),
    ("--align=no", "--wavelet=p6", "--maskwave=p100", "--cutwave=p50"),
)
OTHER = ("--align=no", "--wavelet=p8", "--maskwave=p80", "--cutwave=p30")
#: What is wrong with a straggler, or that it comes past every check.
KINDS = ("another layout", "no layout", "another version", "other options", "part of chunks", "past the checks")


def plan_of(place: Place, options: tuple[str, ...]) -> Plan:
    """The plan of a run with some options."""
    args, recipe = parse_fuse_args(fuse_parser("fuse"), place.words(options=options)[1:])
    stack, resources = open_stack(args.images), resources_from_args(args)
    return planned(recipe, align_stack(stack, recipe, Store(str(place.store)), resources), Store(str(place.store)),
                   resources, False)  # fmt: skip


def straggle(store: Store, kind: str, plans: dict[str, Plan], random: Random) -> str:
    """Do what a late worker does; what came of it."""
    plan = plans["other" if kind == "other options" else "first"]
    stage = random.choice([stage for stage in plan.stages if stage.outputs])
    tile = random.choice([16, 24, 40, 48, 64])
    layout = lay_out(stage, Resources(memory=2 << 30, workers=1, tile=tile)).layout
    if kind == "past the checks":
        return write_past_checks(store, stage, random)
    claimed = str(layout.to_list()) if kind != "no layout" else ""
    if kind == "part of chunks":  # it takes its block for one of the layout that is there now
        claimed = str((Layout.of(store.journal(stage.key).layout()) or layout).to_list())
    block = random.choice(list(stage.blocks(layout)))
    program = "0.0.1 (0123456789ab)" if kind == "another version" else ""
    try:
        compute_block(store.root, stage.job.for_block(block), block, claimed, program)
    except (Refusal, Damaged):
        return "refused"
    return "written"


def write_past_checks(store: Store, stage: Stage, random: Random) -> str:
    """Write files of chunks of other values with right checksums, as a worker that had passed every check before."""
    for output in stage.outputs:
        with suppress(Damaged):
            array = store.arrays.open(output.path)
            files = sorted({array.grid.file_of(index) for index in array.chunk_indices([(0, n) for n in array.shape])})
            for file in random.sample(files, random.randint(1, len(files))):
                pending: Pending = {}
                for index in array.grid.chunks_of(file):
                    sides = zip(index, array.chunks, array.shape, strict=True)
                    box = [(place * chunk, min((place + 1) * chunk, size)) for place, chunk, size in sides]
                    values = np.full([stop - start for start, stop in box], random.randint(0, 200), array.dtype)
                    array.write(box, values, pending)
    return "past"


def half_finished(store: Store, plan: Plan, random: Random) -> None:
    """Put a store back to where a run was in the middle of a stage."""
    cut = random.randrange(len(plan.stages))
    for stage in plan.stages[cut:]:
        store.numbers.delete(stage.key)
    path = store.folder / "journal" / plan.stages[cut].key
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: random.randrange(1, len(lines) + 1)]))


def chunks_of(store: Store) -> dict[str, bytes]:
    """All chunks of a store by their names."""
    return {name: store.files.read(name) for name, _ in store.files.list_files() if "/c/" in name}


def stragglers(folder: Path, count: int, seed: int, show: Callable[[str], None] = print) -> dict[str, Any]:
    """``count`` stragglers; figures with what is broken."""
    random, place, tally, broken = Random(seed), Place.make(folder), Counter[str](), 0
    right = [place.expected(options=options) for options in LATER]
    place.expected(options=FIRST)
    assert place.run(options=FIRST, result="before.tif").code == 0
    shutil.copytree(place.work, model := folder / "model")
    plans = {"first": plan_of(place, FIRST), "other": plan_of(place, OTHER)}
    for number in range(count):
        place.clear()
        shutil.copytree(model, place.work, dirs_exist_ok=True)
        store, kind, later = Store(str(place.store)), random.choice(KINDS), random.randrange(len(LATER))
        if half := random.random() < 0.3:
            half_finished(store, plans["first"], random)
        before = chunks_of(store)
        came = straggle(store, kind, plans, random)
        changed = chunks_of(store) != before
        tally[f"{kind}: {came}{', other bytes' if changed else ''}"] += 1
        shown = not changed or half or any(faults(store, [name for name, _ in store.files.list_files()]))
        ended = place.run(options=LATER[later])
        if not shown or ended.code or place.results() != right[later] or (came == "written" and changed):
            broken += 1
            show(f"{number}, {kind}: {came}, seen by verify {shown}, then {ended.code} {ended.err[-200:]}")
    return {"stragglers": count, **dict(sorted(tally.items())), "broken": broken}
