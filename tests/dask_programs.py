"""A dask scheduler and its workers as programs of their own, in the clear or secured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from program import until


class Running:
    """A scheduler and its workers as programs of their own."""

    def __init__(self, folder: Path, workers: int = 2, *keys: str) -> None:
        self.file = folder / "scheduler.json"
        here = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(self.file), *keys]
        secure = ["--protocol", "tls"] if keys else []
        self.programs = [self.begun("scheduler", "--port", "0", *here, *secure)]
        assert until(lambda: self.file.is_file() and self.file.stat().st_size > 0, pause=0.1)
        self.programs += [self.begun("worker", "--nthreads", "1", *here) for _ in range(workers)]

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text())["address"])

    def begun(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]]
        path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                env={**os.environ, "PYTHONPATH": path}, start_new_session=True)  # fmt: skip

    def close(self) -> None:
        for program in self.programs:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()
