"""What a run takes of its disk, and what taking less costs: everything stored beside what is computed when read.

python -m benchmarks disk [--size 4000x3000x20] [--large 32768x30720x3] [--rounds 3] [--folder DIR]
python -m benchmarks disk --loop [--size 4000x3000x20] [--rate 200] [--rounds 3]    (root, cgroups v1)

Rounds go through the choices in turn. Bytes are those of the files that a run writes, its result aside; the most on the
disk is looked up ten times a second while it runs. The slow disk is imagined (throttled.py), with --loop a loop device
that the kernel holds to the rate (loop_disk.py), for which frames and all that is written lie there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
import tifffile

from benchmarks import loop_disk, throttled
from benchmarks.chains import A, Fused, fuse
from benchmarks.figures import Figure, figures_parser, written
from benchmarks.fusion import simulated
from benchmarks.scale import pixels
from imfuse_tiles.storage.inventory import total_bytes
from imfuse_tiles.storage.store import Store

#: The disk that chain A is allowed, beside its source; and how much longer it may take than storing everything.
SHARE, SLOWER = 1.3, 1.7
#: Percent of a whole run that a changed cut option takes at most.
CHANGED = 38
#: Frames are taken as they lie.
PLAIN = ("--align=no",)
#: A stack so small that its result takes more than its source is allowed this.
LEAST = 4_000_000
#: Bytes a pixel that checksums of chunks take, and chunks at the sides of frames.
ROUNDED = 0.05
RESULT_STAGE = "write result"


class MostBytes:
    """The most bytes that a store takes while a block of code runs."""

    def __init__(self) -> None:
        self.bytes = 0


@contextmanager
def watched(folder: Path) -> Iterator[MostBytes]:
    """Look at the size of a store again and again."""
    most, over = MostBytes(), threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            most.bytes = max(most.bytes, total_bytes(Store(str(folder))))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def bytes_of(run: Fused, *names: str, result: bool = False) -> int:
    """Bytes that stages of a run wrote: of these names, or all but the result."""
    return sum(
        stage["bytes_written"]
        for stage in run.report["stages"]
        if (stage["name"] in names if names else result or stage["name"] != RESULT_STAGE)
    )


def figures(size: str, files: Sequence[Path], folder: Path, rounds: int) -> Iterator[Figure]:
    """Bytes and seconds of chain A and of workflow-blur with what is stored chosen in several ways."""
    allowed = ("--disk", str(max(int(SHARE * 3 * pixels(size)), LEAST)))
    choices = {"all": ("--keep=all",), "auto": ("--keep=auto",), "in place": ("--keep=all", "--ingest=never"),
               "budget": allowed, "source": ("--keep=source", "--lean")}  # fmt: skip
    runs: dict[str, list[Fused]] = {name: [] for name in choices}
    again, peaks = list[float](), dict[str, int]()
    for _ in range(rounds):
        for name, words in choices.items():
            shutil.rmtree(folder / "store", ignore_errors=True)
            with watched(folder / "store") as most:
                runs[name].append(fuse(A, files, folder, *PLAIN, *words))
            peaks[name] = most.bytes
            if name == "auto":
                cut = A.replace("cutless=p15", "cutless=p20")
                changed = fuse(cut, files, folder, *PLAIN, *words, keep=True)
                again.append(100 * changed.usage.seconds / runs["all"][-1].usage.seconds)
    for name, found in runs.items():
        limit = {"auto": 0.95, "budget": SLOWER}.get(name)
        yield beside(f"A, {name}: stages beside all stored", found, runs["all"], limit)
        yield Figure("disk", f"A, {name}: written, result aside", bytes_of(found[0]) / pixels(size), "B/px")
        stored = bytes_of(found[0], "read frames", RESULT_STAGE)
        yield Figure("disk", f"A, {name}: most beside source and result", peaks[name] / stored, "times",
                     1.1 if name == "source" else None)  # fmt: skip
    yield Figure("disk", "A, auto: a changed cut beside a whole run", median(again), "%", CHANGED)
    for words, limit in ((), 3 + ROUNDED), (("--ingest=never",), ROUNDED):
        blur = fuse("--preset workflow-blur", files, folder, *PLAIN, "--keep=source", *words)
        name = f"workflow-blur, source{' in place' if words else ''}: written, result aside"
        yield Figure("disk", name, bytes_of(blur) / pixels(size), "B/px", limit)


def beside(name: str, found: Sequence[Fused], full: Sequence[Fused], limit: float | None) -> Figure:
    """How many times as long runs took as others, the median of pairs."""
    ratio = median(run.stages / other.stages for run, other in zip(found, full, strict=True))
    return Figure("disk", name, ratio, "times", limit, detail={
        "seconds": [run.stages for run in found], "processor": [run.usage.processor for run in found],
    })  # fmt: skip


def slow_disk(size: str, files: Sequence[Path], folder: Path, rounds: int, rate: float) -> Iterator[Figure]:
    """Chain A on a disk of ``rate`` bytes a second with a page cache of as much as the budget."""
    allowed = max(int(SHARE * 3 * pixels(size)), LEAST)
    run = throttled.runner(rate, allowed)
    runs: dict[str, list[Fused]] = {"all": [], "budget": []}
    for _ in range(rounds):
        runs["all"].append(fuse(A, files, folder, *PLAIN, "--keep=all", run=run))
        runs["budget"].append(fuse(A, files, folder, *PLAIN, "--disk", str(allowed), run=run))
    yield beside(f"A, budget, {rate / 1e6:.0f} MB/s: stages beside all stored", runs["budget"], runs["all"], 0.6)


def loop(size: str, folder: Path, rounds: int, rate: float) -> Iterator[Figure]:
    """Chain A on a loop device of ``rate`` bytes a second; beside the budget, what ``auto`` takes with enough disk.

    Program and page cache take a gigabyte and as much as the budget.
    """
    bytes_of_source = 3 * pixels(size)
    allowed = max(int(SHARE * bytes_of_source), LEAST)
    choices = {"all": ("--keep=all",), "budget": ("--disk", str(allowed)), "auto": ("--keep=auto",)}
    with loop_disk.slow_folder(folder, 9 * bytes_of_source + (1 << 28), rate) as slow:
        files = [Path(shutil.copy(file, slow)) for file in simulated(size, folder)]
        run, runs = loop_disk.runner(allowed + (1 << 30)), {name: list[Fused]() for name in choices}
        for _ in range(rounds):
            for name, words in choices.items():
                runs[name].append(fuse(A, files, slow, *PLAIN, *words, "--memory", "2G", run=run))
    for name in ("budget", "auto"):
        limit = 0.6 if name == "budget" else None
        yield beside(f"A, {name}, loop device, {rate / 1e6:.0f} MB/s: beside all", runs[name], runs["all"], limit)


def large(size: str, folder: Path) -> Iterator[Figure]:
    """Few large frames by chain A with two gigabytes of memory: bytes on the disk."""
    width, height, slices = map(int, size.split("x"))
    small = simulated("2000x1500x3", folder / "small")
    files = [folder / f"large_{number}.tif" for number in range(slices)]
    for number, file in enumerate(files):
        mosaic(small[number % 3], (height, width), file)
    with watched(folder / "store") as most:
        run = fuse(A, files, folder, *PLAIN, "--keep=source", "--lean", "--memory", "2G")
    stored = bytes_of(run, "read frames", RESULT_STAGE)
    detail = {"seconds": run.usage.seconds, "memory": run.usage.memory, "most": most.bytes}
    name = f"A, {size}, 2G: "
    yield Figure("disk", f"{name}most beside source and result", most.bytes / stored, "times", 1.1, detail=detail)
    yield Figure("disk", f"{name}written", bytes_of(run, result=True) / stored, "times", detail=detail)
    yield Figure("disk", f"{name}seconds", run.usage.seconds, "s", detail=detail)
    yield Figure("disk", f"{name}memory", run.usage.memory / 1e6, "MB", 2000, detail=detail)


def mosaic(small: Path, frame: tuple[int, int], target: Path) -> None:
    """Write an uncompressed TIFF of a small one repeated in both directions."""
    tile = tifffile.imread(small)
    across = np.tile(tile, (1, -(-frame[1] // tile.shape[1]), 1))[:, : frame[1]]
    pixels_of = tifffile.memmap(target, shape=(*frame, 3), dtype=tile.dtype, photometric="rgb")
    for top in range(0, frame[0], len(tile)):
        pixels_of[top : top + len(tile)] = across[: frame[0] - top]
    pixels_of.flush()


def planned(size: str, folder: Path) -> Iterator[Figure]:
    """The plan of a stack that would not fit any disk here: its files are holes."""
    width, height, slices = map(int, size.split("x"))
    files = [folder / f"hole_{number:03}.tif" for number in range(slices)]
    for file in files:
        tifffile.imwrite(file, shape=(height, width, 3), dtype=np.uint8, photometric="rgb", rowsperstrip=height)
    large = width * height * slices >= 10**11
    for name, words, most in ("copied", ("--ingest=always",), 330e9), ("in place", ("--ingest=never",), 30e9):
        began = time.perf_counter()
        told = subprocess.run(
            [sys.executable, "-m", "imfuse_tiles", "plan", *A.split(), *PLAIN, *words, "--keep=source", "--json",
             "--store", folder / "none", "-o", folder / "r.tif", *files], capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        seconds, plan = time.perf_counter() - began, json.loads(told)
        yield Figure("disk", f"plan of {size}, {name}: disk", plan["disk_bytes"] / 1e9, "GB",
                     most / 1e9 if large else None)  # fmt: skip
        yield Figure("disk", f"plan of {size}, {name}: files", plan["files"], "", 200_000)
        yield Figure("disk", f"plan of {size}, {name}: seconds", seconds, "s", 2.0)
    for file in files:
        file.unlink()


def table(args: argparse.Namespace, folder: Path) -> Iterator[Figure]:
    """All figures that are asked for."""
    if args.loop:
        yield from loop(args.size, folder, args.rounds, args.rate * 1e6)
        return
    yield from planned(args.plan, folder)
    files = simulated(args.size, folder)
    yield from figures(args.size, files, folder, args.rounds)
    yield from slow_disk(args.size, files, folder, args.rounds, args.rate * 1e6)
    if args.large:
        for file in files:
            file.unlink()
        yield from large(args.large, folder)


def main(words: Sequence[str]) -> int:
    """Print the table; exit code 1 when a figure misses its limit."""
    parser = figures_parser("disk", __doc__.splitlines()[0], "4000x3000x20", "a tiny stack")
    parser.add_argument("--large", default="", help="few large frames, such as 32768x30720x3, 40 GB of disk")
    parser.add_argument("--plan", default="32768x30720x100", help="a stack that is only planned")
    parser.add_argument("--loop", action="store_true", help="only the slow disk, as a loop device")
    parser.add_argument("--rate", type=float, default=200, help="MB/s of the slow disk")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args(words)
    if args.quick:
        args.size, args.plan, args.rounds, args.rate = "320x240x3", "3000x2000x3", 1, 20_000
    if args.loop and (reason := loop_disk.missing()):
        parser.error(f"--loop: {reason}")
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        found = written(table(args, Path(name)), args.json)
    return int(any(figure.met is False for figure in found) and not args.quick)
