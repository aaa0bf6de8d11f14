"""The program as its users start it: a process of its own that can be watched, starved and killed."""

from __future__ import annotations

import json
import os
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


def finished(process: subprocess.Popen[str], timeout: float = 240) -> Ended:
    """Wait for the end of the program; a whole group that does not end in time is killed, and the test fails."""
    began = time.perf_counter()
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill(process)
        raise
    return Ended(process.returncode, out, err, time.perf_counter() - began)


def run(*words: object, timeout: float = 240, **how: Any) -> Ended:
    """The program from its beginning to its end, and how long that took."""
    began = time.perf_counter()
    ended = finished(begin(*words, **how), timeout)
    return replace(ended, seconds=time.perf_counter() - began)


def pressed(seconds: float) -> float:
    """The time for what promises to take ``seconds``: more where more programs run than there are cores."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def soon(*words: object, seconds: float, **how: Any) -> Ended:
    """The program, which must end within some seconds in one of three trials: the machine may have else to do."""
    trials = [run(*words, **how)]
    while len(trials) < 3 and trials[-1].seconds >= pressed(seconds):
        trials.append(run(*words, **how))
    assert trials[-1].seconds < pressed(seconds), [each.seconds for each in trials]
    return trials[-1]


def kill(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
    """Signal a process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def reported(path: Path) -> dict[str, dict[str, Any]]:
    """The stages of a report by name."""
    return {stage["name"]: stage for stage in json.loads(path.read_text())["stages"]}


def until(told: Callable[[], Any], seconds: float = 120, pause: float = 0.002) -> bool:
    """Wait until something is so; whether it ever was. The time is for machines that have much else to do."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if told():
            return True
        time.sleep(pause)
    return False


def names(files: Sequence[Path]) -> list[str]:
    return [str(file) for file in files]
