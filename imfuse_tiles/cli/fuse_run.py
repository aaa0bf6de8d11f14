"""``fuse`` and ``plan`` once their arguments are understood."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.cli.early_refusal import check_room_early
from imfuse_tiles.cli.output_arguments import check_file_names, size_from_args
from imfuse_tiles.cli.peak_memory import PeakMemory
from imfuse_tiles.cli.recipe_arguments import chosen_recipe
from imfuse_tiles.cli.report_file import check_report, planned_text, write_report
from imfuse_tiles.cli.request_from_args import find_earlier_result, request_from_args, result_bytes, result_path
from imfuse_tiles.cli.resources_from_args import resources_from_args
from imfuse_tiles.cli.result_name import check_not_first_frame
from imfuse_tiles.cli.show_plan import plan_json, plan_text
from imfuse_tiles.cli.show_run import (
    check_video,
    record_timings,
    show_progress,
    tell_address,
    write_run_video,
)
from imfuse_tiles.cli.stack_from_args import (
    align_from_args,
    guide_from_args,
    stack_from_args,
    tell_alignment,
    tell_levels,
)
from imfuse_tiles.errors import EmptyResult
from imfuse_tiles.execution.export_request import ExportRequest, loss_lines
from imfuse_tiles.execution.outcome import Outcome
from imfuse_tiles.execution.picture_stores import pictures_of
from imfuse_tiles.execution.pipeline import open_store_for, plan_of, run_plan
from imfuse_tiles.execution.progress import ProgressGroup
from imfuse_tiles.execution.signals import heed_wall_clock
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.recipe import Recipe, is_automatic
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.disk import check_disk
from imfuse_tiles.planning.memory import format_size
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.strokes import load_strokes
from imfuse_tiles.storage.inventory import total_bytes
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.page_process import PageProcess


def run(command: str, args: argparse.Namespace, recipe: Recipe, began: float) -> int:
    """Plan, and unless only the plan is wanted, fuse. ``began``: when the program started, for the report."""
    heed_wall_clock()
    resources = resources_from_args(args)
    size_from_args(args, PhysicalSize())  # wrong ones are refused before anything is read
    writes = command != "plan" and not (args.dry_run or args.showname)
    check_file_names(args, writes)
    stack, guide = stack_from_args(args), guide_from_args(args)
    if args.output and writes:
        check_not_first_frame(Path(args.output), stack)
    if is_automatic(recipe):
        recipe = chosen_recipe(recipe, stack, args.quiet, args.order == "focus")
    store = open_store_for(guide or stack, args.store)
    store.check()
    plan = _plan(args, recipe, stack, guide, store, resources, writes)
    if command == "plan" or args.dry_run:
        work = survey(plan, store, resources)
        print((plan_json if args.json else plan_text)(work, store, result_bytes(args, plan)))
        return 0
    result = result_path(args, plan)
    if args.showname:
        print(result)
        return 0
    earlier = find_earlier_result(args, plan, store, result)
    if earlier is None:
        return _fuse(args, plan, store, resources, result, began)
    if not args.quiet:
        print("already up to date (--force recomputes)", file=sys.stderr)
    return _finish(args, {"result": str(earlier)}, plan, store)


def _plan(
    args: argparse.Namespace, recipe: Recipe, stack: Stack, guide: Stack | None, store: Store, resources: Resources,
    writes: bool,
) -> Plan:  # fmt: skip
    """The plan for the stack laid over itself; Refusal, if files are written, of what is too large before that."""
    early: Plan | None = None
    if writes and guide is None and not (args.transforms or args.skip_bad):
        early = check_room_early(stack, recipe, store, lambda frames: _checked_plan(args, recipe, frames, store,
                                                                                    resources))  # fmt: skip
    stack = align_from_args(args, recipe, stack, store, resources, guide)
    if early and early.stack.digest == stack.digest:  # comparing the frames changed none of them
        plan = replace(early, stack=stack)
    else:
        plan = plan_of(recipe, stack, store, resources, bool(args.extra))
    if not args.strokes:
        return plan
    strokes = load_strokes(Path(args.strokes))
    return replace(plan, strokes=strokes, pictures=pictures_of(strokes, plan.result.frame))


def _checked_plan(args: argparse.Namespace, recipe: Recipe, stack: Stack, store: Store, resources: Resources) -> Plan:
    """The plan for frames as they are. Refusal where memory or disk do not allow to fuse them."""
    plan = plan_of(recipe, stack, store, resources, bool(args.extra))
    folder = result_path(args, plan).absolute().parent
    check_disk(survey(plan, store, resources), store, (folder, result_bytes(args, plan)))
    return plan


def _fuse(
    args: argparse.Namespace, plan: Plan, store: Store, resources: Resources, result: Path, began: float
) -> int:  # fmt: skip
    """Run the plan, write all files that are asked for, and tell what is to be known of them."""
    request = request_from_args(args, plan, result)
    if args.report:
        check_report(args, plan, store, request)
    if args.video:
        check_video(args, plan, store, request)
    tell_alignment(args, plan.stack)
    planned = planned_text(args, plan, store, resources)
    with (
        PeakMemory() as peak,
        record_timings(args, plan, store, request) as timings,
        show_progress(args, plan, store, request, resources, began) as display,
    ):
        progress = ProgressGroup(display, timings) if timings else display
        outcome = run_plan(plan, store, resources, request, progress, _give_up, args.force or None, command=args.words)
    if args.report:
        write_report(args, plan, store, planned, outcome, time.perf_counter() - began, peak.bytes)
    if args.video and outcome.output:
        write_run_video(args, plan, store)
    tell_levels(args, plan, store)
    if not args.quiet:
        _tell_losses(plan, store, request, outcome)
    return _finish(args, outcome.output, plan, store)


def _tell_losses(plan: Plan, store: Store, request: ExportRequest, outcome: Outcome) -> None:
    """What the format of a written result cannot hold, and how large the store is, on standard error."""
    for line in loss_lines(plan, store, request) if outcome.output else ():
        print(f"note: {line}", file=sys.stderr)
    print(f"the store {store.root} takes {format_size(total_bytes(store))}; see imfuse-tiles cache", file=sys.stderr)


def check_shows_something(plan: Plan, store: Store) -> None:
    """Raise EmptyResult for a finished result that is transparent everywhere."""
    numbers = store.numbers.load(plan.result.key) if store.exists() else None
    if numbers and numbers.get("clear"):
        raise EmptyResult("the result is transparent everywhere: no mask is strong anywhere, and there is no "
                          "background; --bg=pyramid is one, and --preset=auto needs no masks")  # fmt: skip


def _finish(args: argparse.Namespace, files: dict[str, str], plan: Plan, store: Store) -> int:
    """Print where the result is, and open its page if asked to; EmptyResult where it shows nothing.

    ``files``: by role; none of all parts but the first.
    """
    if files:
        print(files["result"])
        if args.show and not args.view:
            PageProcess(store, tell_address).told()
    elif not args.quiet:
        print(f"part {args.part} is done; part 1 writes the result", file=sys.stderr)
    check_shows_something(plan, store)
    return 0


def _give_up(signal_number: int) -> None:
    """Exit at once where blocks do not end by themselves: as after a kill, only the blocks in flight are lost."""
    print("imfuse-tiles: the blocks in flight take too long and are given up; all others are kept", file=sys.stderr)
    print(f"to go on: imfuse-tiles {shlex.join(sys.argv[1:])}", file=sys.stderr, flush=True)
    os._exit(128 + signal_number)
