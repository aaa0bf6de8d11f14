"""Dask clusters: a local one beside threads, what a block costs on the scheduler, and how far workers can be added.

The last is simulated: kernels are replaced by sleeps of the length that they take on this machine, so that 64
workers fit on it. Scheduler, journal and all messages are the real ones.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.chains import A, fuse
from benchmarks.figures import Figure
from imfuse_tiles.execution.pools import Pool, open_pool
from imfuse_tiles.execution.run import Run
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading import Header
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Cluster, Resources
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store

#: What is to be kept to: percent, milliseconds, megabytes, percent.
SLOWER, BLOCK, GROWN, EFFICIENT = 15.0, 10.0, 300.0, 90.0
#: Edge of the frame of a gigapixel stack, its slices, and the memory of each worker.
EDGE, SLICES, MEMORY = 32768, 20, 4 << 30
PROCESSES = 4
#: Bytes a second of a shared disk.
DISK = 2e9
TILE = 64


@frozen
class Asleep(Job):
    """Sleeps for so many seconds a pixel and slice; is cut into blocks like another job."""

    seconds: float = 0.0
    like: Job | None = None

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        height, width = block.region.shape
        time.sleep(self.seconds * height * width * (block.z1 - block.z0))
        return {"low": 0.0, "high": 1.0}

    def memory(self, height: int, width: int) -> int:
        return self.like.memory(height, width) if self.like else 0

    def for_block(self, block: Block) -> Asleep:
        return replace(self, like=None)


def figures(name: str, files: Sequence[Path], folder: Path, rounds: int, blocks: int, counts: Sequence[int],
            edge: int = EDGE) -> Iterator[Figure]:  # fmt: skip
    """All figures. ``blocks``: of the stage in which the driver may grow; ``counts``: numbers of workers."""
    taken: dict[str, list[float]] = {"threads:2": [], "local:2": []}
    for _ in range(rounds):
        for scheduler, found in taken.items():
            usage = fuse(A, files, folder, "--scheduler", scheduler).usage
            found.append(usage.seconds)
    threads, local = (median(found) for found in taken.values())
    detail: dict[str, Any] = {"threads": threads, "local": local, "rounds": taken}
    yield Figure("cluster", f"A on {name}: local:2 over threads:2", 100 * (local / threads - 1), "% more", SLOWER,
                 detail=detail)  # fmt: skip
    yield from on_the_scheduler(blocks)
    lengths, moved = measured(files, folder)
    least = measured(files, folder, "--align=no", "--keep=source")[1]
    in_place = measured(files, folder, "--align=no", "--keep=source", "--ingest=never")[1]
    for stored, rate in {"all": moved, "frames and result": least, "the result": in_place}.items():
        yield Figure("cluster", f"a worker moves, stored {stored}", rate / 1e6, "MB/s")
        yield Figure("cluster", f"workers that a disk of 2 GB/s feeds, stored {stored}", DISK / rate, "")
    for count in counts:
        found = scaled(count, edge, lengths, folder)
        detail = {"seconds": found.wall, "blocks": found.blocks, "asleep": found.asleep}
        limit = EFFICIENT if count == max(counts) else None
        yield Figure("cluster", f"{count} workers, {count / max(counts):.3g} of a gigapixel: busy",
                     100 * found.asleep / (count * found.wall), "%", limit, True, detail)  # fmt: skip


def on_the_scheduler(blocks: int) -> Iterator[Figure]:
    """Milliseconds of a block that does nothing, and megabytes that the driver grows by."""
    command = [sys.executable, "-m", "benchmarks.cluster", str(max(2, round(blocks**0.5)))]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]).stdout
    found = json.loads(said)
    detail = {"processor": found["processor"]}
    yield Figure("cluster", f"a block, of {found['blocks']} by local:2", found["block"], "ms", BLOCK, detail=detail)
    yield Figure("cluster", f"growth of the driver by {found['blocks']} blocks", found["grown"], "MB", GROWN)


def idle(edge: int) -> dict[str, float]:
    """A stage of ``edge`` x ``edge`` blocks that do nothing, by a local cluster whose scheduler is in this process."""
    import tempfile

    import psutil

    with tempfile.TemporaryDirectory() as folder:
        store, resources = Store(folder + "/store"), Resources(2 << 30, 2, TILE, "local:2")
        store.create()
        stage = Stage("idle", "idle", Asleep(), (edge * TILE, edge * TILE), ())
        with open_pool(resources, store.root) as pool:
            before, began, busy = psutil.Process().memory_info().rss, time.perf_counter(), time.process_time()
            work = survey(Plan(Recipe(()), imagined(8, 8), (stage,)), store, resources)
            Run(work, store).execute(lambda: OpenPool(pool))
            return {
                "blocks": edge * edge, "block": 1000 * (time.perf_counter() - began) / edge**2,
                "processor": 1000 * (time.process_time() - busy) / edge**2,
                "grown": (psutil.Process().memory_info().rss - before) / 1e6,
            }  # fmt: skip


class OpenPool(AbstractContextManager[Pool]):
    """A pool that stays open."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def __enter__(self) -> Pool:
        return self.pool

    def __exit__(self, *_: object) -> None:
        pass


