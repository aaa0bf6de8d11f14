"""``fuse -V`` and ``-W`` serve the page of the store in a process that outlives the run; the address is printed."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from program import Ended, run
from viewed_stores import OPTIONS, stack_files

HEADLESS = {"DISPLAY": "", "WAYLAND_DISPLAY": ""}


def address_in(ended: Ended) -> str:
    found = re.search(r"no display found; the page of this run: (http://127.0.0.1:\S+)", ended.err)
    assert found, ended.err
    return found[1]


def end_viewers_of(store: Path) -> int:
    """End the viewers of a store; how many there were."""
    count = 0
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "view" in words and str(store) in words:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            count += 1
    return count


@pytest.mark.parametrize("letters", ["-V", "-W", "-VW"])
def test_the_page_of_a_run_is_served_after_it(letters: str, tmp_path: Path) -> None:
    files, store = stack_files(tmp_path / "stack"), tmp_path / "store"
    try:
        ended = run("fuse", *OPTIONS, letters, "--store", store, "-o", tmp_path / "r.tif", *files, env=HEADLESS)
        assert ended.code == 0
        assert ended.out.split() == [str(tmp_path / "r.tif")]
        with urlopen(f"{address_in(ended)}ask/state", b"{}") as answer:
            state = json.load(answer)
        assert "Result" in [layer["label"] for layer in state["layers"] if layer["finished"]]
        assert state["runs"][0]["writer"] == ""
        assert all(stage["finished"] for stage in state["runs"][0]["stages"])
    finally:
        assert end_viewers_of(store) == 1


def test_a_run_that_is_refused_opens_no_page(tmp_path: Path) -> None:
    files, store, result = stack_files(tmp_path / "stack"), tmp_path / "store", tmp_path / "r.tif"
    result.write_bytes(b"somebody's")
    ended = run("fuse", *OPTIONS, "-V", "--store", store, "-o", result, *files, env=HEADLESS)
    assert ended.code == 3
    assert "page of this run" not in ended.err
    assert end_viewers_of(store) == 0
