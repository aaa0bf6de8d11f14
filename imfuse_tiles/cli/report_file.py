"""The report of a run: a page, or JSON for programs, by the ending of its name."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from imfuse_tiles import __version__
from imfuse_tiles.cli.output_arguments import is_page
from imfuse_tiles.cli.request_from_args import result_bytes
from imfuse_tiles.cli.show_plan import plan_text
from imfuse_tiles.execution.alignment_report import alignment_lines, alignment_record
from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.pipeline import Outcome
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer import run_report


def check_report(args: argparse.Namespace, plan: Plan, store: Store, request: ExportRequest) -> None:
    """Refuse a report that cannot be written, before the run; AlreadyExists where another file is."""
    run_report.check(Path(args.report), plan, store, request, mark=_mark(args.report))


def write_report(
    args: argparse.Namespace, plan: Plan, store: Store, planned: str, outcome: Outcome, seconds: float, peak_bytes: int
) -> None:
    """Write the report of a finished run. ``planned``: by :func:`planned_text`; ``seconds``: that it took;
    ``peak_bytes``: of memory at most."""
    if is_page(args.report):
        _write_page(args, plan, store, planned, outcome, seconds)
        return
    report = {
        "version": __version__, "options": str(plan.recipe), "wall_seconds": seconds, "peak_rss_bytes": peak_bytes,
        "output": outcome.output, "store": store.root, "stages": [stage.__dict__ for stage in outcome.stages],
        "alignment": alignment_record(plan.stack),
    }  # fmt: skip
    run_report.write(Path(args.report), report)


def planned_text(args: argparse.Namespace, plan: Plan, store: Store, resources: Resources) -> str:
    """The plan of a run that begins now, for a report that shows it; empty for others."""
    wanted = args.report and is_page(args.report)
    return plan_text(survey(plan, store, resources), store, result_bytes(args, plan)) if wanted else ""


def _mark(report: str) -> str:
    """What tells an earlier report of the same kind from other files."""
    if not is_page(report):
        return run_report.MARK
    from imfuse_tiles.viewer.report_page import MARK  # few ask for a page, and what draws it takes long to load

    return MARK


def _write_page(
    args: argparse.Namespace, plan: Plan, store: Store, planned: str, outcome: Outcome, seconds: float
) -> None:  # fmt: skip
    from imfuse_tiles.cli.main import versions
    from imfuse_tiles.viewer.report_page import ReportTexts, report_page

    command = shlex.join(["imfuse-tiles", *args.words])
    texts = ReportTexts(command, planned, alignment_lines(plan.stack), versions())
    run_report.write_page(Path(args.report), report_page(plan, store, outcome.stages, seconds, texts))
