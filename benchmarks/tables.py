"""Tables of figures with their targets, one after the other.

    python -m benchmarks tables [TABLE ...] [--size 4000x3000x20] [--rounds 3] [--json FILE] [--quick]

Tables: floor, rates, cores, loop, scale, startup, overhead, cluster. What is compared runs in turn, round after
round, and medians are shown, each with its target. The fusion beside enfuse and the options beside other libraries
have benchmarks of their own: ``fusion`` and ``ops``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from benchmarks import cluster, cores, floor, loop, overhead, rates, scale, startup
from benchmarks.chains import tried
from benchmarks.figures import Figure, written
from benchmarks.fusion import SHARED, simulated

TABLES = ("floor", "rates", "cores", "loop", "scale", "startup", "overhead", "cluster")
#: Those that fuse a stack of the size asked for.
STACKED = {"floor", "rates", "cores", "loop", "cluster"}


def figures(said: argparse.Namespace) -> Iterator[Figure]:
    """All figures of the tables asked for."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stack").mkdir()
        tables = said.tables or TABLES
        files = simulated(said.size, folder / "stack") if STACKED & set(tables) else []
        width, height, slices = map(int, said.size.split("x"))
        for table in tables:
            if table == "floor":
                yield from floor.figures(said.size, files, folder, said.rounds)
            elif table == "rates":
                stack = "medium" if said.size == "4000x3000x20" else said.size
                yield from rates.figures(stack, files, width * height * slices, folder, said.rounds, said.chains)
                yield from _circuit(said, folder)
            elif table == "cores":
                yield from cores.figures(said.size, files, folder, said.rounds)
            elif table == "loop":
                yield from loop.figures(said.size, files, folder, said.rounds)
            elif table == "scale":
                for kind, sizes in (("frames", said.frames), ("slices", said.slices)):
                    yield from scale.figures(kind, sizes, said.memory) if sizes else ()
            elif table == "startup":
                (folder / "tiny").mkdir()
                yield from startup.figures(folder / "tiny", said.rounds, warm=not said.quick)
            elif table == "overhead":
                yield from overhead.figures(said.blocks, folder)
            else:
                yield from cluster.figures(said.size, files, folder, said.rounds, said.tasks, said.counts,
                                           edge=256 if said.quick else cluster.EDGE)  # fmt: skip


def _circuit(said: argparse.Namespace, folder: Path) -> Iterator[Figure]:
    """Chain A on the circuit board, where its photographs are."""
    board = sorted((SHARED / "stacks" / "pcb").glob("pcb*.jpg"))
    if said.quick or not board:
        return
    from imfuse_tiles.imageio.reading import read_header

    header = read_header(board[0])
    yield from rates.figures("circuit", board, header.width * header.height * len(board), folder, said.rounds)


def main(words: Sequence[str] | None = None) -> list[Figure]:
    """Measure, print, write JSON if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks tables", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--size", default="4000x3000x20", metavar="WxHxSLICES")
    parser.add_argument("--frames", nargs="*", default=["4000x3000x8", "8000x6000x8"], metavar="WxHxSLICES")
    parser.add_argument("--slices", nargs="*", default=["2048x2048x8", "2048x2048x64"], metavar="WxHxSLICES")
    parser.add_argument("--chains", nargs="*", default=["A", "B", "F"], choices="ABCDF")
    parser.add_argument("--memory", default="2G")
    parser.add_argument("--blocks", type=int, default=1_000_000)
    parser.add_argument("--tasks", type=int, default=100_000, help="blocks by which the driver of a cluster may grow")
    parser.add_argument("--counts", nargs="*", type=int, default=[1, 4, 16, 64], metavar="WORKERS")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="tiny stacks, once: figures mean nothing")
    said = parser.parse_args(words)
    unknown = [table for table in said.tables if table not in TABLES]
    if unknown:
        parser.error(f"{unknown[0]} is no table; allowed are {', '.join(TABLES)}")
    if said.quick:
        said.size, said.frames, said.slices = "120x90x3", ["120x90x3"], []
        said.chains, said.blocks, said.rounds = ["A"], 100, 1
        said.counts, said.tasks = [2], 100
    with tried() if said.quick else nullcontext():
        return written(figures(said), said.json)
