"""Programs that know nothing of each other but the store make one result together, whoever of them dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blocks import FillJob, Poison, plan_of
from program import begin, finished, names, until
from program import run as program
from stacks import frames, recipe_of, result, run, stack_of, written

from imfuse_tiles.errors import BlockFailed, Incomplete, Refusal
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.progress import StageReport
from imfuse_tiles.execution.shared_run import PartRun
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.options.resources import Part, Resources, parse_part
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.storage.store import Store

#: Modules without a test file of their own name.
TESTED_MODULES = ("execution.wait_for_parts",)


def part(plan: Plan, store: Store, number: int, of: int, wait: float = 600, **how: Any) -> list[StageReport]:
    """One part of a run, in tiles of 100, in the calling thread."""
    more = {"memory": 2 << 30, "workers": 1, "tile": 100, "scheduler": "sync"} | how
    mine = Part(number, of, wait)
    resources = Resources(**more, part=mine)
    store.create()
    with store.locked(mine.name):
        work = PartRun(survey(plan, store, resources), store, part=mine)
        return work.execute(lambda: open_pool(resources, store.root))


def parts(plan: Plan, store: Store, of: int) -> list[list[StageReport]]:
    """All parts of a run at the same time."""
    with ThreadPoolExecutor(of) as pool:
        futures = [pool.submit(part, plan, store, number, of, 20) for number in range(1, of + 1)]
        return [future.result(240) for future in futures]


@pytest.mark.parametrize("of", [1, 2, 5])
def test_parts_together_make_the_result_of_one_run(tmp_path: Path, of: int) -> None:
    plan = make_plan(recipe_of("--wavelet --maskwave=p100 --cutwave --bg=mean"), stack_of(tmp_path / "in", frames(3)))
    alone, shared = Store(str(tmp_path / "alone")), Store(str(tmp_path / "shared"))
    run(plan, alone)
    reports = parts(plan, shared, of)
    assert np.array_equal(result(plan, shared), result(plan, alone))
    for stage, *each in zip(plan.stages, *reports, strict=True):
        assert sum(report.computed for report in each) == each[0].blocks
        assert shared.numbers.load(stage.key) == alone.numbers.load(stage.key)


def test_blocks_are_shared_out_evenly(tmp_path: Path) -> None:
    reports = parts(plan_of(FillJob("first/x")), Store(str(tmp_path / "s")), 5)
    assert sorted(report[0].computed for report in reports) == [2, 2, 2, 3, 3]


def test_parts_share_a_store_in_a_bucket(url: str) -> None:
    plan, store = plan_of(FillJob("first/x")), Store(url)
    parts(plan, store, 3)
    assert float(result(plan, store)[0, 299, 399]) == 400600
    assert sum(report.computed for report in run(plan, store)) == 0


def test_a_whole_run_goes_on_from_what_parts_left(tmp_path: Path) -> None:
    plan, store = plan_of(FillJob("first/x")), Store(str(tmp_path / "s"))
    with pytest.raises(Incomplete, match=r"blocks of stage first, but of 2 parts these do not run: 2; start them"):
        part(plan, store, 1, 2, wait=0)
    assert [(report.reused, report.computed) for report in run(plan, store)] == [(6, 6), (0, 12)]


def test_parts_go_on_from_what_a_whole_run_left(tmp_path: Path) -> None:
    (tmp_path / "n").mkdir()
    plan, store = plan_of(FillJob("first/x")), Store(str(tmp_path / "s"))
    with pytest.raises(BlockFailed):
        run(plan_of(Poison("first/x", folder=str(tmp_path / "n"))), store, scheduler="processes")
    done = len(store.journal("first").completed_blocks())
    assert sum(report[0].computed for report in parts(plan, store, 2)) == 12 - done


def test_parts_of_another_count_go_on_too(tmp_path: Path) -> None:
    plan, store = plan_of(FillJob("first/x")), Store(str(tmp_path / "s"))
    with pytest.raises(Incomplete):
        part(plan, store, 1, 3, wait=0)
    assert sum(report[0].computed for report in parts(plan, store, 2)) == 8


def test_a_part_waits_for_the_first_to_begin_a_stage(tmp_path: Path) -> None:
    plan, store = plan_of(FillJob("first/x")), Store(str(tmp_path / "s"))
    with pytest.raises(Incomplete, match="waited for stage first to begin, but of 2 parts these do not run: 1"):
        part(plan, store, 2, 2, wait=0)
    with ThreadPoolExecutor(1) as pool:
        second: Future[Any] = pool.submit(part, plan, store, 2, 2)
        time.sleep(0.3)
        part(plan, store, 1, 2)
        assert [report.computed for report in second.result(240)] == [6, 6]


def test_a_waiting_part_ends_on_a_signal(tmp_path: Path) -> None:
    plan, store = plan_of(FillJob("first/x")), Store(str(tmp_path / "s"))
    mine, halt = Part(2, 2), Halt()
    resources = Resources(2 << 30, 1, 100, "sync", part=mine)
    store.create()
    threading.Timer(0.5, lambda: setattr(halt, "number", signal.SIGUSR1)).start()
    with pytest.raises(Incomplete, match="the time of this job is over"):
        PartRun(survey(plan, store, resources), store, halt=halt, part=mine).execute(
            lambda: open_pool(resources, store.root)
        )


# Damage


def altered(store: Store, path: str, cell: tuple[int, ...]) -> None:
    """Turn over one bit of a chunk."""
    chunk = store.arrays.open(path).chunk_file(cell)
    raw = bytearray(chunk.read_bytes())
    raw[100] ^= 1
    chunk.write_bytes(raw)


def test_a_part_repairs_an_altered_block_of_its_own(tmp_path: Path) -> None:
    plan, store = plan_of(FillJob("first/x")), Store(str(tmp_path / "s"))
    parts(plan, store, 3)
    store.journal("last").forget()
    altered(store, "first/x", (0, 0, 1))
    reports = parts(plan, store, 3)
    assert [report[0].computed for report in reports] == [0, 1, 0]
    assert float(result(plan, store)[0, 0, 100]) == 200


def test_a_part_repairs_an_altered_block_of_another(tmp_path: Path) -> None:
    """The first block of the second stage is the first part's, and as wide as two of the first stage."""
    plan, store = plan_of(FillJob("first/x")), Store(str(tmp_path / "s"))
    parts(plan, store, 2)
    store.journal("last").forget()
    altered(store, "first/x", (0, 0, 1))
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(part, plan, store, number, 2, 20, tile=200) for number in (1, 2)]
        reports = [future.result(240) for future in both]
    assert [report[0].computed for report in reports] == [1, 0]
    assert float(result(plan, store)[0, 0, 100]) == 100


