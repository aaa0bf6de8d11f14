"""Locks in a folder and in a bucket: one writer, or parts of one run, and none that is dead."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from program import pressed, until

from imfuse_tiles.errors import AlreadyExists
from imfuse_tiles.storage import object_lock
from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.object_files import ObjectFiles
from imfuse_tiles.storage.object_server import LockLost
from imfuse_tiles.storage.open_files import files_of, locks_of
from imfuse_tiles.storage.store import Store

#: Modules without a test file of their own name in the folder of their room.
TESTED_MODULES = ("storage.object_lock", "storage.object_locks")


def at_once(work: Callable[[int], None], count: int) -> None:
    """Do some work in so many threads at once, each with its number, to the end of all."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_second_writer_is_sent_away_with_the_name_of_the_first(files: Files) -> None:
    files.write("zarr.json", b"")
    began = time.perf_counter()
    with locks_of(files.root).locked():
        with pytest.raises(AlreadyExists, match=f"process {os.getpid()} on ") as caught, locks_of(files.root).locked():
            pass
        assert caught.value.code == 3
        assert locks_of(files.root).is_locked("")
    assert time.perf_counter() - began < pressed(3)
    assert not locks_of(files.root).is_locked("")
    with locks_of(files.root).locked():
        pass


def test_parts_exclude_a_whole_run_and_only_their_own_doubles(files: Files) -> None:
    files.write("zarr.json", b"")
    with locks_of(files.root).locked("-part-1-of-2"), locks_of(files.root).locked("-part-2-of-2"):
        with pytest.raises(AlreadyExists), locks_of(files.root).locked():
            pass
        with pytest.raises(AlreadyExists), locks_of(files.root).locked("-part-2-of-2"):
            pass
        assert locks_of(files.root).is_locked("-part-1-of-2")
    with locks_of(files.root).locked(), pytest.raises(AlreadyExists), locks_of(files.root).locked("-part-1-of-2"):
        pass


def test_many_parts_may_begin_at_the_same_moment(tmp_path: Path) -> None:
    store, gate, problems = Store(str(tmp_path / "store")), threading.Barrier(24), []

    def begin(number: int) -> None:
        gate.wait()
        try:
            store.create()
            with store.locked(f"part-{number}-of-24"):
                time.sleep(0.01)
        except Exception as error:
            problems.append(error)

    at_once(begin, 24)
    assert problems == []


def test_only_one_of_many_gets_the_lock_of_a_bucket(url: str) -> None:
    got: list[bool] = []

    def attempt(number: int) -> None:
        try:
            with locks_of(url).locked():
                got.append(True)
                until(lambda: len(got) == 6)
        except AlreadyExists:
            got.append(False)

    at_once(attempt, 6)
    assert sorted(got) == [False] * 5 + [True]


def hold(url: str, **changes: object) -> None:
    """A lock that nobody renews, of a run of another machine that had its clock from anywhere."""
    files = files_of(url)
    assert isinstance(files, ObjectFiles)
    lock = {"holder": "process 7 on elsewhere", "host": "elsewhere", "pid": 7, "at": time.time(), "token": "x"}
    files.write("locks/run.00000001", json.dumps({**lock, **changes}).encode())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks whose times are short."""
    for name, seconds in {"RENEW_SECONDS": 0.1, "VALID_SECONDS": 0.4, "WATCH_SECONDS": 1.0}.items():
        monkeypatch.setattr(object_lock, name, seconds)


@pytest.mark.parametrize("dead", [{"at": 0.0}, {"at": 4e9}, {"pid": 2**22 + 1, "host": socket.gethostname()}])
def test_a_dead_holder_s_lock_is_free(url: str, quick: None, dead: dict[str, object]) -> None:
    hold(url, **dead)
    files = files_of(url)
    with locks_of(url).locked():
        assert str(os.getpid()) in json.loads(files.read("locks/run.00000002"))["holder"]
        assert not files.exists("locks/run.00000001")
    assert json.loads(files.read("locks/run.00000002"))["released"]
    with locks_of(url).locked():
        assert files.exists("locks/run.00000003")


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_holder_whose_clock_is_an_hour_off_keeps_its_lock(
    url: str, quick: None, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = types.SimpleNamespace(monotonic=time.monotonic, sleep=time.sleep, time=time.time)
    monkeypatch.setattr(object_lock, "time", clock)
    with locks_of(url).locked():
        clock.time = lambda: time.time() + 3600 * hours
        time.sleep(0.5)  # it renews
        clock.time = time.time
        for _ in range(3):
            with pytest.raises(AlreadyExists), locks_of(url).locked():
                pass


def test_a_holder_that_lost_its_lock_stops_writing(url: str, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was stopped for longer than others watch a lock, and wakes up between two of its writes."""
    files = files_of(url)
    assert isinstance(files, ObjectFiles)
    monkeypatch.setattr(object_lock.ObjectLock, "_renew_regularly", lambda self: None)
    with locks_of(url).locked():
        files.write("before", b"x")
        fences, files.fences = files.fences, []
        path = "locks/run.00000001"
        files.write(path, json.dumps({**json.loads(files.read(path)), "at": 0.0}).encode())
        with locks_of(url).locked():
            files.write("other", b"x")
            mine, files.fences = files.fences, fences
            with pytest.raises(LockLost, match="was taken over by process"):
                files.write("after", b"x")
            files.fences = mine
        assert not files.exists("after")
        files.fences = fences


def test_of_two_writers_that_are_stopped_and_woken_never_two_write(
    url: str, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several take the lock in turn, fall asleep at random and write whenever they are awake."""
    random, writers, problems, stop = Random(5), set[int](), list[str](), time.monotonic() + 8
    guard = threading.Lock()

    def write(number: int) -> None:
        while time.monotonic() < stop:
            files = ObjectFiles(url)
            lock = object_lock.ObjectLock(files, "")
            try:
                lock.acquire()
                lock.end.set()  # asleep: nothing renews it
                for _ in range(4):
                    lock.check()
                    with guard:
                        writers.add(number)
                        if len(writers) > 1:
                            problems.append(f"{writers} write")
                    with guard:
                        writers.discard(number)
                    time.sleep(random.choice([0.01, 0.1, 2.0]))
                lock.release()
            except (AlreadyExists, LockLost):
                time.sleep(0.05)

    monkeypatch.setattr(object_lock, "FRESH_SECONDS", -1.0)  # no clock is believed
    at_once(write, 3)
    assert problems == []
