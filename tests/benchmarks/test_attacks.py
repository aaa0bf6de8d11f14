"""The attacks, made short: each runs to its end and finds no promise broken; and what they rest on is right."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks.attacks.disk_states import Disk, crash, synced
from benchmarks.attacks.failing_calls import check_compiler
from benchmarks.attacks.recorded_writes import Operation
from benchmarks.attacks.simulated_machines import Machine, World
from benchmarks.attacks.small_run import in_child
from benchmarks.attacks.trials import TRIALS, main
from imfuse_tiles.errors import Refusal


@pytest.mark.parametrize("trial", TRIALS)
def test_a_trial_runs_and_finds_nothing_broken(trial: str, tmp_path: Path) -> None:
    if trial == "failures":
        try:
            check_compiler()
        except Refusal as refusal:
            pytest.skip(str(refusal))
    assert main([trial, "--quick", "--json", str(tmp_path / "figures.json")]) == 0
    assert json.loads((tmp_path / "figures.json").read_text())["broken"] == 0


# Disks after a crash

RENAMED = (
    Operation("make folder", "a"),
    Operation("create", "a/x.partial", file=1),
    Operation("write", file=1, data=b"new"),
    Operation("sync", file=1),
    Operation("move", "a/x.partial", "a/x", 1),
    Operation("sync folder", "a"),
    Operation("create", "a/y", file=2),
    Operation("write", file=2, data=b"unsynced"),
)


def disks(loss: str, count: int) -> set[tuple[tuple[str, bytes], ...]]:
    """What disks may hold after the first operations."""
    found = set()
    for seed in range(200):
        disk = crash(Disk({}, {}), RENAMED, count, loss, Random(seed))  # type: ignore[arg-type]
        found.add(tuple(sorted((name, disk.contents[n]) for name, n in disk.names.items() if n)))
    return found


def test_a_killed_program_leaves_all_but_the_rest_of_its_last_write() -> None:
    assert disks("killed", 2) == {(("a/x.partial", b"new"[:n]),) for n in range(3)}
    assert disks("killed", 8) == {(("a/x", b"new"), ("a/y", b"unsynced"))}


def test_what_was_synced_survives_a_power_cut_and_the_rest_may_not() -> None:
    for loss in ("journaled", "any"):
        assert {dict(disk).get("a/x", b"new") for disk in disks(loss, 6)} == {b"new"}
        assert {dict(disk).get("a/y") for disk in disks(loss, 8)} >= {None, b"", b"\0" * 8, b"unsynced"}
    assert all(("a/x", b"new") in disk for disk in disks("journaled", 6))
    assert synced(RENAMED, "journaled") == {0, 1, 2, 4}
    assert synced(RENAMED, "any") == {1, 2, 4}


# Children and simulated machines


def test_a_child_that_hangs_is_ended_and_told_from_one_that_fails() -> None:
    import time

    assert in_child(lambda: time.sleep(30) or 0, seconds=1).hung
    ended = in_child(lambda: 1 // 0)
    assert (ended.hung, "ZeroDivisionError" in ended.err, ended.is_plain) == (False, True, False)


def test_simulated_time_passes_for_one_thread_at_a_time() -> None:
    world, seen = World(Random(1), 0.5), list[tuple[int, float]]()

    def walk(number: int) -> None:
        for _ in range(3):
            world.sleep(10.0)
            seen.append((number, world.now))

    for number in range(2):
        world.start(Machine(number, 0.0), lambda number=number: walk(number))  # type: ignore[misc]
    world.run()
    moments = [moment for _, moment in seen]
    assert len(seen) == 6
    assert moments == sorted(moments)
    assert moments[0] >= 10.0
    assert max(moments) > 30.0  # somebody was stopped
