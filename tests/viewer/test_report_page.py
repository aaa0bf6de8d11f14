"""The report as a page: what was asked, done and measured; words of files never become markup."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from program import run
from viewed_stores import OPTIONS, stack_files

from imfuse_tiles.viewer.report_page import MARK, bars


def test_a_run_reports_as_a_page_and_overwrites_only_reports(tmp_path: Path) -> None:
    files, report = stack_files(tmp_path / "<b>&"), tmp_path / "report.html"
    words = [
        "fuse",
        *OPTIONS,
        "-X",
        "--report",
        report,
        "--store",
        tmp_path / "store",
        "-o",
        tmp_path / "r.tif",
        *files,
    ]
    ended = run(*words)
    assert ended.code == 0, ended.err
    text = report.read_text()
    assert MARK in text
    assert text.count("<img ") == 4
    assert "<b>" not in text
    assert "&lt;b&gt;&amp;" in text
    for words_of_it in ("Command line", "--laplacian", "write result", "Histogram of all merged masks", "1 to 4",
                        "Versions", "numpy"):  # fmt: skip
        assert words_of_it in text
    assert run(*words).code == 0
    report.write_text("my notes")
    assert run(*words).code == 3
    assert report.read_text() == "my notes"


def test_bars_show_values_and_marks() -> None:
    text = bars(np.array([1, 4, 0]), [0.5], "a < b")
    assert text.count("<rect ") == 4
    assert 'x1="300.0"' in text
    assert "a &lt; b" in text
