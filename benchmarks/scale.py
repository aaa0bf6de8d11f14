"""Seconds per source pixel and peak memory of chain A, from small frames to large ones and from few slices to many.

Every size computes as many pixels as the largest: a smaller stack is fused again and again, each time into a store
of its own, and no store is deleted meanwhile. So all sizes pay for the same bytes of new files: memory that was just
given back takes some machines a fifth of the time that fresh memory takes, and a small stack alone would see no other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path

from benchmarks.chains import A, Fused, fuse
from benchmarks.figures import Figure
from benchmarks.fusion import simulated

LIMITS = {"ns": 15.0, "memory": 10.0}


def figures(kind: str, sizes: Sequence[str], memory: str) -> Iterator[Figure]:
    """The runs for each WIDTHxHEIGHTxSLICES, then how much the largest differs from the first in percent."""
    found, most = [], max(map(pixels, sizes))
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            runs = list(fused(size, round(most / pixels(size)), Path(name), memory))
        time = 1e9 * sum(run.stages for run in runs) / (len(runs) * pixels(size))
        peak = max(run.report["peak_rss_bytes"] for run in runs) / 1e6
        found.append((time, peak))
        detail = {
            "stages": [run.stages for run in runs],
            "processor": [run.usage.processor for run in runs],
            "program": [run.usage.seconds for run in runs],
        }
        yield Figure("scale", f"{size}: stages", time, "ns/px", detail=detail)
        yield Figure("scale", f"{size}: peak memory", peak, "MB")
    (time, room), (times, rooms) = found[0], zip(*found, strict=True)
    yield Figure("scale", f"{kind}: time per pixel", 100 * (max(times) / time - 1), "% more", LIMITS["ns"])
    yield Figure("scale", f"{kind}: memory", 100 * (max(rooms) / room - 1), "% more", LIMITS["memory"])


def pixels(size: str) -> int:
    """Source pixels of WIDTHxHEIGHTxSLICES."""
    return prod(map(int, size.split("x")))


def fused(size: str, times: int, folder: Path, memory: str) -> Iterator[Fused]:
    """Runs of one stack, each in a folder that stays."""
    files = simulated(size, folder)
    for number in range(times):
        place = folder / f"run-{number}"
        place.mkdir()
        yield fuse(A, files, place, "--memory", memory)
