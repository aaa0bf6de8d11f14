"""A run of the whole program so small that it takes a tenth of a second, in child processes that cost little."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from imfuse_tiles.cli.main import main

#: Seconds after which a child that has not ended hangs.
PATIENCE = 60
#: How a small run computes: in one thread, in blocks of 32 pixels.
RESOURCES = ("--quiet", "--scheduler", "sync", "--memory", "600M", "--tile", "32")
OPTIONS = ("--align=no", "--wavelet=p5", "--maskwave=p100", "--cutwave=p50", "-X")


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code, negative for a signal, and its two streams."""

    code: int
    out: str
    err: str

    @property
    def hung(self) -> bool:
        return self.code == -signal.SIGALRM

    @property
    def lines(self) -> list[str]:
        """What the program said to its user, without its hint how to go on."""
        return [line for line in self.err.splitlines() if line.startswith("imfuse-tiles: ")]

    @property
    def is_plain(self) -> bool:
        """Whether it ended well, or with one plain line that is no bug."""
        if self.code == 0:
            return "Traceback" not in self.err
        return self.code in (2, 3, 4, 5) and len(self.lines) == 1 and "a bug" not in self.err + self.out


def in_child(action: Callable[[], int], seconds: int = PATIENCE, attach: Callable[[int], None] | None = None) -> Ended:
    """Do something in a copy of this process, so that nothing of it stays behind in memory.

    ``attach``: called with the child's number before it begins.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        ready, go = os.pipe()
        child = os.fork()
        if child == 0:
            code = 70
            try:
                os.close(go)
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
                signal.alarm(seconds)
                os.read(ready, 1)
                code = action()
            except BaseException as error:
                os.write(2, f"Traceback: {error!r}\n".encode())
            finally:
                for stream in (sys.stdout, sys.stderr):
                    with suppress(Exception):
                        stream.flush()
                os._exit(code)
        os.close(ready)
        try:
            if attach:
                attach(child)
        finally:
            os.close(go)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return Ended(code, *(_text(stream) for stream in (out, err)))


def _text(stream) -> str:  # type: ignore[no-untyped-def]
    stream.seek(0)
    return str(stream.read().decode(errors="replace"))


def scratch_folder() -> Path:
    """Where the places of trials go: memory where the machine has files in it."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and os.access(memory, os.W_OK) else Path(tempfile.gettempdir())


@dataclass(frozen=True)
class Place:
    """A folder with images that stay, and a store and results that come and go."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, slices: int = 2, height: int = 40, width: int = 36) -> Place:
        """A folder with images of noise and flat areas, and the kernels compiled."""
        place, random = cls(folder), np.random.default_rng(7)
        place.images_folder.mkdir(parents=True)
        for z in range(slices):
            samples = random.integers(9000, 50000, (height, width), dtype=np.uint16)
            samples[: height // 4] = 20000 + z
            tifffile.imwrite(place.images_folder / f"s{z}.tif", samples)
        return place

    @property
    def images_folder(self) -> Path:
        return self.folder / "in"

    @property
    def work(self) -> Path:
        """The folder that a run may write to."""
        return self.folder / "work"

    @property
    def store(self) -> Path:
        return self.work / "store"

    def words(self, *more: str, options: Sequence[str] = OPTIONS, result: str = "r.tif") -> list[str]:
        """The command of a small run."""
        images = sorted(map(str, self.images_folder.glob("*.tif")))
        return ["fuse", *options, *RESOURCES, *more, "--store", str(self.store), "-o", str(self.work / result), *images]

    def run(
        self, *more: str, options: Sequence[str] = OPTIONS, result: str = "r.tif", seconds: int = PATIENCE
    ) -> Ended:
        """Run it in a child."""
        words = self.words(*more, options=options, result=result)
        return in_child(lambda: main(words), seconds)

    def clear(self) -> None:
        """An empty folder to write to."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()

    def results(self, result: str = "r.tif") -> dict[str, bytes]:
        """The files of a result by their names."""
        return {path.name: path.read_bytes() for path in self.work.glob(f"{result.removesuffix('.tif')}*.tif")}

    def expected(self, *more: str, options: Sequence[str] = OPTIONS, result: str = "r.tif") -> dict[str, bytes]:
        """The right files, of a new store; in this process first, so that children find all loaded and compiled."""
        for _ in range(2):
            self.clear()
            with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
                code = main(self.words(*more, options=options, result=result))
            if code:
                raise RuntimeError("the run that shows what is right failed")
        found = self.results(result)
        self.clear()
        return found
