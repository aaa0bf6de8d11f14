"""How a run is shown while it goes on: on the terminal, by a preview picture, and as a performance report."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from imfuse_tiles.cli.progress_bars import terminal_progress
from imfuse_tiles.cli.whole_run import WholeRun
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.export import check_not_a_source
from imfuse_tiles.execution.export_request import ExportRequest, estimated_bytes, output_files
from imfuse_tiles.execution.machine_errors import translate_os_errors
from imfuse_tiles.execution.overviews import planned_overview_bytes
from imfuse_tiles.execution.progress import Progress, ProgressGroup
from imfuse_tiles.imageio.writing.formats import ending_of
from imfuse_tiles.imageio.writing.target import check_place
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.run_costs import file_seconds, stage_seconds
from imfuse_tiles.planning.typical_rates import LEVELS
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer import performance_page
from imfuse_tiles.viewer.desktop import open_command
from imfuse_tiles.viewer.focus_video import check_subject, chosen_slices, video_pictures
from imfuse_tiles.viewer.page_process import PageProcess
from imfuse_tiles.viewer.performance_page import Timings
from imfuse_tiles.viewer.run_report import ABOUT
from imfuse_tiles.viewer.video_files import check_ending, write_video


def check_video(args: argparse.Namespace, plan: Plan, store: Store, request: ExportRequest) -> None:
    """Refuse a video that cannot be made, before the run; AlreadyExists where another file is."""
    path = Path(args.video)
    check_ending(path)
    check_subject(plan, args.video_of)
    check_not_a_source(path, plan, store)
    if path.absolute() in [place.absolute() for place in request.places()]:
        raise Refusal(f"--video {path}: is also a result of this run")
    check_place(path, request.force)


def write_run_video(args: argparse.Namespace, plan: Plan, store: Store) -> None:
    """Write the video of a finished run; Incomplete on a full disk."""
    path, count = Path(args.video), len(chosen_slices(len(plan.stack))) + 1
    with translate_os_errors("the video", path.absolute().parent, ABOUT):
        write_video(path, video_pictures(plan, store, args.video_of), count, args.force is not None)


@contextmanager
def record_timings(
    args: argparse.Namespace, plan: Plan, store: Store, request: ExportRequest
) -> Iterator[Timings | None]:
    """The timings of all blocks with ``--performance``, else None; once a run has begun, a page is written however it
    ends."""
    if not args.performance:
        yield None
        return
    path, timings, complete = Path(args.performance), Timings(), False
    performance_page.check(path, plan, store, request)
    try:
        yield timings
        complete = True
    finally:
        if timings.stages or complete:
            performance_page.write(path, timings, str(plan.recipe), args.scheduler)


@contextmanager
def show_progress(
    args: argparse.Namespace, plan: Plan, store: Store, request: ExportRequest, resources: Resources, began: float
) -> Iterator[Progress]:
    """The display on the terminal, and with ``--view`` the page of the run in the browser.

    ``began``: when the program did, by ``time.perf_counter``.
    """
    page = RunPage(store) if args.view else None
    whole = None if args.quiet else whole_run([(plan, request)], store, resources, began)
    with terminal_progress(args.quiet, whole) as display:
        try:
            yield ProgressGroup(display, page) if page else display
            if page:
                page.open()
        finally:
            if page:
                page.told()


def whole_run(
    runs: Sequence[tuple[Plan, ExportRequest]], store: Store, resources: Resources, began: float
) -> WholeRun:  # fmt: skip
    """How long runs on one store that begin now are reckoned to take: what they have in common once."""
    works, (plan, request) = [survey(plan, store, resources) for plan, _ in runs], runs[-1]
    seconds: dict[str, float] = {}
    for work in works:
        seconds |= stage_seconds(work, store)
    stages = {each.stage.key: each.stage for work in works for each in work.to_compute}
    files = [(ending_of(output.path), estimated_bytes(plan, output, request))
             for output in output_files(plan, request, opaque=True)]  # fmt: skip
    after = file_seconds([*files, (LEVELS, planned_overview_bytes(plan, store, resources))], store)
    return WholeRun(list(stages.values()), len(plan.stack), workers=resources.workers,
                    seconds=seconds, before=time.perf_counter() - began, after=after)  # fmt: skip


class RunPage(Progress):
    """The page of a run, opened once this is known to run: when its first stage begins, at the latest in the end."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.process: PageProcess | None = None

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        self.open()

    def open(self) -> None:
        """Start the server, unless it was."""
        self.process = self.process or PageProcess(self.store, tell_address)

    def told(self) -> None:
        """Wait until the address is told, if the page was opened."""
        if self.process:
            self.process.told()


def tell_address(address: str) -> None:
    """Print where the page of a run is served; it has opened where there is a display."""
    there = "" if open_command(sys.platform, os.environ) else "no display found; "
    print(f"{there}the page of this run: {address}", file=sys.stderr, flush=True)
