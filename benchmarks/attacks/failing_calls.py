"""Every system call of a run on its files fails once, as on a disk that is full or breaks; then the same command again.

A small library in front of the C library (``failing_calls.c``, compiled here) counts the calls on files of the run's
folder, and makes one of them fail. Whatever fails, the run ends well or with one plain line, and the next one goes on
and gives the right bytes.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.attacks.crashes import OTHER
from benchmarks.attacks.small_run import OPTIONS, Ended, Place, in_child
from imfuse_tiles.cli.main import main
from imfuse_tiles.errors import Refusal

SOURCE, LIBRARY = Path(__file__).with_suffix(".c"), "failing_calls.so"
#: Errors, and whether only calls that write or make something fail so.
FAULTS = {"ENOSPC": True, "EIO": False}


@dataclass(frozen=True)
class Start:
    """A run that is disturbed: its command, what is right, and the folder that it begins with."""

    name: str
    words: list[str]
    right: dict[str, bytes]
    folder: Path | None = None


def check_compiler() -> None:
    """Refusal where the library cannot be compiled or loaded in front of another."""
    if sys.platform != "linux" or shutil.which("cc") is None:
        raise Refusal("failures needs Linux and a C compiler (cc), for a library that makes system calls fail")


@cache
def library() -> ctypes.CDLL:
    """The library in front of this process's C library."""
    found = ctypes.CDLL(os.environ["LD_PRELOAD"])
    found.fault_count.restype, found.fault_call.restype = ctypes.c_long, ctypes.c_char_p
    found.fault_arm.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    return found


def run_with_fault(words: list[str], work: Path, error: str, number: int) -> tuple[Ended, int, str]:
    """The command with one failing call on files below ``work``, from 1, 0: none.

    Returns how it ended, how many calls it made, and the one that failed, empty where there were not so many.
    """
    told = work.parent / "told"

    def run() -> int:
        library().fault_arm(str(work).encode(), getattr(errno, error), FAULTS[error], number)
        try:
            return main(words)
        finally:
            count, call = library().fault_count(), library().fault_call().decode(errors="replace")
            library().fault_arm(b"", 0, 0, 0)
            told.write_text(json.dumps([count, call]))

    told.unlink(missing_ok=True)
    ended = in_child(run)
    count, call = json.loads(told.read_text()) if told.exists() else (0, "")
    return ended, count, call


def verdict_of(place: Place, start: Start, ended: Ended) -> str:
    """ "right", or what is wrong with how a disturbed run ended or with the run after it."""
    if ended.hung:
        return "hangs"
    if ended.code == 0 and place.results() != start.right:
        return "WRONG BYTES with exit code 0"
    again = in_child(lambda: main(start.words))
    if again.code:
        return f"LOST, the next run: {again.err}"
    if place.results() != start.right:
        return "WRONG BYTES of the next run"
    return "right" if ended.is_plain else f"exit code {ended.code}: {ended.err[-400:]}"


def starts(place: Place) -> Iterator[Start]:
    """Runs that are disturbed: of a new store, and of one that holds a run of other options."""
    yield Start("new store", place.words("--tile", "64"), place.expected("--tile", "64", options=OPTIONS))
    right, folder = place.expected("--tile", "64", options=OTHER), place.folder / "start"
    assert place.run("--tile", "64", result="before.tif").code == 0
    shutil.copytree(place.work, folder)
    yield Start("other options", place.words("--tile", "64", options=OTHER), right, folder)


def lay_out(place: Place, start: Start) -> None:
    """The folder that a run begins with."""
    place.clear()
    if start.folder:
        shutil.copytree(start.folder, place.work, dirs_exist_ok=True)


def faults(place: Place, count: int, random: Random) -> Iterator[tuple[Start, str, int]]:
    """What fails: every call, or ``count`` at random of each start and error."""
    for start in starts(place):
        for error in FAULTS:
            lay_out(place, start)
            ended, calls, _ = run_with_fault(start.words, place.work, error, 0)
            assert ended.code == 0, ended.err
            assert place.results() == start.right
            numbers = sorted(random.sample(range(1, calls + 1), min(count, calls))) if count else range(1, calls + 1)
            yield from ((start, error, number) for number in numbers)


def fail_all(folder: Path, count: int, seed: int, part: int = 0, parts: int = 1) -> dict[str, Any]:
    """As ``failures``, in a process that has the library; of so many parts of the trials one."""
    place, tally, broken = Place.make(folder), Counter[str](), 0
    for trial, (start, error, number) in enumerate(faults(place, count, Random(seed))):
        if trial % parts != part:
            continue
        lay_out(place, start)
        ended, _, call = run_with_fault(start.words, place.work, error, number)
        tally[f"{start.name}, {error}" if call else "not reached"] += 1
        verdict = verdict_of(place, start, ended)
        if sum(tally.values()) % 500 == 0:
            print(f"{sum(tally.values())} calls failed, broken: {broken}", flush=True)
        if verdict != "right":
            broken += 1
            print(f"{start.name}, {error}, {number}: {call[:150]}\n    {verdict}", flush=True)
    return {"calls that failed": sum(tally.values()) - tally["not reached"], **tally, "broken": broken}


def failures(folder: Path, count: int, seed: int, show: Callable[[str], None] = print) -> dict[str, Any]:
    """Each call in turn, or ``count`` of them at random for each error and start; figures with what is broken."""
    check_compiler()
    folder.mkdir(parents=True)
    made = folder / LIBRARY
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl"], check=True)
    words = [sys.executable, "-m", __name__, str(folder / "place"), str(count), str(seed)]
    environment = {**os.environ, "LD_PRELOAD": str(made)}
    root = Path(__file__).parents[2]
    with subprocess.Popen(words, env=environment, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = [line.rstrip("\n") for line in process.stdout if line.startswith("{") or show(line.rstrip("\n"))]
    if process.returncode:
        raise RuntimeError(f"the process that disturbs runs ended with exit code {process.returncode}")
    figures: dict[str, Any] = json.loads(lines[-1])
    return figures


if __name__ == "__main__":
    print(json.dumps(fail_all(Path(sys.argv[1]), *map(int, sys.argv[2:]))))
