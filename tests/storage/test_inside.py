"""A store of somebody else's making: nothing leads outside, nothing hangs, and who only looks writes nothing."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from stacks import frames, recipe_of, result, run, stack_of

from imfuse_tiles.cli.main import main
from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.storage import removal
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.open_files import locks_of
from imfuse_tiles.storage.store import Store
from imfuse_tiles.storage.sweep import sweep_store


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of somebody's, with a file in it and one that looks half written."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_text("precious")
    (folder / "x.strange.partial").write_text("precious")
    return folder


@pytest.fixture
def store(finished: Store) -> Store:
    return finished


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    """All that is in a folder, with what changes when it is written."""
    states = {str(path): path.lstat() for path in (folder, *folder.rglob("*"))}
    return {path: (state.st_mtime_ns, state.st_ino, state.st_size) for path, state in states.items()}


def link_folder(store: Store, name: str, outside: Path) -> None:
    path = store.folder / name
    if path.exists():
        path.rename(store.folder.parent / "away")
    path.symlink_to(outside)


@pytest.mark.parametrize("name", ["mask", "montage", "journal", "numbers", "final"])
def test_a_folder_that_is_a_link_is_refused_and_nothing_is_done_behind_it(
    plan: Plan, store: Store, outside: Path, name: str
) -> None:
    before = tree(outside)
    link_folder(store, name, outside)
    actions: list[Callable[[], object]] = [
        lambda: store.arrays.create(f"{name}/precious", (4, 4), (4, 4), "uint8", {}),
        lambda: store.files.delete(f"{name}/precious"),
        lambda: store.files.write(f"{name}/precious", b"x"),
        lambda: sweep_store(store, [f"{name}/precious"]),
        lambda: store.files.read(f"{name}/precious"),
        lambda: list(store.files.list_files(name)),
    ]
    for action in actions:
        with pytest.raises(Refusal, match="is a link, and a store has none"):
            action()
    with suppress(Refusal):  # where it needs the folder at all
        run(plan, store)
    assert tree(outside) == before


@pytest.mark.parametrize("name", ["lock", "holder", "lock-part-1-of-2", "zarr.json"])
def test_a_file_that_is_a_link_is_never_written_through(store: Store, outside: Path, name: str) -> None:
    victim = outside / "precious"
    (store.folder / name).unlink(missing_ok=True)
    (store.folder / name).symlink_to(victim)
    for words in (["status", store.root], ["verify", store.root]):
        main(words)
    with suppress(Refusal), store.locked():
        pass
    assert victim.read_text() == "precious"


def test_a_chunk_that_is_a_link_is_refused(plan: Plan, store: Store, outside: Path) -> None:
    chunk = next(path for path in (store.folder / "final").rglob("c/**/*") if path.is_file())
    chunk.rename(outside / "chunk")
    chunk.symlink_to(outside / "chunk")
    with pytest.raises(Refusal, match="is a link"):
        store.files.read(str(chunk.relative_to(store.folder)))
    run(plan, store)
    assert not chunk.is_symlink()


def test_verify_names_links(store: Store, outside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (store.folder / "extra").symlink_to(outside)
    assert main(["verify", store.root]) == 5
    assert "extra is a link; a run neither reads nor writes it" in capsys.readouterr().out


def test_a_store_may_itself_be_behind_a_link(plan: Plan, store: Store, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(store.folder)
    linked = Store(str(tmp_path / "linked"))
    assert sum(report.computed for report in run(plan, linked)) == 0
    with pytest.raises(Refusal, match="is a link to"):
        removal.remove_store(linked)
    assert store.exists()


def test_fifos_and_folders_in_place_of_files_are_replaced(plan: Plan, store: Store) -> None:
    right = result(plan, store)
    key = plan.result.key
    chunk = next(path for path in (store.folder / "final").rglob("c/**/*") if path.is_file())
    for place in (chunk, store.folder / "zarr.json", store.folder / "numbers" / f"{key}.json",
                  store.folder / "journal" / key):  # fmt: skip
        for make in (os.mkfifo, os.mkdir):
            place.unlink() if place.is_file() else None
            make(place)
            done = threading.Thread(target=lambda: run(plan, store), daemon=True)
            done.start()
            done.join(60)
            assert not done.is_alive(), place
            assert place.is_file(), place
            assert np.array_equal(result(plan, store), right)


@pytest.mark.parametrize("name", ["zarr.json", "numbers/KEY.json", "journal/KEY", "final/KEY/zarr.json"])
def test_json_nested_without_end_is_as_good_as_none(plan: Plan, store: Store, name: str) -> None:
    right = result(plan, store)
    (store.folder / name.replace("KEY", plan.result.key)).write_text("[" * 100_000)
    assert main(["status", store.root]) == 0
    assert main(["verify", store.root]) == 5
    run(plan, store)
    assert np.array_equal(result(plan, store), right)


def test_an_array_of_more_chunks_than_any_disk_holds_is_none(store: Store) -> None:
    store.arrays.create("m/x", (4, 4), (4, 4), "uint8", {"imfuse_tiles": {"key": "x"}})
    place = store.folder / "m" / "x" / "zarr.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), "shape": [2**40, 2**40]}))
    with pytest.raises(Damaged):
        store.arrays.open("m/x")


def test_status_verify_and_plan_write_nothing(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with store.locked():
        pass
    before = tree(store.folder)
    assert main(["status", store.root]) == 0
    assert main(["verify", store.root]) == 0
    assert tree(store.folder) == before
    for path in store.folder.glob("lock*"):
        path.unlink()
    before = tree(store.folder)
    assert main(["status", store.root]) == 0
    assert main(["verify", store.root]) == 0
    assert tree(store.folder) == before


def test_who_reads_and_who_writes_do_not_meet(store: Store) -> None:
    locks = locks_of(store.root)
    with store.locked("part-1-of-2"):
        assert locks.is_locked("-part-1-of-2")
        assert not locks.is_locked("")
        assert f"process {os.getpid()}" in locks.current_holder()
        with pytest.raises(AlreadyExists, match=f"process {os.getpid()}"), locks.reading():
            pass
    assert locks.current_holder() == ""
    with locks.reading(), locks.reading():
        pass


@pytest.mark.parametrize("name", ["../outside/precious", "mask/../../outside/precious", "a\x1b", "a\\b"])
def test_a_name_that_leads_out_of_a_store_is_refused(store: Store, outside: Path, name: str) -> None:
    actions: list[Callable[[], object]] = [
        lambda: store.files.read(name),
        lambda: store.files.write(name, b"x"),
        lambda: store.files.delete(name),
        lambda: store.files.size(name),
        lambda: list(store.files.list_files(name)),
        lambda: store.journal(name).forget(),
        lambda: store.arrays.create(name, (4, 4), (4, 4), "uint8", {}),
    ]
    before = tree(outside)
    for action in actions:
        with pytest.raises(Refusal, match="no name of a file in a store"):
            action()
    assert tree(outside) == before
    with pytest.raises(Refusal, match="no name of a file in a store"):
        store.files.read(str(outside / "precious"))


def test_tidying_deletes_nothing_that_a_note_names_outside(store: Store, outside: Path) -> None:
    before, note = tree(outside), store.numbers.load("runs")
    assert note is None
    stage = {"name": "x", "paths": ["../outside"], "blocks": 1, "used": 1.0}
    store.numbers.save("runs", {"stages": {"../outside": stage, "x": stage}, "order": ["x", "../outside"]})
    assert main(["status", store.root]) == 0
    assert main(["cache", "gc", "--keep", "0", store.root]) == 0
    assert tree(outside) == before


def test_numbers_that_no_stage_measures_are_measured_again(plan: Plan, store: Store) -> None:
    right = result(plan, store)
    for hostile in ({"low": "x", "high": 1}, {"low": 0, "high": float("nan")}, {}):
        for stage in plan.stages:
            store.numbers.save(stage.key, hostile)
        run(plan, store)
        assert np.array_equal(result(plan, store), right)


@pytest.mark.parametrize("line", [{"lost": []}, {"lost": {}}, {"block": [1]}, {"block": "0/0/0", "low": "x"}])
def test_lines_of_a_journal_that_no_block_reports_are_no_lines(
    plan: Plan, store: Store, line: dict[str, object]
) -> None:
    right = result(plan, store)
    for stage in plan.stages:
        store.numbers.delete(stage.key)
        with store.journal(stage.key).appending() as record:
            record(line)
    assert main(["status", store.root]) == 0
    run(plan, store)
    assert np.array_equal(result(plan, store), right)


def test_a_store_of_a_grey_stack_is_whole_and_read_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = stack_of(tmp_path / "grey", frames(3, planes=1, shape=(90, 80)))
    store = Store(str(tmp_path / "grey store"))
    run(make_plan(recipe_of("--wavelet --cutwave"), stack), store, tile=40)
    assert main(["verify", store.root]) == 0, capsys.readouterr().out
    reports = run(make_plan(recipe_of("--wavelet=p7 --cutwave"), stack), store, tile=40)
    assert [report.computed for report in reports if report.name == "read frames"] == [0]
