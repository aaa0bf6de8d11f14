"""The performance report says what every worker was at."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from blocks import FillJob, Poison, plan_of
from program import names
from stacks import frames, run, written

from imfuse_tiles.cli.main import main
from imfuse_tiles.errors import BlockFailed
from imfuse_tiles.execution.progress import BlockTiming
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.performance_page import MARK, Timings, spans, write

#: Modules without a test file of their own name.
TESTED_MODULES = ("viewer.run_report",)


def took(block: str, began: float, seconds: float, worker: str = "a") -> BlockTiming:
    return BlockTiming(block, worker, began, seconds, 10, 20)


@pytest.mark.parametrize("scheduler", ["threads:2", "processes:2", "local:2"])
def test_every_scheduler_has_a_report_of_all_blocks(tmp_path: Path, scheduler: str) -> None:
    timings = Timings()
    reports = run(plan_of(FillJob("first/x", seconds=0.05)), Store(str(tmp_path / "s")), timings, scheduler=scheduler)
    write(tmp_path / "p.html", timings, "--blur <b>", scheduler)
    text = (tmp_path / "p.html").read_text()
    assert text.startswith(MARK)
    assert f"scheduler {scheduler}" in text
    assert "--blur &lt;b&gt;" in text
    assert "<h2>2 workers" in text
    assert {took.block for took in timings.stages["first"].computed} == {f"0/{y}/{x}" for y in (0, 100, 200)
                                                                   for x in (0, 100, 200, 300)}  # fmt: skip
    assert 12 * 0.05 <= reports[0].busy < 12
    assert reports[0].busy == pytest.approx(timings.stages["first"].busy())
    table = re.findall(r"<tr>(<td>.*?)</tr>", text)
    assert [len(re.findall("<td>", line)) for line in table] == [10, 10]
    assert "<td>12</td><td>0</td>" in table[0]
    assert not re.search("https?://|<script", text), "it loads nothing from anywhere"
    (picture,) = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(ET.fromstring(picture).findall("rect")) > 12


def test_blocks_too_narrow_to_be_told_apart_are_drawn_as_one() -> None:
    many = [took(f"0/{n}/0", n / 1000, 0.0009) for n in range(1000)]
    drawn = list(spans(many, 0, 100))
    assert 40 < len(drawn) <= 101
    assert sum(width for _, width, _ in drawn) == pytest.approx(100, rel=0.1)
    assert "blocks, 0/0/0 to" in drawn[0][2]
    assert list(spans([took("0/0/0", 1, 2), took("0/0/9", 5, 1)], 0, 10)) == [
        (10, 20, "block 0/0/0"), (50, 10, "block 0/0/9"),
    ]  # fmt: skip


def test_a_run_that_fails_has_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "n").mkdir()
    timings, plan = Timings(), plan_of(Poison("first/x", folder=str(tmp_path / "n")))
    with pytest.raises(BlockFailed):
        run(plan, Store(str(tmp_path / "s")), timings, scheduler="processes:2")
    write(tmp_path / "p.html", timings, "", "processes:2")
    assert "first (not finished)" in (tmp_path / "p.html").read_text()
    assert len(timings.stages["first"].computed) == 11


def test_the_program_writes_it_and_overwrites_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = names(written(tmp_path / "in", frames(2, shape=(60, 50))))
    words = ["fuse", "--bg=mean", "--quiet", "--store", str(tmp_path / "s"), "--performance", str(tmp_path / "p.html")]
    for _ in range(2):
        assert main([*words, "-o", str(tmp_path / "r.tif"), *images]) == 0
        assert "--bg=" in (tmp_path / "p.html").read_text()
    (tmp_path / "p.html").write_text("a letter")
    assert main([*words, "-o", str(tmp_path / "r2.tif"), *images]) == 3
    assert "p.html: exists already" in capsys.readouterr().err
    assert main([*words[:-1], str(tmp_path / "r3.tif"), "-o", str(tmp_path / "r3.tif"), *images]) == 2
    assert "--performance" in capsys.readouterr().err
