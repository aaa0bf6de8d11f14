"""Seconds per source pixel and peak memory of chain A, from small frames to large ones and from few slices to many."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.chains import A, fuse
from benchmarks.figures import Figure
from benchmarks.fusion import simulated

LIMITS = {"ns": 15.0, "memory": 10.0}


def figures(kind: str, sizes: Sequence[str], memory: str) -> Iterator[Figure]:
    """One run for each WIDTHxHEIGHTxSLICES, then how much the largest differs from the first in percent."""
    found = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            made = fuse(A, simulated(size, Path(name)), Path(name), "--memory", memory)
        width, height, slices = map(int, size.split("x"))
        found.append((1e9 * made.stages / (width * height * slices), made.report["peak_rss_bytes"] / 1e6))
        detail = {"processor": made.usage.processor, "program": made.usage.seconds}
        yield Figure("scale", f"{size}: stages", found[-1][0], "ns/px", detail=detail)
        yield Figure("scale", f"{size}: peak memory", found[-1][1], "MB")
    (time, room), (times, rooms) = found[0], zip(*found, strict=True)
    yield Figure("scale", f"{kind}: time per pixel", 100 * (max(times) / time - 1), "% more", LIMITS["ns"])
    yield Figure("scale", f"{kind}: memory", 100 * (max(rooms) / room - 1), "% more", LIMITS["memory"])
