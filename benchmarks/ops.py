"""Time of every option on one tile, in ns per pixel, beside other libraries doing the same work.

    python -m benchmarks ops [--examples] [--edge 2048] [--rounds 5] [--json FILE] [--quick] [NAME ...]

One thread each, processor time, contenders in turn round after round, medians. A generator looks at three planes,
a filter at one. None of ours is slower than the best other by more than 1.2 times, or its note says why.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any

import cv2
import numpy as np

import imfuse_tiles.options  # noqa: F401
from benchmarks.notes import UNCOMPARED, note
from benchmarks.others import Pictures, contenders
from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.options.cuts import Cut, CutFilter
from imfuse_tiles.options.final_steps import FinalStep, Picture
from imfuse_tiles.options.grammar import REGISTRY, Option
from imfuse_tiles.options.mask_computation import raw_mask
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import MaskGenerator, WorkingSpace
from imfuse_tiles.options.option_parser import parse_arguments

LIMIT = 1.2


@dataclass(frozen=True)
class Line:
    """One line of the table: ours and the others in ns per pixel."""

    name: str
    arguments: str
    ours: float
    others: dict[str, float]
    note: str

    @property
    def best(self) -> str:
        return min(self.others, key=lambda name: self.others[name], default="")

    @property
    def ratio(self) -> float | None:
        """Our time as a multiple of the best other."""
        return self.ours / self.others[self.best] if self.others else None

    @property
    def slow(self) -> bool:
        return self.ratio is not None and self.ratio > LIMIT

    def __str__(self) -> str:
        shown = f"{self.others[self.best]:9.2f} {self.ratio:6.2f} {self.best:<12}" if self.others else f"{'':30}"
        return f"{self.name:<14} {self.arguments:<20} {self.ours:9.2f} {shown} {self.note}".rstrip()


def pictures(edge: int, seed: int = 0) -> Pictures:
    """Pictures of one size: blurred noise with full contrast, in whole 16-bit steps."""
    rng = np.random.default_rng(seed)

    def one() -> np.ndarray:
        plane = cv2.GaussianBlur(rng.random((edge, edge), np.float32), (0, 0), 1)
        return (np.rint(np.clip((plane - 0.5) * 3 + 0.5, 0, 1) * 65535) / 65535).astype(np.float32)

    frame, other = np.stack([one() for _ in range(3)]), np.stack([one() for _ in range(3)])
    mask = one()
    interleaved = np.ascontiguousarray(frame.transpose(1, 2, 0))
    return Pictures(frame, interleaved, other, mask, (mask > 0.5).astype(np.float32))


def inside(data: np.ndarray, op: Option) -> Window:
    """Samples and their halo as a tile inside a larger frame, where most tiles are; whole if the option needs that."""
    if getattr(op, "whole_frame", False):
        return Window.whole(data)
    height, width = data.shape[-2:]
    frame = (4 * height, 4 * width)
    region = Region(height, 2 * height, width, 2 * width).with_halo(op.halo(frame), frame)  # type: ignore[attr-defined]
    around = [(height - region.y0, region.y1 - 2 * height), (width - region.x0, region.x1 - 2 * width)]
    return Window(np.pad(data, [(0, 0)] * (data.ndim - 2) + around, mode="symmetric"), region, frame)


def own(op: Option, p: Pictures) -> Callable[[], Any] | None:
    """The option's own work on the pictures."""
    if isinstance(op, MaskGenerator):
        frame, other = inside(p.frame, op), inside(p.other, op) if op.I else None
        return lambda: raw_mask(op, frame, WorkingSpace(), other)
    if isinstance(op, MaskFilter):
        mask = inside(p.mask, op)
        return lambda: op.apply(mask)
    if isinstance(op, CutFilter):
        mask, strongest, cut = (inside(each, op) for each in (p.mask, p.other[0], p.cut))
        return lambda: op.apply(Cut(cut, mask, strongest, cut))
    if isinstance(op, FinalStep):
        return final(op, p)
    return None


def final(op: FinalStep, p: Pictures) -> Callable[[], Any]:
    image, mask = inside(np.concatenate([p.frame, p.cut[None]]), op), inside(p.mask, op)
    picture = Picture(image, mask, inside(np.stack([p.mask, p.cut]), op))
    numbers = {"low": 0.0, "high": 1.0, "mean": 0.5}
    return lambda: op.apply(picture, numbers)


def timed(jobs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median seconds of each job, all of them in turn in every round; the first call compiles and is not counted."""
    for job in jobs.values():
        job()
    spent: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            start = thread_time()
            job()
            spent[name].append(thread_time() - start)
    return {name: median(times) for name, times in spent.items()}


def options(names: Sequence[str], examples: bool) -> Iterator[tuple[Option, str]]:
    """Every option that filters pictures, with its defaults or all its examples."""
    for name, kind in sorted(REGISTRY.items()):
        if issubclass(kind, MaskGenerator | MaskFilter | CutFilter | FinalStep) and (not names or name in names):
            for text in kind.examples if examples else kind.examples[:1]:
                yield parse_arguments(name, text), text


def measured(edge: int, rounds: int, names: Sequence[str] = (), examples: bool = False) -> Iterator[Line]:
    """The lines of the table, one after the other."""
    p = pictures(edge)
    for op, text in options(names, examples):
        job = own(op, p)
        if job is None:
            continue
        others = contenders(op)
        jobs = {"": job, **{name: lambda f=f: f(p) for name, f in others.items()}}
        times = {name: seconds / edge**2 * 1e9 for name, seconds in timed(jobs, rounds).items()}
        yield Line(op.name, text, times.pop(""), times, note(op) or ("" if others else UNCOMPARED))


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="options to measure (all)")
    parser.add_argument("--examples", action="store_true", help="with all example arguments, not only the defaults")
    parser.add_argument("--edge", type=int, default=2048, help="edge of the tile in pixels (2048)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (5)")
    parser.add_argument("--json", metavar="FILE", help="write the figures, too")
    parser.add_argument("--quick", action="store_true", help="a tile of 64 pixels, once")
    said = parser.parse_args(words)
    edge, rounds = (64, 1) if said.quick else (said.edge, said.rounds)
    print(f"ns per pixel on {edge} x {edge}\n{'option':<14} {'arguments':<20} {'ours':>9} {'best':>9}  ratio")
    lines = []
    for line in measured(edge, rounds, said.names, said.examples):
        print(line, flush=True)
        lines.append(line)
    slow = [line for line in lines if line.slow]
    print(f"{len(slow)} of {len(lines)} slower than the best other by more than {LIMIT} times: "
          f"{', '.join(f'{line.name} {line.ratio:.1f}' for line in slow) or 'none'}")  # fmt: skip
    if said.json:
        Path(said.json).write_text(json.dumps([asdict(line) | {"ratio": line.ratio} for line in lines], indent=1))
    return 0
