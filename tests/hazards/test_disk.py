"""A full disk: refused before the start when it shows then, else a clear stop, and the same command goes on."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from program import reported, run, soon, until
from stacks import frames, written

from imfuse_tiles.execution import pipeline
from imfuse_tiles.execution.machine_errors import message_for

#: Modules without a test file of their own name.
TESTED_MODULES = ("execution.machine_errors",)

#: As much as the run below writes, and a little more.
AMPLE = 40 << 20


def root(*words: object) -> subprocess.CompletedProcess[str]:
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    return subprocess.run([*sudo, *map(str, words)], capture_output=True, text=True)


@contextmanager
def disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of its own of so many bytes. A machine that allows none cannot run these tests: they fail."""
    folder.mkdir()
    made = root("mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs", folder)
    if made.returncode:
        pytest.fail(f"these tests fill small file systems and need the right to mount one: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        root("umount", "-l", folder)
        folder.rmdir()


def resized(folder: Path, size: int) -> bool:
    """Whether the file system took the size, which it does if not more is in use."""
    return root("mount", "-o", f"remount,size={size}", folder).returncode == 0


def filled(folder: Path, more: int) -> None:
    """Leave room for so many bytes only, while a run writes."""
    assert until(lambda: resized(folder, used(folder) + more))


def used(folder: Path) -> int:
    state = os.statvfs(folder)
    return (state.f_blocks - state.f_bfree) * state.f_frsize


@pytest.fixture
def shrunk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], AbstractContextManager[None]]:
    """While this holds, a disk keeps only so many bytes free as soon as a run has looked whether there is enough."""

    @contextmanager
    def shrinks(folder: Path, more: int) -> Iterator[None]:
        looked = pipeline.check_disk

        def then_shrunk(*said: Any) -> int:
            need = looked(*said)
            filled(folder, more)
            return need

        with monkeypatch.context() as patched:
            patched.setattr(pipeline, "check_disk", then_shrunk)
            yield

    return shrinks


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return written(tmp_path_factory.mktemp("stack"), frames(slices=5, dtype="uint8", shape=(300, 260)))


def words(files: list[Path], store: Path, result: Path) -> list[object]:
    options = ["--blur=s1", "--maskblur=s1", "--cutblur=s1", "--tile", "128", "--workers", "2", "--memory", "800M"]
    return ["fuse", *options, "--extra", "--quiet", "--store", store, "-o", result, *files]


