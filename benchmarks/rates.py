"""Megapixels of source per second, beside what the original made of chain A on the circuit board: 0.29.

The whole program counts, from its start to the written result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.chains import CHAINS, fuse
from benchmarks.figures import Figure

ORIGINAL = 0.29
#: How many times as fast as the original, by the name of the stack.
TARGETS = {"circuit": 40.0, "medium": 100.0}


def figures(name: str, files: Sequence[Path], pixels: int, folder: Path, rounds: int,
            chains: Sequence[str] = ("A",)) -> Iterator[Figure]:  # fmt: skip
    """Chains on one stack in turn; ``pixels`` of all slices."""
    taken: dict[str, list[tuple[float, float]]] = {chain: [] for chain in chains}
    for _ in range(rounds):
        for chain in chains:
            usage = fuse(CHAINS[chain], files, folder).usage
            taken[chain].append((usage.seconds, usage.processor))
    for chain, found in taken.items():
        seconds, processor = (median(each) for each in zip(*found, strict=True))
        rate = pixels / 1e6 / seconds
        detail = {"seconds": seconds, "processor": processor, "best": min(found)[0]}
        yield Figure("rates", f"{chain} on {name}: megapixels", rate, "Mpx/s", detail=detail)
        if chain == "A":
            yield Figure("rates", f"A on {name}: seconds", seconds, "s", detail=detail)
            yield Figure("rates", f"A on {name}: times the original", rate / ORIGINAL, "times",
                         TARGETS.get(name), True, detail)  # fmt: skip
