"""A store in a bucket behaves like one in a folder."""

from __future__ import annotations

import pickle
import socket
import uuid
from pathlib import Path

import fsspec
import pytest
from program import names, pressed
from program import run as program
from stacks import frames, written

from imfuse_tiles.errors import Incomplete, Refusal
from imfuse_tiles.storage.files import FilePart, Files
from imfuse_tiles.storage.object_files import ObjectFiles
from imfuse_tiles.storage.open_files import files_of
from imfuse_tiles.storage.store import Store

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "storage.object_files",
    "storage.object_server",
)


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
