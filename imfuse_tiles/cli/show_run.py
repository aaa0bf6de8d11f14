"""How a run is shown while it goes on: on the terminal, by a preview picture, and as a performance report."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imfuse_tiles.cli.progress_bars import terminal_progress
from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer import performance_page
from imfuse_tiles.viewer.desktop import open_command
from imfuse_tiles.viewer.page_process import PageProcess
from imfuse_tiles.viewer.performance_page import Timings


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
def show_progress(args: argparse.Namespace, plan: Plan, store: Store, request: ExportRequest) -> Iterator[Progress]:
    """The display on the terminal, and with ``--view`` the page of the run in the browser."""
    page = PageProcess(store, tell_address) if args.view else None
    with terminal_progress(args.quiet) as display:
        try:
            yield display
        finally:
            if page:
                page.told()


def tell_address(address: str) -> None:
    """Print where the page of a run is served; it has opened where there is a display."""
    there = "" if open_command(sys.platform, os.environ) else "no display found; "
    print(f"{there}the page of this run: {address}", file=sys.stderr, flush=True)
