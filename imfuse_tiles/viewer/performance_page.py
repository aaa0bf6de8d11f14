"""The performance report of a run: a web page with a line for every stage and what every worker was at, and when."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.machine_errors import translate_os_errors
from imfuse_tiles.execution.progress import BlockTiming, Progress
from imfuse_tiles.imageio.writing.target import complete_or_absent
from imfuse_tiles.planning.memory import format_size
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer import run_report

#: What every page begins with.
MARK = "<!DOCTYPE html><!-- imfuse-tiles performance -->"
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#edc948", "#76b7b2", "#ff9da7", "#9c755f", "#bab0ac")
#: Pixels: of the time axis, of a worker's line, and of the words in front of it.
WIDE, HIGH, WORDS, AXIS = 1000, 14, 64, 20
STYLE = (
    "body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}td,th{padding:2px 10px;text-align:right}"
    "td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#f2f2f2}text{font:10px sans-serif}"
)


@dataclass
class StageTimings:
    """When a stage and each of its blocks was computed; seconds since 1970."""

    name: str
    colour: str
    blocks: int
    reused: int
    began: float
    ended: float | None = None
    computed: list[BlockTiming] = field(default_factory=list)

    def busy(self) -> float:
        """Seconds that workers were at its blocks, all together."""
        return sum(block.seconds for block in self.computed)


class Timings(Progress):
    """Keeps when and where every block was computed."""

    def __init__(self) -> None:
        self.stages: dict[str, StageTimings] = {}
        self.colours = cycle(COLOURS)

    def stage(self, stage: Stage, blocks: int, reused: int) -> None:
        if stage.key not in self.stages:
            self.stages[stage.key] = StageTimings(stage.name, next(self.colours), blocks, reused, time.time())

    def took(self, stage: Stage, took: BlockTiming) -> None:
        self.stages[stage.key].computed.append(took)

    def finished(self, stage: Stage) -> None:
        self.stages[stage.key].ended = time.time()


def check(path: Path, plan: Plan, store: Store, request: ExportRequest) -> None:
    """Refuse a place where no page can be; AlreadyExists when there is another file."""
    run_report.check(path, plan, store, request, "--performance", MARK)


def write(path: Path, timings: Timings, options: str, scheduler: str) -> None:
    """Write the page of a run, ended or not; Incomplete on a full disk."""
    text = "\n".join(page(list(timings.stages.values()), options, scheduler))
    with (
        translate_os_errors("the performance report", path.absolute().parent, len(text)),
        complete_or_absent(path, force=True) as file,
    ):
        file.write(text.encode() + b"\n")


def page(stages: list[StageTimings], options: str, scheduler: str) -> Iterator[str]:
    """The lines of the page."""
    yield f"{MARK}<html><head><meta charset='utf-8'><title>imfuse-tiles performance</title><style>{STYLE}</style>"
    yield "</head><body>"
    yield f"<h1>Performance of a run</h1><p>{html.escape(options)}</p><p>scheduler {html.escape(scheduler)}</p>"
    workers = sorted({block.worker for stage in stages for block in stage.computed})
    yield from table(stages, len(workers))
    if workers:
        yield from timeline(stages, workers)
    yield "</body></html>"


def table(stages: list[StageTimings], workers: int) -> Iterator[str]:
    """One line for each stage: how long it took, the utilisation of the workers, and what they read and wrote."""
    names = (
        "stage",
        "blocks",
        "reused",
        "seconds",
        "worker seconds",
        "utilisation",
        "per block",
        "longest",
        "read",
        "written",
    )
    yield "<table><tr>" + "".join(f"<th>{name}</th>" for name in names) + "</tr>"
    for stage in stages:
        wall, busy, count = (stage.ended or time.time()) - stage.began, stage.busy(), len(stage.computed)
        longest = max(stage.computed, key=lambda block: block.seconds, default=None)
        cells = (
            f"<span style='color:{stage.colour}'>&#9632;</span> {html.escape(stage.name)}"
            + ("" if stage.ended else " (not finished)"),
            stage.blocks, stage.reused, f"{wall:.2f}", f"{busy:.2f}",
            f"{100 * busy / (wall * workers):.0f} %" if workers and wall > 0 else "",
            f"{1000 * busy / count:.1f} ms" if count else "",
            f"{1000 * longest.seconds:.1f} ms ({longest.block})" if longest else "",
            format_size(sum(block.bytes_read for block in stage.computed)),
            format_size(sum(block.bytes_written for block in stage.computed)),
        )  # fmt: skip
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</table>"


def timeline(stages: list[StageTimings], workers: list[str]) -> Iterator[str]:
    """A picture with a line for each worker, coloured where it computed a block."""
    blocks = [block for stage in stages for block in stage.computed]
    begin, end = min(block.began for block in blocks), max(block.began + block.seconds for block in blocks)
    scale = WIDE / max(end - begin, 1e-6)
    count = "1 worker" if len(workers) == 1 else f"{len(workers)} workers"
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(begin))
    yield f"<h2>{count}, {end - begin:.2f} s from {when}</h2>"
    yield f"<svg width='{WIDE + WORDS + 40}' height='{HIGH * len(workers) + AXIS}'>"
    yield from time_axis(end - begin, scale, HIGH * len(workers))
    for line, worker in enumerate(workers):
        y = line * HIGH
        yield f"<text x='0' y='{y + 10}'>worker {line + 1}<title>{html.escape(worker)}</title></text>"
        for stage in stages:
            own = [block for block in stage.computed if block.worker == worker]
            for x, width, names in spans(own, begin, scale):
                title = html.escape(f"{stage.name}: {names}")
                yield (f"<rect x='{WORDS + x:.1f}' y='{y + 1}' width='{width:.1f}' height='{HIGH - 3}' "
                       f"fill='{stage.colour}'><title>{title}</title></rect>")  # fmt: skip
    yield "</svg>"
    yield "<ol>" + "".join(f"<li>{html.escape(worker)}</li>" for worker in workers) + "</ol>"


def time_axis(seconds: float, scale: float, y: int) -> Iterator[str]:
    """Seconds since the first block, at most ten of them in round steps, below the lines of the workers."""
    power = 10 ** math.floor(math.log10(max(seconds, 1e-3) / 10))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if seconds / (power * factor) <= 10)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    for number in range(int(seconds / step) + 1):
        x = WORDS + number * step * scale
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='0' y2='{y + 4}' stroke='#bbb' stroke-width='0.5'/>"
        yield f"<text x='{x:.1f}' y='{y + 16}' text-anchor='middle'>{number * step:.{digits}f} s</text>"


def spans(blocks: list[BlockTiming], begin: float, scale: float) -> Iterator[tuple[float, float, str]]:
    """Place, width and name of each block; blocks too narrow to be told apart are drawn as one."""
    first = last = 0.0
    names: list[str] = []
    for block in sorted(blocks, key=lambda block: block.began):
        x, until = (block.began - begin) * scale, (block.began + block.seconds - begin) * scale
        if names and (x - last > 1 or last - first > 1):
            yield first, max(last - first, 0.5), span_title(names)
            names = []
        if not names:
            first = x
        names.append(block.block)
        last = until
    if names:
        yield first, max(last - first, 0.5), span_title(names)


def span_title(names: list[str]) -> str:
    """What a rectangle of the timeline shows."""
    return f"block {names[0]}" if len(names) == 1 else f"{len(names)} blocks, {names[0]} to {names[-1]}"
