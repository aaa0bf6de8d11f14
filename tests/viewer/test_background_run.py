"""A run that the page starts: it is stopped, its end is told, and there is one at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import until

from imfuse_tiles.errors import Refusal
from imfuse_tiles.viewer.background_run import BackgroundRun

LONG = ["simulate", "--size", "3000x2000", "--slices", "90", "--seed", "1", "frames"]


def test_a_run_is_stopped(tmp_path: Path) -> None:
    run = BackgroundRun()
    assert run.progress() == {"going": False, "code": None, "error": "", "stopped": False, "result": ""}
    with pytest.raises(Refusal, match="no run"):
        run.stop({})
    run.start(LONG, "frames", str(tmp_path))
    with pytest.raises(Refusal, match="already"):
        run.start(LONG, "frames", str(tmp_path))
    assert until(lambda: (tmp_path / "frames").exists())
    assert run.progress()["going"]
    run.stop({})
    assert until(lambda: not run.is_going())
    assert run.progress()["stopped"]


def test_the_last_line_of_an_error_is_told(tmp_path: Path) -> None:
    run = BackgroundRun()
    run.start(["fuse", "nothing.tif"], "x.tif", str(tmp_path))
    assert until(lambda: not run.is_going())
    progress = run.progress()
    assert progress["code"]
    assert "nothing.tif" in progress["error"]
    assert not progress["stopped"]
