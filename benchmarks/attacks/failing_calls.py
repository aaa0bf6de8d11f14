"""Every system call of a run fails once, as on a disk that is full or breaks; then the same command again.

``strace`` makes them fail. Whatever fails, the run ends well or with one plain line, and the next one goes on and
gives the right bytes.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.attacks.crashes import OTHER
from benchmarks.attacks.small_run import OPTIONS, Ended, Place, in_child
from imfuse_tiles.cli.main import main
from imfuse_tiles.errors import Refusal

WRITING = "?open,openat,write,pwrite64,?writev,?mkdir,mkdirat,?rename,?renameat,renameat2,fsync,ftruncate"
ALL = f"%file,{WRITING},?read,pread64,?readv,fstat,lseek,getdents64,flock,close,?fallocate,?fcntl"
#: What fails how.
FAULTS = {"ENOSPC": WRITING, "EIO": ALL}


@dataclass(frozen=True)
class Fault:
    """The n-th call of every thread fails with an error of this name."""

    error: str
    number: int


def check_strace() -> None:
    """Refusal when there is no strace, or it may not watch a child."""
    if shutil.which("strace") is None:
        raise Refusal("strace is missing, which makes system calls fail; install it (apt-get install strace)")
    if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True).returncode:
        raise Refusal("strace may not watch processes here; in a container allow SYS_PTRACE")


def run_with_fault(words: list[str], fault: Fault, log: Path) -> tuple[Ended, str]:
    """The command with one failing call; how it ended, and the call, empty when there were not so many."""
    calls = FAULTS[fault.error]
    log.unlink(missing_ok=True)

    def attach(child: int) -> None:
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={calls}", "-e",
             f"inject={calls}:error={fault.error}:when={fault.number}", "-p", str(child)],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        tracers.append(tracer)
        while "TracerPid:\t0\n" in Path(f"/proc/{child}/status").read_text():
            if tracer.poll() is not None:
                raise Refusal("strace may not watch processes here; in a container allow SYS_PTRACE")
            time.sleep(0.001)

    tracers: list[subprocess.Popen[bytes]] = []
    ended = in_child(lambda: main(words), attach=attach)
    tracers[0].wait(10)
    failed = [line for line in log.read_text(errors="replace").splitlines() if "(INJECTED)" in line]
    return ended, failed[0] if failed else ""


def verdict_of(place: Place, words: list[str], ended: Ended, right: dict[str, bytes]) -> str:
    """ "right", or what is wrong with how a disturbed run ended or with the run after it."""
    if ended.hung:
        return "hangs"
    if ended.code == 0 and place.results() != right:
        return "WRONG BYTES with exit code 0"
    plain = ended.is_plain
    again = in_child(lambda: main(words))
    if again.code:
        return f"LOST, the next run: {again.err}"
    if place.results() != right:
        return "WRONG BYTES of the next run"
    return "right" if plain else f"exit code {ended.code}: {ended.err[-400:]}"


def starts(place: Place) -> Iterator[tuple[str, list[str], dict[str, bytes], Path | None]]:
    """Runs that are disturbed: their command, what is right, and the folder that each begins with."""
    yield "new store", place.words(), place.expected(options=OPTIONS), None
    right, folder = place.expected(options=OTHER), place.folder / "start"
    assert place.run(result="before.tif").code == 0
    shutil.copytree(place.work, folder)
    yield "other options", place.words(options=OTHER), right, folder


def failures(folder: Path, count: int, seed: int, show: Callable[[str], None] = print) -> dict[str, Any]:
    """Each call in turn, or ``count`` of them at random for each error and start; figures with what is broken."""
    check_strace()
    place, random, tally, broken = Place.make(folder), Random(seed), Counter[str](), 0
    for name, words, right, start in starts(place):
        for error in FAULTS:
            numbers: Iterator[int] | None = iter(random.sample(range(1, 1500), count)) if count else None
            number = 0
            while number := next(numbers, 0) if numbers else number + 1:
                place.clear()
                if start:
                    shutil.copytree(start, place.work, dirs_exist_ok=True)
                ended, call = run_with_fault(words, Fault(error, number), folder / "log")
                if not call and not numbers:
                    break
                tally[error if call else "not reached"] += 1
                verdict = verdict_of(place, words, ended, right)
                if verdict != "right":
                    broken += 1
                    show(f"{name}, {error}, {number}: {call[:150]}\n    {verdict}")
    return {"calls that failed": sum(tally.values()) - tally["not reached"], **tally, "broken": broken}
