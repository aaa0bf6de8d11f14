"""``fuse`` and ``plan`` once their arguments are understood."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

from imfuse_tiles import __version__
from imfuse_tiles.cli.early_refusal import check_room_early
from imfuse_tiles.cli.output_arguments import check_file_names, size_from_args
from imfuse_tiles.cli.peak_memory import PeakMemory
from imfuse_tiles.cli.recipe_arguments import chosen_recipe
from imfuse_tiles.cli.resources_from_args import resources_from_args
from imfuse_tiles.cli.result_name import check_not_first_frame
from imfuse_tiles.cli.show_plan import plan_json, plan_text
from imfuse_tiles.cli.show_run import (
    check_video,
    is_page,
    record_timings,
    show_progress,
    tell_address,
    write_report_page,
    write_run_video,
)
from imfuse_tiles.cli.stack_from_args import (
    align_from_args,
    guide_from_args,
    stack_from_args,
    tell_alignment,
    tell_levels,
)
from imfuse_tiles.errors import EmptyResult, Refusal
from imfuse_tiles.execution.alignment_report import alignment_record
from imfuse_tiles.execution.export_request import ExportRequest, estimated_bytes, loss_lines, output_files
from imfuse_tiles.execution.outcome import Outcome
from imfuse_tiles.execution.picture_stores import pictures_of
from imfuse_tiles.execution.pipeline import open_store_for, plan_of, run_plan
from imfuse_tiles.execution.pixel_size import fused_pixel_size
from imfuse_tiles.execution.progress import ProgressGroup
from imfuse_tiles.execution.signals import heed_wall_clock
from imfuse_tiles.execution.written_outputs import is_finished_result
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.reading.camera_tags import read_tags
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.recipe import Recipe, is_automatic
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.disk import check_disk
from imfuse_tiles.planning.memory import format_size
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.result_names import default_name, find_finished_result
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.strokes import load_strokes
from imfuse_tiles.storage.inventory import total_bytes
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer import run_report
from imfuse_tiles.viewer.page_process import PageProcess
from imfuse_tiles.viewer.report_page import MARK


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
    if writes and guide is None and not (args.transforms or args.skip_bad):
        check_room_early(stack, recipe, store, lambda frames: _check_room(args, recipe, frames, store, resources))
    stack = align_from_args(args, recipe, stack, store, resources, guide)
    plan = plan_of(recipe, stack, store, resources, bool(args.extra))
    if args.strokes:
        strokes = load_strokes(Path(args.strokes))
        plan = replace(plan, strokes=strokes, pictures=pictures_of(strokes, plan.result.frame))
    if command == "plan" or args.dry_run:
        work = survey(plan, store, resources)
        print((plan_json if args.json else plan_text)(work, store, _result_bytes(args, plan)))
        return 0
    result = _result_path(args, plan)
    if args.showname:
        print(result)
        return 0
    earlier = _find_earlier_result(args, plan, store, result)
    if earlier is not None:
        if not args.quiet:
            print("already up to date (--force recomputes)", file=sys.stderr)
        code = _finish(args, {"result": str(earlier)}, store)
        check_shows_something(plan, store)
        return code
    return _fuse(args, plan, store, resources, result, began)


def _check_room(args: argparse.Namespace, recipe: Recipe, stack: Stack, store: Store, resources: Resources) -> None:
    """Refusal where memory or disk do not allow to fuse frames."""
    plan = plan_of(recipe, stack, store, resources, bool(args.extra))
    folder = _result_path(args, plan).absolute().parent
    check_disk(survey(plan, store, resources), store, (folder, _result_bytes(args, plan)))


def _find_earlier_result(args: argparse.Namespace, plan: Plan, store: Store, result: Path) -> Path | None:
    """A result of the same images and options, if any name will do."""
    metadata_asked = args.exif is not None or args.no_metadata
    asked = metadata_asked or args.pixel_size or args.z_step or args.bits != 16
    if args.output or args.extra or args.strokes or args.video or args.force is not None or asked:
        return None
    if args.longname or args.basename is not None:
        return result if is_finished_result(store, plan, result) else None
    return find_finished_result(plan, result.parent, args.format, lambda path: is_finished_result(store, plan, path))


def _fuse(
    args: argparse.Namespace, plan: Plan, store: Store, resources: Resources, result: Path, began: float
) -> int:  # fmt: skip
    request = _request(args, plan, result)
    if args.report:
        mark = MARK if is_page(args.report) else run_report.MARK
        run_report.check(Path(args.report), plan, store, request, mark=mark)
    if args.video:
        check_video(args, plan, store, request)
    tell_alignment(args, plan.stack)
    with (
        PeakMemory() as peak,
        record_timings(args, plan, store, request) as timings,
        show_progress(args, plan, store, request, resources, began) as display,
    ):
        progress = ProgressGroup(display, timings) if timings else display
        outcome = run_plan(plan, store, resources, request, progress, _give_up, args.force or None, command=args.words)
    if args.report:
        seconds = time.perf_counter() - began
        if is_page(args.report):
            write_report_page(args, plan, store, resources, outcome, seconds)
        else:
            run_report.write(Path(args.report), _report(plan, store, outcome, peak.bytes, seconds))
    if args.video and outcome.output:
        write_run_video(args, plan, store)
    tell_levels(args, plan, store)
    if not args.quiet:
        for line in loss_lines(plan, store, request) if outcome.output else ():
            print(f"note: {line}", file=sys.stderr)
        size = format_size(total_bytes(store))
        print(f"the store {store.root} takes {size}; see imfuse-tiles cache", file=sys.stderr)
    code = _finish(args, outcome.output, store)
    check_shows_something(plan, store)
    return code


def check_shows_something(plan: Plan, store: Store) -> None:
    """Raise EmptyResult for a finished result that is transparent everywhere."""
    numbers = store.numbers.load(plan.result.key) if store.exists() else None
    if numbers and numbers.get("clear"):
        raise EmptyResult("the result is transparent everywhere: no mask is strong anywhere, and there is no "
                          "background; --bg=pyramid is one, and --preset=auto needs no masks")  # fmt: skip


def _request(args: argparse.Namespace, plan: Plan, result: Path) -> ExportRequest:
    """The files that the arguments ask for."""
    size = size_from_args(args, fused_pixel_size(plan.stack, plan.recipe.ops))
    force, tags = args.force is not None, _camera_tags(args, plan)
    return ExportRequest(result, args.extra, args.bits, force, tags, size, args.ome_version)


def _result_bytes(args: argparse.Namespace, plan: Plan) -> int:
    """About the bytes of the files that the arguments ask for, smaller levels in them included."""
    request = _request(args, plan, _result_path(args, plan))
    return sum(estimated_bytes(plan, sheet, request) for sheet in output_files(plan, request, opaque=True))


def _report(plan: Plan, store: Store, outcome: Outcome, peak_bytes: int, seconds: float) -> dict[str, object]:
    return {
        "version": __version__, "options": str(plan.recipe), "wall_seconds": seconds, "peak_rss_bytes": peak_bytes,
        "output": outcome.output, "store": store.root, "stages": [stage.__dict__ for stage in outcome.stages],
        "alignment": alignment_record(plan.stack),
    }  # fmt: skip


def _finish(args: argparse.Namespace, files: dict[str, str], store: Store) -> int:
    """Print where the result is, and open its page if asked to. ``files``: by role; none of all parts but the first."""
    if not files:
        if not args.quiet:
            print(f"part {args.part} is done; part 1 writes the result", file=sys.stderr)
        return 0
    print(files["result"])
    if args.show and not args.view:
        PageProcess(store, tell_address).told()
    return 0


def _camera_tags(args: argparse.Namespace, plan: Plan) -> Tags:
    """The camera's tags for the result, of the image named or of the front one, and the profile of the frames."""
    if args.no_metadata:
        return Tags(profile=plan.stack.tags.profile)
    if not args.exif:
        return plan.stack.tags
    tags = read_tags(args.exif)
    return replace(tags, profile=plan.stack.tags.profile or tags.profile)


def _result_path(args: argparse.Namespace, plan: Plan) -> Path:
    """Where the result goes. Refusal when it is named in two ways."""
    if args.output and args.basename is not None:
        raise Refusal("--output names the result wholly, --basename is not allowed with it")
    if args.output:
        return Path(args.output)
    return default_name(plan, args.basename, args.longname, args.format)


def _give_up(signal_number: int) -> None:
    """Exit at once where blocks do not end by themselves: as after a kill, only the blocks in flight are lost."""
    print("imfuse-tiles: the blocks in flight take too long and are given up; all others are kept", file=sys.stderr)
    print(f"to go on: imfuse-tiles {shlex.join(sys.argv[1:])}", file=sys.stderr, flush=True)
    os._exit(128 + signal_number)
