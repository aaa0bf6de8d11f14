"""Plans of made-up jobs: they fill blocks with numbers, and some of them take their time or kill their worker."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
from stacks import imagined

from imfuse_tiles.frozen import frozen
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block, Output
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.stage import Stage


@frozen
class FillJob(Job):
    """Writes each block's place into its pixels; with ``before``, adds what lies there in an earlier array."""

    out: str
    before: str = ""
    seconds: float = 0.0

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        time.sleep(self.seconds)
        made = np.full(block.region.shape, block.region.y0 * 1000 + block.region.x0, np.float32)
        if self.before:
            made += access.read(self.before, [(0, 1)], block.region)[0]
        access.write(self.out, [(0, 1)], block.region, made[None])
        return {}


@frozen
class Tracked(FillJob):
    """Leaves a file named by its process while it is at a block."""

    folder: str = ""

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        mark = Path(self.folder, str(os.getpid()))
        mark.write_text(block.name)
        try:
            return super().compute(access, block)
        finally:
            mark.unlink(missing_ok=True)


@frozen
class Poison(FillJob):
    """Kills its worker at one block, ``times`` times at most, which it counts in a folder."""

    block: str = "0/0/100"
    times: int = 1000
    folder: str = ""

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        if block.name == self.block and len(os.listdir(self.folder)) < self.times:
            Path(self.folder, f"{time.monotonic_ns()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().compute(access, block)


@frozen
class Hog(FillJob):
    """Takes so much memory at one block that its worker is ended for it."""

    block: str = "0/0/100"
    size: int = 2 << 30

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        if block.name == self.block:
            held = []
            for _ in range(self.size >> 24):
                held.append(b"x" * (1 << 24))
                time.sleep(0.02)
            time.sleep(2)
        return super().compute(access, block)


def stage(name: str, job: FillJob, frame: tuple[int, int] = (300, 400), *inputs: str) -> Stage:
    """A stage that writes one plane."""
    return Stage(name, name, job, frame, (Output(job.out, (1,), (1,), "float32"),), inputs=inputs)


def plan_of(job: FillJob, frame: tuple[int, int] = (300, 400)) -> Plan:
    """The job, and after it one that reads what it wrote."""
    last = FillJob("last/x", before=job.out)
    return Plan(Recipe(()), imagined(1, frame), (stage("first", job, frame), stage("last", last, frame, "first")))
