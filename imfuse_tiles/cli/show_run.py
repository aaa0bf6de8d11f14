"""How a run is shown while it goes on: on the terminal, by a preview picture, and as a performance report."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imfuse_tiles.cli.progress_bars import terminal_progress
from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.progress import Progress, ProgressGroup
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer import performance_page
from imfuse_tiles.viewer.live_preview import Preview
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
    """The display on the terminal, and with ``--view`` a preview picture."""
    with terminal_progress(args.quiet) as display:
        if not args.view:
            yield display
            return
        preview = Preview(request.beside("preview").with_suffix(".png"), plan, store, request.force)
        preview.start()
        try:
            yield ProgressGroup(display, preview)
        finally:
            preview.close()
