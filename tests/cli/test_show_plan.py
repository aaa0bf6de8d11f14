"""A plan tells what a run would do and does nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from program import Shell, contents


@pytest.mark.parametrize("words", [["plan"], ["fuse", "--dry-run"], ["plan", "--json"]])
def test_a_plan_writes_nothing(shell: Shell, place: Path, words: list[str]) -> None:
    before = contents(place)
    code, out, err = shell(*words, "--wavelet", "--cutwave", "-o", "r.tif", "IMAGES")
    assert (code, err) == (0, "")
    assert contents(place) == before
    if "--json" in words:
        plan = json.loads(out)
        assert [stage["name"] for stage in plan["stages"]][:2] == ["read frames", "mask wavelet"]
        assert plan["memory_bytes"] <= plan["memory_limit"]
        assert plan["disk_bytes"] == plan["disk_to_write_bytes"] > 0
    else:
        assert "mask wavelet" in out
        assert "still to be written" in out


def test_a_plan_tells_what_is_done_already(shell: Shell) -> None:
    words = ("--wavelet", "-o", "r.tif", "--tile", "40", "IMAGES")
    shell("fuse", *words)
    plan = json.loads(shell("plan", "--json", *words)[1])
    assert plan["disk_to_write_bytes"] == 0
    assert all(stage["done"] == stage["blocks"] for stage in plan["stages"])
    assert "time: nothing is left to be computed" in shell("plan", *words)[1]