@pytest.mark.parametrize("number", [1, 2])
def test_a_part_repairs_its_own_missing_blocks(tmp_path: Path, number: int) -> None:
    plan, store = plan_of(FillJob("first/x")), Store(str(tmp_path / "s"))
    parts(plan, store, 2)
    store.arrays.open("last/x").chunk_file((0, 1, number - 1)).unlink()
    reports = parts(plan, store, 2)
    assert [report[1].computed for report in reports] == [int(number == 1), int(number == 2)]
    assert sum(report.computed for report in run(plan, store)) == 0


def test_a_part_started_again_sweeps_what_it_left_half_written_and_nothing_of_others(tmp_path: Path) -> None:
    """Blocks 0/0/0 and 0/0/200 are the first part's, 0/0/100 and 0/0/300 the second's."""
    plan, store = plan_of(FillJob("first/x")), Store(str(tmp_path / "s"))
    with pytest.raises(Incomplete):
        part(plan, store, 1, 2, wait=0)
    with store.journal("first").appending("part-1-of-2") as record:
        record({"lost": "0/0/0"})
        record({"lost": "0/0/200"})
    dead = subprocess.Popen(["true"])
    dead.wait()
    host, folder = socket.gethostname(), store.folder / "first" / "x" / "c" / "0" / "0"
    swept = [f"0.{host}-{dead.pid}-1.partial", "2.old.place-1-1.partial"]
    kept = [f"1.{host}-{dead.pid}-1.partial", f"2.{host}-{os.getppid()}-1.partial", "2.new.place-1-1.partial"]
    for name in (*swept, *kept):
        (folder / name).write_bytes(b"half")
    os.utime(folder / swept[1], (time.time() - 100,) * 2)
    with pytest.raises(Incomplete):
        part(plan, store, 1, 2, wait=0)
    assert sorted(path.name for path in folder.glob("*.partial")) == sorted(kept)


# Refusals


def test_a_part_is_one_of_several() -> None:
    assert parse_part("2/8", 5) == Part(2, 8, 5)
    assert [Part(1, 3).part_of_block(block) for block in range(5)] == [1, 2, 3, 1, 2]
    for text in ("0/2", "3/2", "1", "a/b", "1/2/3", ""):
        with pytest.raises(Refusal, match="allowed is I/N"):
            parse_part(text, 5)


def test_a_part_with_too_little_memory_for_the_blocks_is_refused(tmp_path: Path) -> None:
    plan, store = plan_of(FillJob("first/x"), (4000, 4000)), Store(str(tmp_path / "s"))
    with pytest.raises(Incomplete):
        part(plan, store, 1, 2, wait=0, tile=2048)
    with pytest.raises(Refusal, match="part 1 computes stage first in blocks that need more memory"):
        part(plan, store, 2, 2, tile=None, memory=310 << 20)


# As programs


def test_parts_are_killed_started_again_and_told_that_their_time_is_over(tmp_path: Path) -> None:
    images = names(written(tmp_path / "in", frames(3)))
    words = ["fuse", "--blur", "--bg=mean", "--tile", "30", "--workers", "1", "--quiet", "--store", tmp_path / "store"]
    alone = program(*words[:-1], tmp_path / "alone", "-o", tmp_path / "alone.tif", *images)
    assert alone.code == 0, alone.err
    words = [*words, "-o", tmp_path / "r.tif"]
    store = Store(str(tmp_path / "store"))
    one = begin(*words, "--part", "1/2", *images)
    assert until(lambda: len(list(store.files.list_files("journal"))) > 1)  # it waits for the other one's blocks
    twice, whole = program(*words, "--part", "1/2", *images), program(*words, *images)
    assert (twice.code, whole.code) == (3, 3)
    os.killpg(one.pid, signal.SIGKILL)
    finished(one)
    one = begin(*words, "--part", "1/2", *images)
    assert until(lambda: store.is_locked("part-1-of-2"))
    one.send_signal(signal.SIGUSR1)
    ended = finished(one)
    assert ended.code == 4
    assert "the time of this job is over" in ended.line
    again = [begin(*words, "--part", f"{number}/2", *images) for number in (2, 1)]
    ends = [finished(process) for process in again]
    assert [(end.code, end.out) for end in ends] == [(0, ""), (0, f"{tmp_path / 'r.tif'}\n")], ends
    assert (tmp_path / "r.tif").read_bytes() == (tmp_path / "alone.tif").read_bytes()


def test_a_part_does_not_take_back_what_others_may_need(tmp_path: Path) -> None:
    images = names(written(tmp_path / "in", frames(1, shape=(40, 40))))
    ended = program("fuse", "--bg=mean", "--force=mask", "--part", "1/2", *images)
    assert (ended.code, ended.line.count("--force=mask")) == (2, 1)
