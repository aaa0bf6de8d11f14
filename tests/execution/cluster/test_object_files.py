"""A store in a bucket behaves like one in a folder."""

from __future__ import annotations

import json
import os
import pickle
import socket
import threading
import time
import types
import uuid
from pathlib import Path
from random import Random

import fsspec
import numpy as np
import pytest
import zarr
from blocks import FillJob, Poison, plan_of
from program import names, pressed, until
from program import run as program
from stacks import frames, recipe_of, result, run, stack_of, written

from imfuse_tiles.errors import AlreadyExists, BlockFailed, Incomplete, Refusal
from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.pipeline import run_plan
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.stages.array_metadata import array_paths
from imfuse_tiles.storage import object_lock
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.files import FilePart, Files
from imfuse_tiles.storage.journal import Journal
from imfuse_tiles.storage.object_files import ObjectFiles
from imfuse_tiles.storage.object_server import LockLost
from imfuse_tiles.storage.open_files import files_of, locks_of
from imfuse_tiles.storage.store import Store

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "storage.object_files",
    "storage.object_lock",
    "storage.object_locks",
    "storage.object_log",
    "storage.object_server",
)


@pytest.fixture
def files(root: str) -> Files:
    return files_of(root)


def test_a_place_is_free_until_something_is_written(files: Files) -> None:
    assert files.is_vacant()
    files.write("a/b", b"one", memoryview(b"two"))
    assert not files.is_vacant()
    assert files.read("a/b") == b"onetwo"


def test_what_is_not_there_is_told(files: Files) -> None:
    assert not files.exists("a")
    assert files.size("a") == 0
    assert list(files.list_files("a")) == []
    with pytest.raises(FileNotFoundError):
        files.read("a")
    files.delete("a")


def test_files_are_read_one_after_the_other_with_gaps_for_those_that_are_missing(files: Files) -> None:
    asked = [f"c/{number}" for number in range(20)]
    for name in asked[::3]:
        files.write(name, name.encode())
    assert list(files.read_parts([FilePart(name) for name in asked])) == [
        name.encode() if n % 3 == 0 else None for n, name in enumerate(asked)
    ]


def test_names_come_in_order_with_their_sizes_and_a_folder_goes_as_a_whole(files: Files) -> None:
    for name in ("k.d/2", "k.d/10", "k", "z/zz"):
        files.write(name, name.encode())
    assert list(files.list_files("k.d")) == [("k.d/10", 6), ("k.d/2", 5)]
    assert dict(files.list_files()) == {"k": 1, "k.d/10": 6, "k.d/2": 5, "z/zz": 4}
    size = files.sizes("k.d")
    assert (size("k.d/2"), size("k.d/3")) == (5, 0)
    files.delete("k.d")
    assert [name for name, _ in files.list_files()] == ["k", "z/zz"]


def test_a_written_file_replaces_the_one_before(files: Files) -> None:
    files.write("a", b"before")
    files.write("a", b"now")
    assert (files.read("a"), files.size("a")) == (b"now", 3)


def test_several_writers_of_a_journal_are_read_together(files: Files) -> None:
    journal = Journal(files, "k")
    journal.begin({"edge": 3})
    with journal.appending("part-1-of-2") as one, journal.appending("part-2-of-2") as two:
        one({"block": "a"})
        two({"block": "b"})
        one({"block": "c"})
    assert (journal.layout(), set(journal.completed_blocks())) == ({"edge": 3}, {"a", "b", "c"})
    with journal.appending() as record:
        record({"lost": "b"})
        record({"block": "d"})
    assert set(journal.completed_blocks()) == {"a", "c", "d"}


def test_a_single_writer_brings_all_lines_into_the_first_file(files: Files) -> None:
    journal = Journal(files, "k")
    journal.begin({"edge": 3})
    for number in range(5):
        with journal.appending("part-1-of-1") as record:
            record({"block": str(number)})
    with journal.appending():
        assert list(files.list_files(journal.parts_folder)) == []
    assert list(journal.completed_blocks()) == list("01234")


def test_a_torn_line_and_what_follows_it_do_not_count(files: Files) -> None:
    journal = Journal(files, "k")
    journal.begin({"edge": 3})
    with journal.appending() as record:
        record({"block": "a"})
        record({"block": "b"})
    name = next((name for name, _ in files.list_files(journal.parts_folder)), journal.head)
    files.write(name, files.read(name)[:-5])
    assert list(journal.completed_blocks()) == ["a"]


def test_beginning_anew_forgets_all_lines(files: Files) -> None:
    journal = Journal(files, "k")
    journal.begin({"edge": 3})
    with journal.appending("part-1-of-1") as record:
        record({"block": "a"})
    journal.begin({"edge": 4})
    assert (journal.layout(), journal.completed_blocks()) == ({"edge": 4}, {})
    journal.forget()
    assert (journal.layout(), list(files.list_files("journal"))) == (None, [])


def test_a_line_reaches_the_server_while_the_log_is_open(url: str) -> None:
    files = files_of(url)
    with files.appending("journal/k", 0) as add:
        add(b"line\n")
        assert until(lambda: list(files.list_files("journal/k.d")), pause=0.05)
        assert [files.read(name) for name, _ in files.list_files("journal/k.d")] == [b"line\n"]


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

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_only_one_of_many_gets_the_lock_of_a_bucket(url: str) -> None:
    got: list[bool] = []

    def attempt() -> None:
        try:
            with locks_of(url).locked():
                got.append(True)
                until(lambda: len(got) == 6)
        except AlreadyExists:
            got.append(False)

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
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
    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_zarr_reads_what_is_written_to_a_bucket(url: str) -> None:
    store = Store(url)
    store.create()
    store.arrays.create("image/x", (2, 50, 70), (1, 32, 32), "uint16", {"about": 1})
    samples = np.arange(7000, dtype=np.uint16).reshape(2, 50, 70)
    store.arrays.open("image/x").write([(0, 2), (0, 50), (0, 70)], samples)
    assert np.array_equal(zarr.open_group(url, mode="r")["image/x"][...], samples)
    assert np.array_equal(store.arrays.open("image/x").read([(0, 2), (10, 50), (5, 70)]), samples[:, 10:, 5:])


