"""Chains of options that are measured, and running one as a user would."""

from __future__ import annotations

import io
import json
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fusion import Usage, used
from imfuse_tiles.cli.main import main

A = "--wavelet=p5 --maskwave=p100 --cutless=p15 --cutwave=p100 --cutbg --cutalpha=p-25 --finalblur=s10,S2,t5"
B = (
    "--blur=s0.3,S0.6 --blur=s1,S2 --blur=s2,S3 --saturation=w25,level --maskwave=p5 --maskstat=r6,Mean --masklevel=t5 "
    "--cutless=p20 --cutwave=p75 --cutmorph=r3,R1,Erode"
)
C = "--fft --darkness=w10 --maskfft --cutwave --cutbg --cutalpha=p-25,P150"
CHAINS = {"A": A, "B": B, "C": C, "D": "--bg=enfuse", "F": "--preset default"}


@dataclass(frozen=True)
class Fused:
    """A run of the program: what it took, and its own report."""

    usage: Usage
    report: dict[str, Any]

    @property
    def stages(self) -> float:
        """Seconds of all stages, without loading the program and writing the result."""
        return sum(stage["seconds"] for stage in self.report["stages"])

    def seconds(self, *names: str) -> float:
        """Seconds of the stages of these names."""
        return sum(stage["seconds"] for stage in self.report["stages"] if stage["name"] in names)


#: How the program is run: as a user would, unless the tables are only tried.
Runner = Callable[[Sequence[str | Path]], Usage]
_runner: list[Runner] = [used]


@contextmanager
def tried() -> Iterator[None]:
    """Fuse in this process meanwhile: figures mean nothing, but a program that is loaded already is fast."""
    _runner.append(_here)
    try:
        yield
    finally:
        _runner.pop()


def _here(command: Sequence[str | Path]) -> Usage:
    began, before = time.perf_counter(), time.process_time()
    with redirect_stdout(io.StringIO()):
        code = main([str(word) for word in command[3:]])
    assert code == 0, f"fuse ended with {code}"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Usage(time.perf_counter() - began, time.process_time() - before, memory)


def fuse(
    chain: str, files: Sequence[Path], folder: Path, *more: str, keep: bool = False, run: Runner | None = None
) -> Fused:
    """Run the program in a folder, on a fresh store unless ``keep``."""
    store, report = folder / "store", folder / "report.json"
    if not keep:
        shutil.rmtree(store, ignore_errors=True)
    command = [sys.executable, "-m", "imfuse_tiles", "fuse", *chain.split(), "--quiet", "--force", "--store", store,
               "--report", report, "-o", folder / "result.tif", *more, *files]  # fmt: skip
    usage = (run or _runner[-1])(command)
    return Fused(usage, json.loads(report.read_text()))
