"""``fuse`` and ``plan`` once their words are understood."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from pathlib import Path

from imfuse_tiles import budget, output
from imfuse_tiles import fuse as fusing
from imfuse_tiles.commands import planned as showing
from imfuse_tiles.commands import report as report_file
from imfuse_tiles.commands.memory import PeakMemory
from imfuse_tiles.commands.progress import shown_progress
from imfuse_tiles.commands.resources import resources as resources_of
from imfuse_tiles.errors import Refusal
from imfuse_tiles.plan import Plan, planned
from imfuse_tiles.recipe import Recipe, Resources
from imfuse_tiles.store import Store


def run(command: str, said: argparse.Namespace, recipe: Recipe, began: float) -> int:
    """Plan, and unless only the plan is wanted, fuse. ``began``: when the program did, for the report."""
    resources = resources_of(said)
    stack = fusing.opened(said.images, said.revert)
    made = planned(recipe, stack, budget.room(resources))
    store = fusing.store_of(stack, said.store)
    store.check()
    if command == "plan" or said.dry_run:
        print(showing.plan_json(made, store, resources) if said.json else showing.plan_text(made, store, resources))
        return 0
    return _fuse(said, made, store, resources, began)


def _fuse(said: argparse.Namespace, made: Plan, store: Store, resources: Resources, began: float) -> int:
    wish = output.Wish(_place(said, made), said.extra, said.bits, said.force is not None)
    if said.report:
        report_file.check(Path(said.report), made, store, wish)
    with PeakMemory() as peak, shown_progress(said.quiet) as progress:
        outcome = fusing.fuse(made, store, resources, wish, progress, _give_up)
    if said.report:
        report = {
            "version": _version(), "options": str(made.recipe), "wall_seconds": time.perf_counter() - began,
            "peak_rss_bytes": peak.bytes, "output": outcome.output, "store": store.root,
            "stages": [stage.__dict__ for stage in outcome.stages],
        }  # fmt: skip
        report_file.write(Path(said.report), report)
    if not said.quiet:
        _afterwards(made.recipe, store)
    print(outcome.output["result"])
    return 0


def _afterwards(recipe: Recipe, store: Store) -> None:
    if not recipe.generators and not recipe.backgrounds:
        print("no mask and no background asked for: the result is empty; try --preset default or --bg=mean",
              file=sys.stderr)  # fmt: skip
    print(f"the store {store.root} takes {budget.shown(store.size())}; see imfuse-tiles cache", file=sys.stderr)


def _place(said: argparse.Namespace, made: Plan) -> Path:
    """Where the result goes."""
    if said.output and said.basename is not None:
        raise Refusal("--output names the result wholly, --basename is not allowed with it")
    if said.output:
        return Path(said.output)
    return output.default_name(made, said.basename, said.longname, said.format)


def _give_up(number: int) -> None:
    """End at once what did not end by itself: a kill loses no more than the blocks in flight."""
    print("imfuse-tiles: the blocks in flight take too long and are given up; all others are kept", file=sys.stderr)
    print(f"to go on: imfuse-tiles {shlex.join(sys.argv[1:])}", file=sys.stderr, flush=True)
    os._exit(128 + number)


def _version() -> str:
    from imfuse_tiles import __version__

    return __version__
