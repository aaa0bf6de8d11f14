"""The JSON report of a run: a file that is complete or absent, and never written over anything but a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.execution import export
from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.machine_errors import translate_os_errors
from imfuse_tiles.imageio.writing.target import check_place, complete_or_absent
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.storage.store import Store

#: What every report has.
MARK = "peak_rss_bytes"
ABOUT = 64 << 10


def check(
    path: Path, plan: Plan, store: Store, request: ExportRequest, option: str = "--report", mark: str = MARK
) -> None:
    """Check the path of a report; AlreadyExists when there is another file. ``mark``: what tells a report."""
    export.check_not_a_source(path, plan, store)
    if path.absolute() in [place.absolute() for place in request.places()]:
        raise Refusal(f"{option} {path}: is also a result of this run")
    check_file(path, request.force, mark)


def check_file(path: Path, force: bool, mark: str = MARK) -> None:
    """Refuse to write a report over another file, unless with ``force``."""
    check_place(path, force=True)
    if path.exists() and not _is_report(path, mark) and not force:
        raise AlreadyExists(f"{path}: exists already and is no report; --force overwrites it")


def write(path: Path, report: dict[str, Any]) -> None:
    """Write a report; Incomplete on a full disk."""
    with translate_os_errors("the report", path.absolute().parent, ABOUT), complete_or_absent(path, force=True) as file:
        file.write(json.dumps({MARK: report[MARK], **report}, indent=1).encode() + b"\n")


def write_page(path: Path, text: str) -> None:
    """Write the page of a report; Incomplete on a full disk."""
    with translate_os_errors("the report", path.absolute().parent, ABOUT), complete_or_absent(path, force=True) as file:
        file.write(text.encode())


def _is_report(path: Path, mark: str) -> bool:
    with path.open("rb") as file:
        return mark.encode() in file.read(200) or path.stat().st_size == 0
