"""The program as its users start it: a process of its own that can be watched, starved and killed."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "imfuse_tiles"]
#: Seconds after which a program that should have ended long ago is given up: for machines with much else to do.
LONG = 480
#: Seconds by the clock that a program which computes for less than two may take on such a machine.
PATIENCE = 30


@dataclass(frozen=True)
class Ended:
    """How a process ended; ``lines`` are those of standard error that are the program's own words to its user."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def lines(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("imfuse-tiles: ")]

    @property
    def line(self) -> str:
        """The only such line."""
        assert len(self.lines) == 1, self.err
        return self.lines[0]


def begin(*words: object, cwd: Path | None = None, limits: Callable[[], None] | None = None,
          env: dict[str, str] | None = None) -> subprocess.Popen[str]:  # fmt: skip
    """The program, started in a process group of its own."""
    return subprocess.Popen(
        [*COMMAND, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd,
        start_new_session=True, preexec_fn=limits, env={**os.environ, **(env or {})},
    )  # fmt: skip


def finished(process: subprocess.Popen[str], timeout: float = LONG) -> Ended:
    """Wait for the end of the program; a whole group that does not end in time is killed, and the test fails."""
    began = time.perf_counter()
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill(process)
        raise
    return Ended(process.returncode, out, err, time.perf_counter() - began)


def run(*words: object, timeout: float = LONG, **how: Any) -> Ended:
    """The program from its beginning to its end, and how long that took."""
    began = time.perf_counter()
    ended = finished(begin(*words, **how), timeout)
    return replace(ended, seconds=time.perf_counter() - began)


def pressed(seconds: float) -> float:
    """The time for what promises to take ``seconds``: several times as long, more where many programs run.

    A machine that has much else to do says so late, and others turn up meanwhile.
    """
    return seconds * (4.0 + os.getloadavg()[0] / (os.cpu_count() or 1))


def soon(*words: object, seconds: float, **how: Any) -> Ended:
    """The program, which must not compute for longer than some seconds, nor wait for long.

    It is the processor's time that is counted: how long it takes by the clock, others have a say in.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = run(*words, **how)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used < seconds, f"{used:.2f} s"
    assert ended.seconds < pressed(seconds) + PATIENCE
    return ended


def kill(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
    """Signal a process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def reported(path: Path) -> dict[str, dict[str, Any]]:
    """The stages of a report by name."""
    return {stage["name"]: stage for stage in json.loads(path.read_text())["stages"]}


def until(told: Callable[[], Any], seconds: float = LONG, pause: float = 0.002) -> bool:
    """Wait until something is so; whether it ever was. The time is for machines that have much else to do."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if told():
            return True
        time.sleep(pause)
    return False


def names(files: Sequence[Path]) -> list[str]:
    return [str(file) for file in files]


#: Runs the command line in this process: exit code, output, errors.
Shell = Callable[..., tuple[int, str, str]]


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by their names in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
