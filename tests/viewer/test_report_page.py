"""The report as a page: what was asked, done and measured; words of files never become markup."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from program import run
from viewed_stores import OPTIONS, fused_store, stack_files

from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.layers import layers_of
from imfuse_tiles.viewer.report_curves import bars, focus, shares_in_front, strongest_shares
from imfuse_tiles.viewer.report_page import MARK

TESTED_MODULES = ("viewer.report_curves",)


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
    for words_of_it in ("Command line", "--laplacian", "write result", "Histogram of all merged masks", "is in front",
                        "Versions", "numpy"):  # fmt: skip
        assert words_of_it in text
    assert run(*words).code == 0
    report.write_text("my notes")
    assert run(*words).code == 3
    assert report.read_text() == "my notes"


def test_a_report_without_maps_tells_where_the_detail_is_and_what_was_planned(tmp_path: Path) -> None:
    files, report = stack_files(tmp_path / "stack"), tmp_path / "report.html"
    words = ["fuse", "--align=no", "--report", report, "--store", tmp_path / "store", "-o", tmp_path / "r.tif"]
    assert run(*words, *files).code == 0
    text = report.read_text()
    assert text.count("<img ") == 1
    assert "In how much of the picture each slice has the most detail" in text
    assert "<title>stack: 4 frames fused</title>" in text
    assert "time: about" in text
    assert "starting, comparing frames, writing files" in text
    assert run(*words, files[0], "-f").code == 0
    assert "<title>stack: 1 frame fused</title>" in report.read_text()


def test_each_slice_has_the_share_where_its_detail_is(tmp_path: Path) -> None:
    store = fused_store(tmp_path)
    found = {layer.label: layer for layer in layers_of(Store.at(store), 0)}
    for shares in (strongest_shares(found["Mask of slice"]), shares_in_front(found["Depth"], 4)):
        assert np.abs(shares - 0.25).max() < 0.05
    assert focus(np.array([0.1, 0.7, 0.2]), "is in front").count("<text ") == 3
    assert "at most 70 % (slice 2)" in focus(np.array([0.1, 0.7, 0.2]), "is in front")
    assert focus(np.full(300, 1 / 300), "is in front").count("<text ") == 12


def test_bars_show_values_and_marks() -> None:
    text = bars(np.array([1, 4, 0]), [0.5], "a < b", [(0.5, "<")])
    assert text.count("<rect ") == 4
    assert 'x1="320.0"' in text
    assert ">&lt;</text>" in text
    assert "a &lt; b" in text
