"""``fuse`` and ``plan`` once their words are understood."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imfuse_tiles.cli import show_plan as showing
from imfuse_tiles.cli.peak_memory import PeakMemory
from imfuse_tiles.cli.progress_bars import shown_progress
from imfuse_tiles.cli.recipe_arguments import is_automatic
from imfuse_tiles.cli.resources_from_args import resources as resources_of
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution import export
from imfuse_tiles.execution import pipeline as fusing
from imfuse_tiles.execution.progress import Progress, Several
from imfuse_tiles.execution.signals import heed_wall_clock
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading.camera_tags import read_tags
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning import memory, result_names
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.storage.inventory import total_bytes
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer import performance_page
from imfuse_tiles.viewer import run_report as report_file
from imfuse_tiles.viewer.desktop import show
from imfuse_tiles.viewer.live_preview import Preview
from imfuse_tiles.viewer.performance_page import Timings


def run(command: str, said: argparse.Namespace, recipe: Recipe, began: float) -> int:
    """Plan, and unless only the plan is wanted, fuse. ``began``: when the program did, for the report."""
    heed_wall_clock()
    resources = resources_of(said)
    stack = open_stack(said.images, said.revert, pages=said.pages)
    for notice in stack.notices:
        print(f"note: {notice}", file=sys.stderr)
    if is_automatic(recipe):
        recipe = _automatic(recipe, stack, said.quiet)
    store = fusing.store_of(stack, said.store)
    store.check()
    made = fusing.plan_of(recipe, stack, store, resources, bool(said.extra))
    if command == "plan" or said.dry_run:
        print(showing.plan_json(made, store, resources) if said.json else showing.plan_text(made, store, resources))
        return 0
    place = _place(said, made)
    if said.showname:
        print(place)
        return 0
    there = _there(said, made, place)
    if there is not None:
        print("made before by the same options from the same images; --force makes it again", file=sys.stderr)
        return _done(said, {"result": str(there)})
    return _fuse(said, made, store, resources, place, began)


def _automatic(recipe: Recipe, stack: Stack, quiet: bool) -> Recipe:
    """The recipe that fits a stack, printed with the reasons."""
    from imfuse_tiles.tuning.auto_preset import choose

    choice = choose(recipe, stack)
    if not quiet:
        print(f"auto: {choice.recipe}", *choice.reasons, sep="\n  ", file=sys.stderr)
    return choice.recipe


def _there(said: argparse.Namespace, made: Plan, place: Path) -> Path | None:
    """A result of the same images and options that was made before, if any name will do."""
    if said.output or said.extra or said.force is not None or said.exif is not None or said.bits != 16:
        return None
    if said.longname or said.basename is not None:
        return place if place.is_file() else None
    return result_names.finished(made, place.parent, said.format)


def _fuse(said: argparse.Namespace, made: Plan, store: Store, resources: Resources, place: Path, began: float) -> int:
    wish = export.Wish(place, said.extra, said.bits, said.force is not None, _tags(said, made))
    if said.report:
        report_file.check(Path(said.report), made, store, wish)
    with PeakMemory() as peak, _timed(said, made, store, wish) as timings, _shown(said, made, store, wish) as progress:
        told = Several(progress, timings) if timings else progress
        outcome = fusing.fuse(made, store, resources, wish, told, _give_up, said.force or None)
    if said.report:
        report = {
            "version": _version(), "options": str(made.recipe), "wall_seconds": time.perf_counter() - began,
            "peak_rss_bytes": peak.bytes, "output": outcome.output, "store": store.root,
            "stages": [stage.__dict__ for stage in outcome.stages],
        }  # fmt: skip
        report_file.write(Path(said.report), report)
    if not said.quiet:
        _afterwards(store)
    return _done(said, outcome.output)


def _done(said: argparse.Namespace, files: dict[str, str]) -> int:
    """Tell where the result is, and show it if asked to."""
    if not files:
        print(f"part {said.part} is done; part 1 writes the result", file=sys.stderr)
        return 0
    print(files["result"])
    if said.show:
        show([files[role] for role in ("result", "mask", "depthmap") if role in files])
    return 0


def _tags(said: argparse.Namespace, made: Plan) -> Tags | None:
    """The camera's tags to be copied: of the image named, or of the front one."""
    return None if said.exif is None else read_tags(said.exif or made.stack.headers[0].path)


@contextmanager
def _timed(said: argparse.Namespace, made: Plan, store: Store, wish: export.Wish) -> Iterator[Timings | None]:
    """What the blocks cost, if that is wanted: written down however the run ends, once it has begun."""
    if not said.performance:
        yield None
        return
    place, timings, ended = Path(said.performance), Timings(), False
    performance_page.check(place, made, store, wish)
    try:
        yield timings
        ended = True
    finally:
        if timings.parts or ended:
            performance_page.write(place, timings, str(made.recipe), said.scheduler)


@contextmanager
def _shown(said: argparse.Namespace, made: Plan, store: Store, wish: export.Wish) -> Iterator[Progress]:
    """How the run is shown: on the terminal, and by a preview picture if one is wanted."""
    with shown_progress(said.quiet) as progress:
        if not said.view:
            yield progress
            return
        preview = Preview(wish.beside("preview").with_suffix(".png"), made, store, wish.force)
        preview.start()
        try:
            yield Several(progress, preview)
        finally:
            preview.close()


def _afterwards(store: Store) -> None:
    print(f"the store {store.root} takes {memory.shown(total_bytes(store))}; see imfuse-tiles cache", file=sys.stderr)


def _place(said: argparse.Namespace, made: Plan) -> Path:
    """Where the result goes."""
    if said.output and said.basename is not None:
        raise Refusal("--output names the result wholly, --basename is not allowed with it")
    if said.output:
        return Path(said.output)
    return result_names.default_name(made, said.basename, said.longname, said.format)


def _give_up(number: int) -> None:
    """End at once what did not end by itself: a kill loses no more than the blocks in flight."""
    print("imfuse-tiles: the blocks in flight take too long and are given up; all others are kept", file=sys.stderr)
    print(f"to go on: imfuse-tiles {shlex.join(sys.argv[1:])}", file=sys.stderr, flush=True)
    os._exit(128 + number)


def _version() -> str:
    from imfuse_tiles import __version__

    return __version__
