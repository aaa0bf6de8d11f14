"""How long the program takes to say something, and to fuse next to nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.chains import A, fuse
from benchmarks.figures import Figure
from benchmarks.fusion import simulated, used


def figures(folder: Path, rounds: int, warm: bool = True) -> Iterator[Figure]:
    """``--help`` and a tiny stack, the first round not counted if ``warm``."""
    files = simulated("120x90x3", folder)
    spoken, fused = [], []
    for _ in range(rounds + warm):
        spoken.append(used([sys.executable, "-m", "imfuse_tiles", "fuse", "--help"]))
        fused.append(fuse(A, files, folder, run=used).usage)
    for what, found, limit in (("--help", spoken, 0.3), ("fuse a tiny stack", fused, 2.0)):
        seconds, processor = (median(getattr(each, name) for each in found[warm:]) for name in ("seconds", "processor"))
        yield Figure("startup", what, seconds, "s", limit, detail={"processor": processor})
