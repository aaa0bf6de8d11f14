"""What a run takes of its disk, and what taking less costs: everything stored beside what is computed when read.

python -m benchmarks disk [--size 4000x3000x20] [--rounds 3] [--folder DIR]

Rounds go through the choices in turn. Bytes are those of the files that a run writes, its result aside; the most on the
disk is looked up ten times a second while it runs.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.chains import A, Fused, fuse
from benchmarks.figures import Figure, written
from benchmarks.fusion import simulated
from benchmarks.scale import pixels
from imfuse_tiles.storage.inventory import total_bytes
from imfuse_tiles.storage.store import Store

#: The disk that chain A is allowed, beside its source; and how much longer it may take than storing everything.
SHARE, SLOWER = 1.3, 1.7
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
    where, source = ("--align=no",), 3 * pixels(size)
    allowed = str(max(int(SHARE * source), LEAST))
    choices = {"all": ("--keep=all",), "auto": ("--keep=auto",), "budget": ("--disk", allowed),
               "source": ("--keep=source", "--lean")}  # fmt: skip
    runs: dict[str, list[Fused]] = {name: [] for name in choices}
    peaks: dict[str, int] = {}
    for _ in range(rounds):
        for name, words in choices.items():
            shutil.rmtree(folder / "store", ignore_errors=True)
            with watched(folder / "store") as most:
                runs[name].append(fuse(A, files, folder, *where, *words))
            peaks[name] = most.bytes
    for name, found in runs.items():
        ratio = median(run.stages / full.stages for run, full in zip(found, runs["all"], strict=True))
        limit = {"auto": 0.95, "budget": SLOWER}.get(name)
        yield Figure("disk", f"A, {name}: stages beside all stored", ratio, "times", limit,
                     detail={"seconds": [run.stages for run in found]})  # fmt: skip
        yield Figure("disk", f"A, {name}: written, result aside", bytes_of(found[0]) / pixels(size), "B/px")
        stored = bytes_of(found[0], "read frames", RESULT_STAGE)
        yield Figure("disk", f"A, {name}: most beside source and result", peaks[name] / stored, "times",
                     1.1 if name == "source" else None)  # fmt: skip
    blur = fuse("--preset workflow-blur", files, folder, *where, "--keep=source")
    yield Figure(
        "disk", "workflow-blur, source: written, result aside", bytes_of(blur) / pixels(size), "B/px", 3 + ROUNDED
    )


def main(words: Sequence[str]) -> int:
    """Print the table; exit code 1 when a figure misses its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks disk", description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="4000x3000x20", help="WIDTHxHEIGHTxSLICES")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the stack and the stores lie, on the disk that is measured")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="a tiny stack: figures mean nothing")
    args = parser.parse_args(words)
    size, rounds = ("320x240x3", 1) if args.quick else (args.size, args.rounds)
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        found = written(figures(size, simulated(size, Path(name)), Path(name), rounds), args.json)
    return int(any(figure.met is False for figure in found) and not args.quick)
