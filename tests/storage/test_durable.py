"""With --durable the disk has a file and its name before anything tells of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from stacks import frames, written

from imfuse_tiles.cli.main import main
from imfuse_tiles.storage.folder_files import FolderFiles
from imfuse_tiles.storage.open_files import files_of


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is synced and put in place, in its order."""
    made: list[tuple[str, str]] = []
    sync, replace = os.fsync, os.replace

    def noted_sync(descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        made.append(("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file", path))
        sync(descriptor)

    def noted_replace(source: str, target: str) -> None:
        made.append(("name", str(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_replace)
    return made


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="files are told by /proc")


@needs_proc
def test_content_is_synced_before_its_name_and_the_name_after(tmp_path: Path, calls: list[tuple[str, str]]) -> None:
    files = FolderFiles(str(tmp_path / "s"))
    files.durable = True
    files.write("a/b/c", b"x")
    assert [kind for kind, _ in calls][-3:] == ["file", "name", "folder"]
    assert {path for kind, path in calls if kind == "folder"} >= {
        str(tmp_path / "s" / "a"),
        str(tmp_path / "s" / "a" / "b"),
    }
    calls.clear()
    with files.appending("journal/k", 0) as append:
        append(b"line\n")
        assert calls[-1] == ("file", str(tmp_path / "s" / "journal" / "k"))


@needs_proc
def test_without_it_nothing_waits(tmp_path: Path, calls: list[tuple[str, str]]) -> None:
    FolderFiles(str(tmp_path)).write("a/b/c", b"x")
    assert [kind for kind, _ in calls] == ["name"]


@needs_proc
@pytest.mark.parametrize("durable", [True, False])
def test_every_chunk_is_on_disk_before_the_line_of_its_block(
    tmp_path: Path, calls: list[tuple[str, str]], durable: bool
) -> None:
    files_of.cache_clear()
    images = map(str, written(tmp_path / "in", frames(2, shape=(90, 80))))
    words = ["fuse", "--wavelet", "--quiet", "--scheduler", "sync", "--store", str(tmp_path / "s")]
    assert main([*words, *(["--durable"] if durable else []), "-o", str(tmp_path / "r.tif"), *images]) == 0
    chunks = [path for kind, path in calls if kind == "name" and "/c/" in path]
    synced = [path for kind, path in calls if kind == "file" and "/c/" in path]
    assert len(chunks) > 5
    assert len(synced) == (len(chunks) if durable else 0)
    lines = [place for place, (kind, path) in enumerate(calls) if kind == "file" and "/journal/" in path]
    assert bool(lines) == durable
    files_of.cache_clear()