def test_a_missing_and_an_altered_object_are_found(url: str) -> None:
    store = Store(url)
    store.create()
    store.arrays.create("image/x", (64, 64), (32, 32), "uint8", {})
    array = store.arrays.open("image/x")
    array.write([(0, 64), (0, 64)], np.ones((64, 64), np.uint8))
    store.files.delete("image/x/c/1/0")
    raw = bytearray(store.files.read("image/x/c/0/1"))
    raw[5] ^= 1
    store.files.write("image/x/c/0/1", bytes(raw))
    for box, what in (([(32, 64), (0, 32)], "missing"), ([(0, 32), (32, 64)], "altered")):
        with pytest.raises(Damaged, match=what):
            array.read(box)


def test_a_run_in_a_bucket_gives_the_same_bytes(tmp_path: Path, url: str) -> None:
    plan = make_plan(
        recipe_of("--wavelet --maskwave=p100 --cutwave --bg=mean"),
        stack_of(tmp_path / "in", frames(2, shape=(150, 130))),
    )
    here, there = Store(str(tmp_path / "store")), Store(url)
    run(plan, here)
    run(plan, there)
    assert np.array_equal(result(plan, there), result(plan, here))
    assert sum(report.computed for report in run(plan, there)) == 0


def test_a_run_in_a_bucket_goes_on_where_it_failed(tmp_path: Path, url: str) -> None:
    (tmp_path / "n").mkdir()
    job, store = Poison("first/x", folder=str(tmp_path / "n")), Store(url)
    with pytest.raises(BlockFailed, match="0/0/100"):
        run(plan_of(job), store, scheduler="processes")
    assert len(store.journal("first").completed_blocks()) == 11
    reports = run(plan_of(FillJob("first/x")), store)
    assert [report.computed for report in reports] == [1, 12]
    assert float(result(plan_of(job), store)[0, 299, 399]) == 200300 + 200300


def test_a_lean_run_in_a_bucket_leaves_images_and_result(tmp_path: Path, url: str) -> None:
    plan = make_plan(recipe_of("--wavelet --cutblur"), stack_of(tmp_path / "in", frames(2, shape=(64, 60))))
    store, how = Store(url), Resources(memory=2 << 30, workers=2, tile=64, lean=True)
    for name in ("a.tif", "b.tif"):
        run_plan(plan, store, how, ExportRequest(tmp_path / name))
        kept = {stage.outputs[0].path for stage in (plan.stages[0], plan.result)}
        assert set(array_paths(name for name, _ in store.files.list_files())) == kept
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_a_damaged_object_is_computed_again(url: str) -> None:
    plan, store = plan_of(FillJob("first/x")), Store(url)
    run(plan, store)
    store.files.delete("last/x/c/0/1/1")
    assert [report.computed for report in run(plan, store)] == [0, 1]


def test_the_program_takes_a_bucket_for_its_store(tmp_path: Path, url: str) -> None:
    images = names(written(tmp_path / "in", frames(2, shape=(80, 70))))
    ended = program("fuse", "--bg=mean", "--store", url, "-o", tmp_path / "r.tif", *images)
    assert (ended.code, ended.out) == (0, f"{tmp_path / 'r.tif'}\n")
    assert f"the store {url} takes" in ended.err
    assert "Unclosed" not in ended.err


def test_a_library_that_is_missing_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(Refusal, match=r"Install s3fs .* pip install 'imfuse-tiles\[s3\]'"):
        ObjectFiles("s3://bucket/x")


def test_an_unknown_kind_of_place_is_refused() -> None:
    with pytest.raises(Refusal, match="Protocol not known: cloud"):
        ObjectFiles("cloud://bucket/x")


def test_a_bucket_that_is_not_there_is_refused(bucket: str) -> None:
    with pytest.raises(Refusal, match="bucket does not exist"):
        Store("s3://no-such-bucket/x").create()


def test_a_place_with_other_objects_is_refused(url: str) -> None:
    files_of(url).write("letter.txt", b"dear")
    with pytest.raises(Refusal, match="is not a store"):
        Store(url).create()


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a bucket on a server that is not there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "of-the-test")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    files_of.cache_clear()
    return f"s3://stacks/{uuid.uuid4().hex}"


def test_a_server_that_is_not_there_is_refused_within_seconds(tmp_path: Path, nobody: str) -> None:
    images = names(written(tmp_path / "in", frames(1, shape=(40, 40))))
    for words in (("fuse", "--bg=mean", "-o", tmp_path / "r.tif", *images, "--store", nobody), ("status", nobody)):
        ended = program(*words)
        assert ended.line.startswith(f"imfuse-tiles: cannot use the store {nobody}: Could not connect")
        assert (ended.code, len(ended.err.splitlines())) == (2, 1)
        assert ended.seconds < pressed(6)


def test_a_server_that_is_lost_meanwhile_ends_the_run_resumably(nobody: str) -> None:
    with pytest.raises(Incomplete, match=r"Could not connect .* finished blocks are kept") as caught:
        Store(nobody).journal("first").completed_blocks()
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.code) == (str(caught.value), 4)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    files_of.cache_clear()
