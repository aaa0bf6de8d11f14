"""Asked to end, a run keeps what is finished, is gone within ten seconds, and says how to go on."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from program import Ended, begin, finished, kill, pressed, reported, run, until
from stacks import written

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.fixture(scope="module")
def long_stack(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Enough work for a signal to come in between."""
    noise = np.random.default_rng(3).integers(0, 255, (4, 1, 450, 450), np.uint8)
    return written(tmp_path_factory.mktemp("long"), noise)


@pytest.fixture(scope="module")
def wide_stack(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Enough to write for a signal to come in between."""
    noise = np.random.default_rng(3).integers(0, 65535, (2, 3, 1500, 1500), np.uint16)
    return written(tmp_path_factory.mktemp("wide"), noise)


def words(files: list[Path], place: Path, *more: str) -> list[str]:
    said = ["fuse", "--statistic=r9", "--maskblur=s3", "--tile", "64", "--workers", "2", "--memory", "2G", "--quiet"]
    return [*said, *more, "--store", str(place / "store"), "-o", str(place / "r.tif"), *map(str, files)]


def journal_of(place: Path, least: int) -> bool:
    """Whether some blocks have been recorded."""
    whole = [path for path in (place / "store" / "journal").glob("*") if path.suffix != ".partial"]
    return sum(path.read_bytes().count(b"\n") for path in whole) >= least


def interrupted(process: subprocess.Popen[str], number: int, whole_group: bool = True) -> tuple[Ended, float]:
    began = time.perf_counter()
    kill(process, number) if whole_group else process.send_signal(number)
    return finished(process), time.perf_counter() - began


WAYS = [(scheduler, number) for scheduler in ("sync", "threads", "processes") for number in SIGNALS]


@pytest.mark.parametrize(("scheduler", "number"), [*WAYS, ("local", signal.SIGINT)])
def test_a_signal_ends_a_run_politely_and_the_printed_command_goes_on(number, scheduler, long_stack, called, place):
    process = begin(*words(long_stack, place, "--scheduler", scheduler))
    assert until(lambda: journal_of(place, 20))
    ended, seconds = interrupted(process, number)
    assert ended.code == SIGNALS[number], ended.err
    assert seconds < pressed(10)
    assert f"signal {number}" in ended.line
    assert not list(place.glob("*.tif"))
    again = ended.err.splitlines()[-1]
    assert again.startswith("to go on: imfuse-tiles fuse ")
    kept = sum(path.read_bytes().count(b'"block"') for path in (place / "store" / "journal").glob("*"))
    go_on = run if scheduler == "local" else called  # a cluster ends with its process
    on = go_on(*shlex.split(again.removeprefix("to go on: imfuse-tiles ")), "--report", place / "report.json")
    assert on.code == 0, on.err
    assert sum(stage["reused"] for stage in reported(place / "report.json").values()) >= kept > 10


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_during_the_export_leaves_no_file_and_the_next_run_only_exports(number, wide_stack, called, place):
    said = ["fuse", "--bg=max", "--workers", "1", "--store", place / "store", "-o", place / "r.png", *wide_stack]

    def exporting() -> tuple[Ended, float]:
        process = begin(*said)
        assert until(lambda: list(place.glob(".r.png.partial-*")) or process.poll() is not None, pause=0.0005)
        return interrupted(process, number)

    ended, seconds = exporting()
    for _ in range(4):
        if ended.code == 0:  # it was over before the signal came
            (place / "r.png").unlink()
            ended, seconds = exporting()
    assert (ended.code, seconds < pressed(10)) == (SIGNALS[number], True)
    assert [path.name for path in place.iterdir()] == ["store"]
    assert called(*said, "--report", place / "report.json").code == 0
    assert sum(stage["computed"] for stage in reported(place / "report.json").values()) == 0
    assert (place / "r.png").is_file()


def test_a_second_signal_ends_at_once(long_stack, place):
    process = begin(*words(long_stack, place))
    assert until(lambda: journal_of(place, 12))
    process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    ended, seconds = interrupted(process, signal.SIGTERM, whole_group=False)
    assert ended.code in (143, -signal.SIGTERM)
    assert seconds < pressed(2)


def test_a_block_that_does_not_end_is_given_up(place, long_stack, called):
    """A pipe that never gives its bytes stands for a block that takes very long: a slow disk, a huge block."""
    slow = Path(__file__).with_name("slow_block.py")
    process = subprocess.Popen(
        [sys.executable, slow, *words(long_stack, place)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert until(lambda: (place / "asleep").exists() or process.poll() is not None)
    ended, seconds = interrupted(process, signal.SIGINT)
    assert (ended.code, 5 < seconds < pressed(10)) == (130, True), ended.err
    assert "given up" in ended.line
    assert called(*words(long_stack, place)).code == 0