@pytest.fixture(scope="module")
def whole(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[int, bytes]:
    """The bytes on disk of a run that has room, and its result."""
    with disk(tmp_path_factory.mktemp("ample") / "disk", AMPLE) as there:
        assert run(*words(files, there / "store", there / "r.tif")).code == 0
        return used(there), (there / "r.tif").read_bytes()


@pytest.mark.parametrize("share", [n / 16 for n in range(1, 16, 2)])
def test_a_disk_that_fills_up_at_any_moment_stops_the_run_and_room_lets_it_go_on(
    share, whole, files, called, shrunk, tmp_path
):
    need, result = whole
    with disk(tmp_path / "disk", AMPLE) as there:
        said = words(files, there / "store", there / "r.tif")
        with shrunk(there, int(need * share)):
            ended = called(*said)
        assert ended.code == 4, ended.err
        assert "disk is full" in ended.line
        assert "to write into" in ended.line
        assert "are free" in ended.line
        assert not list(there.glob("*.tif"))
        assert called("verify", there / "store").code == 0, "what was finished is readable"
        assert resized(there, AMPLE)
        assert called(*said).code == 0
        assert (there / "r.tif").read_bytes() == result


@pytest.fixture(scope="module")
def made(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A complete store, and the files that are written from it."""
    place = tmp_path_factory.mktemp("made")
    assert run(*words(files, place / "store", place / "r.tif")).code == 0
    return place / "store", {path.name: path.read_bytes() for path in place.glob("r*.tif")}


@pytest.mark.parametrize("share", [n / 16 for n in range(1, 16, 2)])
def test_a_disk_that_fills_up_while_results_are_written_keeps_what_is_complete_and_nothing_else(
    share, made, files, called, shrunk, tmp_path
):
    store, results = made
    with disk(tmp_path / "disk", AMPLE) as there:
        said = words(files, Path(shutil.copytree(store, tmp_path / "store")), there / "r.tif")
        with shrunk(there, int(sum(map(len, results.values())) * share)):
            ended = called(*said)
        assert (ended.code, "disk is full: the " in ended.line, str(there) in ended.line) == (4, True, True), ended.err
        left = {path.name: path.read_bytes() for path in there.iterdir()}
        assert left.items() < results.items()
        assert resized(there, AMPLE)
        assert called(*said).code == 0
        assert {path.name: path.read_bytes() for path in there.iterdir()} == results


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_full_places_for_temporary_files_and_compiled_code_are_done_without(scheduler, files, called, tmp_path):
    def said(name: str) -> list[object]:
        how = [
            "--bg=max",
            "--align=no",
            "--workers",
            "1",
            "--memory",
            "1G",
            "--quiet",
            "--store",
            tmp_path / f"{name}.store",
        ]
        return ["fuse", *how, "-o", tmp_path / f"{name}.tif", *files]

    with disk(tmp_path / "disk", 64 << 10) as there:
        (there / "ballast").write_bytes(bytes(shutil.disk_usage(there).free))
        env = {"TMPDIR": str(there), "XDG_CACHE_HOME": str(there), "NUMBA_CACHE_DIR": str(there / "numba")}
        ended = run(*said("cramped"), "--scheduler", scheduler, env=env)
    assert ended.code == 0, ended.err
    assert called(*said("usual")).code == 0
    assert (tmp_path / "cramped.tif").read_bytes() == (tmp_path / "usual.tif").read_bytes()


def test_the_need_is_known_before_the_start_within_a_fifth(whole, files, tmp_path):
    need, _ = whole
    with disk(tmp_path / "disk", need // 2) as there:
        ended = soon(*words(files, there / "store", there / "r.tif"), "--keep=all", seconds=2)
        assert ended.code == 2, ended.err
        assert list(there.iterdir()) == []
    said = float(ended.line.split("the run needs ")[1].split(" MB")[0]) * 1e6
    assert 0.8 * need <= said <= 1.2 * need
    assert f"{need // 2 / 1e6:.3g}"[:3] in ended.line


def test_a_disk_that_holds_less_gives_the_same_bytes(whole, files, tmp_path):
    need, result = whole
    with disk(tmp_path / "disk", int(0.7 * need)) as there:
        assert run(*words(files, there / "store", there / "r.tif")).code == 0
        assert (there / "r.tif").read_bytes() == result


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_disk_that_has_no_room_for_the_results_keeps_the_store(written, whole, files, called, tmp_path, monkeypatch):
    with disk(tmp_path / "disk", AMPLE) as there:
        said = [*words(files, tmp_path / "store", there / "r.tif"), "--workers", "1"]  # one file after the other
        replace = os.replace

        def then_filled(old, new):
            """Fill the disk as soon as so many results have got their names, or the store has."""
            replace(old, new)
            if (Path(new).suffix == ".tif" or not written) and len(list(there.glob("r*.tif"))) == written:
                filled(there, 4096)

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", then_filled)
            ended = called(*said)
        assert (ended.code, "disk is full: the " in ended.line, str(there) in ended.line) == (4, True, True), ended.err
        assert not list(there.glob(".*"))
        assert resized(there, AMPLE)
        assert called(*said).code == 0
        assert (there / "r.tif").read_bytes() == whole[1]


def test_a_report_that_finds_no_room_is_said_and_written_later(files, called, tmp_path):
    with disk(tmp_path / "disk", 64 << 10) as there:
        (there / "ballast").write_bytes(bytes(64 << 10))
        said = [*words(files, tmp_path / "store", tmp_path / "r.tif"), "--report", there / "report.json"]
        ended = called(*said)
        assert (ended.code, "disk is full: the report" in ended.line) == (4, True), ended.err
        assert [path.name for path in there.iterdir()] == ["ballast"]
        (there / "ballast").unlink()
        assert called(*said).code == 0
        assert sum(stage["computed"] for stage in reported(there / "report.json").values()) == 0


def limit_file_size(most: int) -> None:
    """Let this process write no file of more bytes."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def test_a_limit_on_the_size_of_files_acts_like_a_full_disk(files, tmp_path):
    said = words(files, tmp_path / "store", tmp_path / "r.tif")
    ended = run(*said, limits=lambda: limit_file_size(60_000))
    assert (ended.code, "disk is full" in ended.line) == (4, True), ended.err
    assert run(*said).code == 0


def test_aligned_frames_that_fill_a_disk_are_told_with_their_folder(files: list[Path], called, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 150_000) as there:
        said = ["align", "--align=no", "-o", there / "aligned", *files]
        ended = called(*said)
        assert (ended.code, "the run needs" in ended.err, "are free in" in ended.err) == (2, True, True), ended.err
        assert not list((there / "aligned").glob("*.tif"))
        assert resized(there, AMPLE)
        ended = run(*said, limits=lambda: limit_file_size(20_000))
        assert ended.code == 4, "others took the room meanwhile"
        assert f"the disk is full: align writes to {there / 'aligned'}" in ended.err
        assert called(*said).code == 0
        assert len(list((there / "aligned").glob("*.tif"))) == len(files)


def test_a_full_disk_of_unknown_place_is_not_said_to_be_the_folder_one_is_in() -> None:
    full = message_for(OSError(errno.ENOSPC, "No space left on device"), "the run", None, 0)
    assert full == "the disk is full; make room and run the same command again"
