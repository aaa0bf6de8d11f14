"""The benchmark of the disk runs, and tells bytes of each choice."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import disk
from benchmarks.chains import tried


def test_what_is_computed_when_it_is_read_takes_no_bytes(tmp_path: Path) -> None:
    with tried():
        assert disk.main(["--quick", "--folder", str(tmp_path), "--json", str(tmp_path / "table.json")]) == 0
    found = {figure["name"]: figure["value"] for figure in json.loads((tmp_path / "table.json").read_text())}
    written = [found[f"A, {choice}: written, result aside"] for choice in ("all", "budget", "source")]
    assert sorted(written, reverse=True) == written
    assert written[0] > written[-1]
