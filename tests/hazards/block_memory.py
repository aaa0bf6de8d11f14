"""Prints for every stage of a run what its blocks declare to take of memory, and the most that one of them took.

    python block_memory.py EDGE OPTIONS IMAGE...

Each block is computed twice: the first time, kernels are compiled and libraries loaded. Pages of files are not
counted: those of libraries that the machine took away before and brings back meanwhile are not the block's.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imfuse_tiles.cli.arguments import fuse_parser, parse_fuse_args
from imfuse_tiles.execution import run, schedule_blocks
from imfuse_tiles.execution.pools import InlinePool
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import lay_out
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.array_layout import Layout
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store

C = ctypes.CDLL("libc.so.6")
compute = schedule_blocks.compute_block
current: list[str] = []
took: dict[str, int] = {}


def resident(which: str) -> int:
    """Bytes: VmRSS now, RssFile of files alone, VmHWM the most since it was last set back."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(which)).split()[1]) * 1024


def watched(*what):
    compute(*what)
    gc.collect()
    C.malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before, files = resident("VmRSS"), resident("RssFile")
    made = compute(*what)
    loaded = max(0, resident("RssFile") - files)
    took[current[-1]] = max(took.get(current[-1], 0), resident("VmHWM") - before - loaded)
    return made


class Following(run.Progress):
    """Notes which stage is at work."""

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        current.append(stage.key)


@contextmanager
def here() -> Iterator[InlinePool]:
    yield InlinePool()


def main(edge: int, options: str, images: list[str]) -> None:
    schedule_blocks.compute_block = watched
    plan = make_plan(parse_fuse_args(fuse_parser("fuse"), options.split())[1], open_stack(images))
    resources = Resources(64 << 30, 1, edge, "sync")
    with tempfile.TemporaryDirectory() as place:
        store = Store(f"{place}/store")
        store.create()
        run.Run(survey(plan, store, resources), store, Following()).execute(here)
        for stage in plan.stages:
            need = stage.memory(lay_out(stage, resources, Layout.of(store.journal(stage.key).layout())).layout)
            print(f"{stage.name}\t{need}\t{took[stage.key]}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
