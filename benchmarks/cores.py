"""Chain A with one worker and with two, in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.chains import A, fuse
from benchmarks.figures import Figure

LIMIT = 1.8


def figures(name: str, files: Sequence[Path], folder: Path, rounds: int) -> Iterator[Figure]:
    """How many times as fast two workers are, by the stages' seconds."""
    taken: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, found in taken.items():
            found.append(fuse(A, files, folder, "--workers", str(workers)).stages)
    one, two = (median(found) for found in taken.values())
    yield Figure("cores", f"A on {name}: two workers", one / two, "times", LIMIT, True, {"one": one, "two": two})
