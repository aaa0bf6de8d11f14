"""A store survives kills and altered files, and has one writer at a time."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.inventory import total_bytes
from imfuse_tiles.storage.store import Store
from imfuse_tiles.storage.sweep import sweep_store

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "storage.arrays",
    "storage.files",
    "storage.folder_files",
    "storage.numbers",
    "storage.open_files",
    "storage.partial_files",
    "storage.processes",
    "storage.sweep",
)


def test_a_new_folder_becomes_a_store_and_stays_one(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "a" / "b"))
    store.create()
    store.create()
    store.check()
    assert json.loads((store.folder / "zarr.json").read_text())["node_type"] == "group"


def test_a_folder_is_the_same_by_its_name_and_by_its_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b").mkdir()
    places = ("a b", "a b/", tmp_path / "a b", (tmp_path / "a b").as_uri(), f"file://{tmp_path}/a b/")
    assert {Store.at(place) for place in places} == {Store(str(tmp_path / "a b"))}
    assert Store.at("memory://there/") == Store("memory://there")


def test_an_empty_folder_may_become_a_store(tmp_path: Path) -> None:
    Store(str(tmp_path)).create()
    Store(str(tmp_path)).check()


@pytest.mark.parametrize("content", ["5", "[]", '{"node_type": "group"}', '{"attributes": 7}', "\xff\xfe"])
def test_a_folder_with_another_zarr_json_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "zarr.json").write_text(content, encoding="latin-1")
    with pytest.raises(Refusal, match="not a store of imfuse-tiles"):
        Store(str(tmp_path)).create()


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(Refusal, match="name an empty or a new folder"):
        Store(str(tmp_path)).create()
    assert os.listdir(tmp_path) == ["letter.txt"]


def test_a_store_of_another_format_is_refused(store: Store) -> None:
    said = (store.folder / "zarr.json").read_text().replace('"format": 1', '"format": 99')
    (store.folder / "zarr.json").write_text(said)
    with pytest.raises(Refusal, match="format 99"):
        store.check()


def test_a_place_where_no_folder_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "store", Path("/proc/store")):
        with pytest.raises(Refusal, match="store"):
            Store(str(place)).create()


def test_an_array_added_again_is_empty(store: Store) -> None:
    store.arrays.create("m", (1, 20, 20), (1, 16, 16), "float32", {})
    array = store.arrays.open("m")
    (array.chunk_file((0, 0, 0)).parent).mkdir(parents=True)
    array.chunk_file((0, 0, 0)).write_bytes(b"x")
    store.arrays.create("m", (1, 20, 20), (1, 8, 8), "float32", {})
    assert store.arrays.open("m").chunks == (1, 8, 8)
    assert store.arrays.open("m").chunk_size((0, 0, 0)) == 0


@pytest.mark.parametrize(
    "content", [None, "", "{}", '{"shape": [1], "data_type": "object", "chunk_grid": {}}', "[1, 2]", "\xff"]
)
def test_an_array_whose_description_is_lost_is_damage_as_a_whole(store: Store, content: str | None) -> None:
    store.arrays.create("m", (1, 20, 20), (1, 16, 16), "float32", {})
    place = store.folder / "m" / "zarr.json"
    place.unlink() if content is None else place.write_text(content, encoding="latin-1")
    with pytest.raises(Damaged) as caught:
        store.arrays.open("m")
    assert (caught.value.path, caught.value.chunk_index) == ("m", ())


def test_an_array_of_objects_is_never_made(store: Store) -> None:
    store.arrays.create("m", (4, 4), (4, 4), "float32", {})
    place = store.folder / "m" / "zarr.json"
    place.write_text(place.read_text().replace("float32", "object"))
    with pytest.raises(Damaged, match="unreadable"):
        store.arrays.open("m")


@pytest.mark.parametrize(
    "change",
    [
        {"codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]},
        {"codecs": [{"name": "numcodecs.pickle"}]},
        {"chunk_key_encoding": {"name": "v2"}},
        {"fill_value": 1},
        {"storage_transformers": [{"name": "x"}]},
        {"more": 1},
    ],
)
def test_a_description_that_this_program_does_not_write_is_not_followed(
    store: Store, change: dict[str, object]
) -> None:
    store.arrays.create("m", (4, 4), (4, 4), "float32", {"imfuse_tiles": {}})
    place = store.folder / "m" / "zarr.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), **change}))
    with pytest.raises(Damaged, match="not as it was written"):
        store.arrays.open("m")


def test_numbers_come_back_exactly(store: Store) -> None:
    numbers = {"low": 0.1 + 0.2, "high": 1e-30, "curve": None, "counts": [1, 2, 3]}
    store.numbers.save("k", numbers)
    assert store.numbers.load("k") == numbers


def test_altered_numbers_are_as_good_as_none(store: Store) -> None:
    store.numbers.save("k", {"low": 0.25, "blocks": 3})
    path = store.folder / "numbers" / "k.json"
    for altered in (
        path.read_text().replace("0.25", "0.75"),
        path.read_text()[:-9],
        "",
        "7",
        '{"numbers": {"low": 0}}',
    ):
        path.write_text(altered)
        assert store.numbers.load("k") is None


# The lock


def test_what_dead_writers_left_half_written_is_swept_away_and_no_more(store: Store) -> None:
    store.arrays.create("m", (4, 4), (4, 4), "float32", {})
    store.arrays.create("group/m", (4, 4), (4, 4), "float32", {})
    dead, ended = (subprocess.Popen([sys.executable, "-c", ""]) for _ in range(2))
    dead.wait()
    while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:  # nobody asks how it ended
        time.sleep(0.01)
    host = socket.gethostname()
    for name in (f"m/c/0/0.{host}-{dead.pid}-1", f"zarr.json.{host}-{dead.pid}-1", "numbers/k.json.strange",
                 f"m/c/0/2.{host}-{ended.pid}-1", f"group/zarr.json.{host}-{dead.pid}-1"):  # fmt: skip
        (store.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (store.folder / f"{name}.partial").write_bytes(b"half")
    living = [f"m/c/0/1.{host}-{os.getppid()}-1.partial", "m/c/0/1.elsewhere-7-1.partial"]
    for name in living:
        (store.folder / name).write_bytes(b"half")
    before = (store.folder / "m" / "zarr.json").read_bytes()
    sweep_store(store, ["m", "group/m"])
    ended.wait()
    assert {str(path.relative_to(store.folder)) for path in store.folder.rglob("*.partial")} == set(living)
    assert (store.folder / "m" / "zarr.json").read_bytes() == before


def test_the_size_is_that_of_all_files(store: Store) -> None:
    before = total_bytes(store)
    (store.folder / "journal").mkdir()
    (store.folder / "journal" / "k").write_bytes(b"x" * 1234)
    assert total_bytes(store) == before + 1234
