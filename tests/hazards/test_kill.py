"""kill -9 in any phase, then the same command: the same bytes, and only what was not finished is computed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.kills import PROGRAM, Calm, Killed, calm, kill, pictures, words
from imfuse_tiles.cli.main import main
from imfuse_tiles.simulation import render
from imfuse_tiles.storage.store import Store

#: Each phase: frames, two masks, their levels, merging, montage, mean, result, export; ``benchmarks kills`` more often.
KILLS = 11


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    """A run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("calm")
    render(folder / "in", 240, 160, 5, seed=3, workers=2)
    found = calm(sorted((folder / "in").glob("slice_*.tif")), folder, main)
    assert sum(blocks for _, blocks, _ in found.stages.values()) > 100
    return found


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_run_goes_on_to_the_same_bytes(quiet: Calm, tmp_path: Path, number: int) -> None:
    assert len(quiet.phases) <= KILLS
    phase = quiet.phases[number % len(quiet.phases)]
    assert_nothing_lost(kill(quiet, tmp_path, phase, random.Random(number), main))


@pytest.mark.parametrize("phase", ["mask darkness", "merge masks", "montage", "write result", "export"])
def test_a_lean_run_that_is_killed_goes_on_to_the_same_bytes(quiet: Calm, tmp_path: Path, phase: str) -> None:
    assert_nothing_lost(kill(quiet, tmp_path, phase, random.Random(phase), main, "group", "threads", "--lean"))
    assert sorted(path.parent.name for path in (tmp_path / "store").glob("*/*") if path.is_dir()) == ["final", "source"]


def assert_nothing_lost(killed: Killed) -> None:
    assert killed.same, "the same bytes"
    assert killed.again == 0, "no block that was recorded is computed again"
    assert killed.litter == 0, "no half-written file is left"


@pytest.mark.parametrize("victim", ["driver", "worker"])
@pytest.mark.parametrize("scheduler", ["processes", "local"])
def test_a_kill_of_driver_or_worker_loses_nothing(quiet: Calm, tmp_path: Path, scheduler: str, victim: str) -> None:
    def again(said: list[str]) -> int:
        """The same with threads: what is kept does not ask who made it."""
        return main(["threads" if word == scheduler else word for word in said])

    killed = kill(quiet, tmp_path, "merge masks", random.Random(7), again, victim, scheduler)
    assert_nothing_lost(killed)
    assert killed.code == (0 if victim == "worker" else -signal.SIGKILL), "a run outlives its workers"


@pytest.mark.parametrize("name", ["r.tif", "r.mask.tif", "r.depth.tif"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_ends_as_a_file_gets_its_name_goes_on(quiet: Calm, tmp_path: Path, name: str, moment: str) -> None:
    """What a kill between two steps leaves: a file that is noted but not there yet, or there just now."""
    process = subprocess.Popen([*PROGRAM[:1], "-c", ENDS, name, moment, *words(quiet.images, tmp_path)])
    assert process.wait(480) == 9
    assert main(words(quiet.images, tmp_path)) == 0
    assert pictures(tmp_path) == quiet.pictures
    assert [path for path in tmp_path.rglob("*") if "partial" in path.name] == []


#: The program, ended as hard as by a kill when a file gets its name.
ENDS = """
import os, sys
from imfuse_tiles.cli.main import main
name, moment, replace = sys.argv[1], sys.argv[2], os.replace
def ended(old, new):
    mine = os.path.basename(new) == name
    if mine and moment == "before":
        os._exit(9)
    replace(old, new)
    if mine:
        os._exit(9)
os.replace = ended
sys.exit(main(sys.argv[3:]))
"""


def test_kills_one_after_the_other_lose_nothing(quiet: Calm, tmp_path: Path) -> None:
    """A run that is killed again and again still arrives."""
    store, before = Store(str(tmp_path / "store")), -1
    for _ in range(3):
        process = subprocess.Popen([*PROGRAM, *words(quiet.images, tmp_path)], start_new_session=True)
        while (
            process.poll() is None
            and sum(len(store.journal(key).completed_blocks()) for key, _, _ in quiet.stages.values()) <= before + 9
        ):
            time.sleep(0.01)
        with suppress(ProcessLookupError):  # the run was quicker than this
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kept = sum(len(store.journal(key).completed_blocks()) for key, _, _ in quiet.stages.values())
        assert kept >= before
        before = kept
    assert main(words(quiet.images, tmp_path)) == 0
    assert pictures(tmp_path) == quiet.pictures
