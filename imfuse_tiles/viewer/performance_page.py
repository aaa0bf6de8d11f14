"""The performance report of a run: a web page with a line for every stage and what every worker was at, and when."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from imfuse_tiles.execution import export
from imfuse_tiles.execution.machine_errors import told
from imfuse_tiles.execution.progress import Progress, Took
from imfuse_tiles.imageio.writing.target import complete_or_absent
from imfuse_tiles.planning.memory import shown
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer import run_report

#: What every page begins with.
MARK = "<!DOCTYPE html><!-- imfuse-tiles performance -->"
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#edc948", "#76b7b2", "#ff9da7", "#9c755f", "#bab0ac")
#: Pixels: of the time axis, of a worker's line, and of the words in front of it.
WIDE, HIGH, WORDS = 1000, 14, 60
STYLE = (
    "body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}td,th{padding:2px 10px;text-align:right}"
    "td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#f2f2f2}text{font:10px sans-serif}"
)


@dataclass
class Part:
    """A stage as it went."""

    name: str
    colour: str
    blocks: int
    kept: int
    began: float
    ended: float | None = None
    took: list[Took] = field(default_factory=list)

    def busy(self) -> float:
        return sum(took.seconds for took in self.took)


class Timings(Progress):
    """Keeps when and where every block was computed."""

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}
        self.colours = cycle(COLOURS)

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        if stage.key not in self.parts:
            self.parts[stage.key] = Part(stage.name, next(self.colours), blocks, reused, time.time())

    def took(self, stage: Stage, took: Took) -> None:
        self.parts[stage.key].took.append(took)

    def finished(self, stage: Stage) -> None:
        self.parts[stage.key].ended = time.time()


def check(path: Path, plan: Plan, store: Store, wish: export.Wish) -> None:
    """Refuse a place where no page can be; Exists when there is another file."""
    run_report.check(path, plan, store, wish, "--performance", MARK)


def write(path: Path, timings: Timings, options: str, scheduler: str) -> None:
    """Write the page of a run, ended or not; Resumable on a full disk."""
    text = "\n".join(page(list(timings.parts.values()), options, scheduler))
    with (
        told("the performance report", path.absolute().parent, len(text)),
        complete_or_absent(path, force=True) as file,
    ):
        file.write(text.encode() + b"\n")


def page(parts: list[Part], options: str, scheduler: str) -> Iterator[str]:
    """The lines of the page."""
    yield f"{MARK}<html><head><meta charset='utf-8'><title>imfuse-tiles</title><style>{STYLE}</style></head><body>"
    yield f"<h1>imfuse-tiles</h1><p>{html.escape(options)}</p><p>scheduler {html.escape(scheduler)}</p>"
    workers = sorted({took.worker for part in parts for took in part.took})
    yield from table(parts, len(workers))
    if workers:
        yield from timeline(parts, workers)
    yield "</body></html>"


def table(parts: list[Part], workers: int) -> Iterator[str]:
    """One line for each stage: how long it took, how busy the workers were, and what they read and wrote."""
    names = ("stage", "blocks", "kept", "seconds", "busy seconds", "busy", "a block", "longest", "read", "written")
    yield "<table><tr>" + "".join(f"<th>{name}</th>" for name in names) + "</tr>"
    for part in parts:
        wall, busy, count = (part.ended or time.time()) - part.began, part.busy(), len(part.took)
        longest = max(part.took, key=lambda took: took.seconds, default=None)
        cells = (
            f"<span style='color:{part.colour}'>&#9632;</span> {html.escape(part.name)}"
            + ("" if part.ended else " (not finished)"),
            part.blocks, part.kept, f"{wall:.2f}", f"{busy:.2f}",
            f"{100 * busy / (wall * workers):.0f} %" if workers and wall > 0 else "",
            f"{1000 * busy / count:.1f} ms" if count else "",
            f"{1000 * longest.seconds:.1f} ms ({longest.block})" if longest else "",
            shown(sum(took.bytes_read for took in part.took)), shown(sum(took.bytes_written for took in part.took)),
        )  # fmt: skip
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</table>"


def timeline(parts: list[Part], workers: list[str]) -> Iterator[str]:
    """A picture with a line for each worker, coloured where it was at a block."""
    every = [took for part in parts for took in part.took]
    begin, end = min(took.began for took in every), max(took.began + took.seconds for took in every)
    scale = WIDE / max(end - begin, 1e-6)
    yield f"<h2>{len(workers)} workers, {end - begin:.2f} s</h2>"
    yield f"<svg width='{WIDE + WORDS}' height='{HIGH * len(workers)}'>"
    for line, worker in enumerate(workers):
        y = line * HIGH
        yield f"<text x='0' y='{y + 10}'>{line + 1}<title>{html.escape(worker)}</title></text>"
        for part in parts:
            for x, width, blocks in spans([took for took in part.took if took.worker == worker], begin, scale):
                said = html.escape(f"{part.name}: {blocks}")
                yield (f"<rect x='{WORDS + x:.1f}' y='{y + 1}' width='{width:.1f}' height='{HIGH - 3}' "
                       f"fill='{part.colour}'><title>{said}</title></rect>")  # fmt: skip
    yield "</svg>"
    yield "<ol>" + "".join(f"<li>{html.escape(worker)}</li>" for worker in workers) + "</ol>"


def spans(took: list[Took], begin: float, scale: float) -> Iterator[tuple[float, float, str]]:
    """Place, width and name of each block; blocks too narrow to be told apart are drawn as one."""
    first = last = 0.0
    names: list[str] = []
    for each in sorted(took, key=lambda took: took.began):
        x, until = (each.began - begin) * scale, (each.began + each.seconds - begin) * scale
        if names and (x - last > 1 or last - first > 1):
            yield first, max(last - first, 0.5), named(names)
            names = []
        if not names:
            first = x
        names.append(each.block)
        last = until
    if names:
        yield first, max(last - first, 0.5), named(names)


def named(blocks: list[str]) -> str:
    return f"block {blocks[0]}" if len(blocks) == 1 else f"{len(blocks)} blocks, {blocks[0]} to {blocks[-1]}"