def imagined(height: int, width: int) -> Stack:
    """Frames that no file holds."""
    header = Header(Path("none.tif"), "tiff", height, width, 3, False, "uint8", 1, 1 << 20, 1, 1)
    return Stack((header,) * SLICES, "0" * 64)


def measured(files: Sequence[Path], folder: Path, *words: str) -> tuple[Mapping[str, float], float]:
    """Seconds of a worker for each pixel and slice, by the stages of chain A; bytes a second that it moves.

    ``words``: options that say what is stored.
    """
    found = fuse(A, files, folder, "--scheduler", "threads:2", *(words or ("--keep=all",))).report["stages"]
    stack = opened_stack(files)
    slices = {stage.name: stage.slices for stage in make_plan(Recipe.from_options(A.split()), stack).stages}
    height, width = stack.frame
    lengths = {
        stage["name"]: stage["busy"] / (height * width * slices[stage["name"]])
        for stage in found if stage["name"] in slices
    }  # fmt: skip
    moved = sum(stage["bytes_read"] + stage["bytes_written"] for stage in found)
    return lengths, moved / sum(stage["busy"] for stage in found)


def opened_stack(files: Sequence[Path]) -> Stack:
    from imfuse_tiles.imageio.open_stack import open_stack

    return open_stack(files)


@dataclass(frozen=True)
class Scaled:
    """A simulated run: its seconds, its blocks, and the seconds that workers slept, all together."""

    wall: float
    blocks: int
    asleep: float


def scaled(count: int, edge: int, lengths: Mapping[str, float], folder: Path) -> Scaled:
    """Chain A by so many workers, on their share of a frame of ``edge`` x ``edge`` pixels for 64."""
    stack = imagined(max(TILE, edge * count // 64), edge)
    scheduler = Cluster(settings={"count": count})
    resources = Resources(MEMORY, count, None, f"{workers.__module__}:{workers.__name__}", scheduler)
    stages = [
        replace(stage, outputs=(), job=Asleep(lengths[stage.name], stage.job))
        for stage in make_plan(Recipe.from_options(A.split()), stack).stages
    ]
    store = Store(str(folder / f"scaled{count}"))
    store.create()
    with open_pool(resources, store.root) as pool:
        for future in [pool.submit(ready) for _ in range(2 * PROCESSES)]:
            future.result()
        began = time.perf_counter()
        plan = Plan(Recipe(()), stack, tuple(stages))
        reports = Run(survey(plan, store, resources), store).execute(lambda: OpenPool(pool))
        wall = time.perf_counter() - began
    slept = sum(lengths[stage.name] * stage.frame[0] * stage.frame[1] * stage.slices for stage in stages)
    return Scaled(wall, sum(report.blocks for report in reports), slept)


def ready() -> None:
    """In a worker: load what blocks need, as one does that is at work for longer than these sleeps."""
    from imfuse_tiles import kernels

    kernels.compiler.ready()


def workers(count: int) -> Any:
    """A cluster of ``count`` workers for blocks that sleep: threads of a few processes."""
    from distributed import LocalCluster

    processes = min(count, PROCESSES)
    return LocalCluster(n_workers=processes, threads_per_worker=count // processes, host="127.0.0.1",
                        dashboard_address="127.0.0.1:0", silence_logs=50)  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(idle(int(sys.argv[1]))))
