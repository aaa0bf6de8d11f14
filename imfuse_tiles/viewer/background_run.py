"""A run of the program that the page starts, stops, and is told the end of."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from imfuse_tiles.errors import Refusal


class BackgroundRun:
    """One run at a time, in a process of its own that lives on when this one ends."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # for as long as the server
        self.result, self.is_stopped = "", False

    def is_going(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, words: Sequence[str], result: str, folder: str) -> None:
        """Start the program with ``words`` in a folder; it makes ``result``. Refusal while one goes on."""
        if self.is_going():
            raise Refusal("a run goes on already")
        self.result, self.is_stopped = result, False
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "imfuse_tiles", *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.errors, text=True, cwd=folder or None,
        )  # fmt: skip

    def stop(self, about: dict[str, Any]) -> dict[str, Any]:
        """Ask it to stop; the same command goes on where it was. Refusal where none goes on."""
        if self.process is None or not self.is_going():
            raise Refusal("no run goes on")
        self.is_stopped = True
        self.process.send_signal(signal.SIGINT)
        return {}

    def progress(self) -> dict[str, Any]:
        """Whether it goes on, and how the last one ended: ``code`` is None before its end, ``error`` its last line."""
        code, error = None if self.process is None else self.process.poll(), ""
        if code:
            self.errors.seek(0)
            error = (self.errors.read().strip().splitlines() or [""])[-1]
        return {"going": self.is_going(), "code": code, "error": error, "stopped": self.is_stopped and bool(code),
                "result": self.result}  # fmt: skip
