"""A small stack, what an undisturbed run makes of it, and that run's store for others to damage."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from program import Ended
from stacks import frames, written

from imfuse_tiles.cli.main import main

#: Every kind of work: ingest, masks with their strongest, levelling, filters, cuts, final steps, a picture.
OPTIONS = ("--blur=s1", "--maskmorph=close,r2", "--cutblur=s1", "--finalblur=s1", "--bg=max")
HOW = ("--tile", "100", "--workers", "2", "--memory", "800M", "--quiet")


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing happened to: its images, its words, the bytes of its files, and its store."""

    files: list[Path]
    store: Path
    result: bytes
    depth: bytes

    def words(self, store: Path, result: Path, *more: object) -> list[str]:
        """The words that do the same with another store and result."""
        said = ("fuse", *OPTIONS, *HOW, "--extra", "--store", store, "-o", result, *more)
        return [*map(str, said), *map(str, self.files)]

    def same(self, result: Path) -> bool:
        """Whether another run's files have the same bytes."""
        depth = result.with_name(f"{result.stem}.depth.tif")
        return result.read_bytes() == self.result and depth.read_bytes() == self.depth

    def copy(self, folder: Path) -> Path:
        """The store, to be damaged."""
        return Path(shutil.copytree(self.store, folder))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    files = written(folder / "stack", frames(slices=9, dtype="uint8", shape=(220, 190)))
    store, result = folder / "store", folder / "r.tif"
    assert main(Undisturbed(files, store, b"", b"").words(store, result)) == 0
    return Undisturbed(files, store, result.read_bytes(), (folder / "r.depth.tif").read_bytes())


@pytest.fixture
def called(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """The program called in this process: the same words, the same answers, without the time to start."""

    def call(*words: object) -> Ended:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Ended(code, said.out, said.err, 0.0)

    return call


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder that is removed at once, as stores are large."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)
