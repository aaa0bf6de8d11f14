"""kill -9 in a chosen phase of a run, then the same command: what was kept, and whether the bytes are the same."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from imfuse_tiles.storage.store import Store

OPTIONS = ("--wavelet", "--darkness=w10", "--maskwave=p100", "--cutless=p15", "--cutwave", "--bg=mean")
PROGRAM = (sys.executable, "-m", "imfuse_tiles")
#: What is killed: everything at once, the program that drives the run, or one of the workers.
VICTIMS = ("group", "driver", "worker")
EXPORT = "export"


@dataclass(frozen=True)
class Calm:
    """A run that nothing disturbs: its images, its files, and of every stage key, blocks and seconds by name."""

    images: tuple[Path, ...]
    pictures: dict[str, bytes]
    stages: dict[str, tuple[str, int, float]]

    @property
    def phases(self) -> list[str]:
        return [*self.stages, EXPORT]

    def moment(self, phase: str, chance: random.Random) -> tuple[int, float]:
        """A moment of a phase: after so many blocks and seconds, which is about when it comes on any machine."""
        if phase == EXPORT:
            return 0, 0.05 * chance.random()
        _, blocks, seconds = self.stages[phase]
        return chance.randrange(blocks), min(0.2, seconds / blocks * chance.random())


@dataclass(frozen=True)
class Killed:
    """One kill: how the program ended, blocks recorded at that moment, blocks computed again although recorded,
    blocks of the whole run, whether the files are the same afterwards, half-written files left."""

    phase: str
    victim: str
    scheduler: str
    code: int
    kept: int
    again: int
    blocks: int
    same: bool
    litter: int


def words(images: Sequence[Path], place: Path, scheduler: str = "threads", *more: str) -> list[str]:
    """The command of a run whose files all lie in one folder."""
    return ["fuse", *OPTIONS, *more, "-X", "--tile", "40", "--workers", "2", "--memory", "2G", "--quiet", "--scheduler",
            scheduler, "--store", str(place / "store"), "-o", str(place / "r.tif"),
            "--report", str(place / "report.json"), *map(str, images)]  # fmt: skip


def fuse(words: Sequence[str]) -> int:
    """The program, until its end: its exit code."""
    ended = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=600)
    print(ended.stderr, end="", flush=True)
    return ended.returncode


def calm(images: Sequence[Path], place: Path, fuse: Callable[[list[str]], int] = fuse) -> Calm:
    """The run without a kill, twice: once to compile, once to measure."""
    for name in ("first", "second"):
        (place / name).mkdir()
        assert fuse(words(images, place / name)) == 0
    stages = json.loads((place / "second" / "report.json").read_text())["stages"]
    found = {stage["name"]: (stage["key"], stage["blocks"], stage["seconds"]) for stage in stages}
    return Calm(tuple(images), pictures(place / "second"), found)


def pictures(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.glob("r*.tif")}


def kill(calm: Calm, place: Path, phase: str, chance: random.Random, again: Callable[[list[str]], int],
         victim: str = "group", scheduler: str = "threads", *more: str) -> Killed:  # fmt: skip
    """Start the run, kill in a phase at a random moment of it, and run ``again``, which returns an exit code."""
    said = words(calm.images, place, scheduler, *more)
    process = subprocess.Popen(
        [*PROGRAM, *said], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    blocks, seconds = calm.moment(phase, chance)
    while process.poll() is None and not begun(calm, place, phase, blocks):
        time.sleep(0.001)
    time.sleep(seconds)
    strike(process, victim, chance)
    code, store = process.wait(480), Store(str(place / "store"))
    kept = {key: len(store.journal(key).completed_blocks()) for key, _, _ in calm.stages.values()}
    assert pictures(place).items() <= calm.pictures.items(), "a file under its name is a complete one"
    assert again(said) == 0, f"after a kill of the {victim} in {phase} with {scheduler}"
    report = {stage["key"]: stage for stage in json.loads((place / "report.json").read_text())["stages"]}
    return Killed(
        phase, victim, scheduler, code, sum(kept.values()),
        sum(max(0, count - report[key]["reused"]) for key, count in kept.items()),
        sum(blocks for _, blocks, _ in calm.stages.values()), pictures(place) == calm.pictures,
        len([path for path in place.rglob("*") if "partial" in path.name]),
    )  # fmt: skip


def begun(calm: Calm, place: Path, phase: str, blocks: int) -> bool:
    """Whether a phase is at work and has finished so many blocks."""
    if phase == EXPORT:
        return bool(list(place.glob(".r*.partial-*")))
    try:
        return (place / "store" / "journal" / calm.stages[phase][0]).read_bytes().count(b"\n") > blocks
    except FileNotFoundError:
        return False


def strike(process: subprocess.Popen[bytes], victim: str, chance: random.Random) -> None:
    """SIGKILL, unless everything is over already."""
    with suppress(ProcessLookupError, psutil.NoSuchProcess):
        if victim == "group":
            os.killpg(process.pid, signal.SIGKILL)
        elif victim == "driver":
            process.kill()
        else:
            workers = [each for each in psutil.Process(process.pid).children(recursive=True) if not each.children()]
            if workers:
                chance.choice(workers).kill()
