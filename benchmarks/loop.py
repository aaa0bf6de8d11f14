"""The tuning loop: after a full run of chain A, one option changes and the same command runs again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.chains import A, Fused, fuse
from benchmarks.figures import Figure

CHANGES = {
    "nothing": ("", ""),
    "a --final* option": ("t5", "t7"),
    "a --cut* option": ("--cutwave=p100", "--cutwave=p90"),
    "a weight": ("--wavelet=p5", "--wavelet=p5,w90"),
}
#: Stages that a change may compute again.
ALLOWED = {
    "nothing": set[str](),
    "a --final* option": {"write result"},
    "a --cut* option": {"montage", "write result"},
    "a weight": {"merge masks", "montage", "write result"},
}


def figures(name: str, files: Sequence[Path], folder: Path, rounds: int) -> Iterator[Figure]:
    """Percent of the full run that each change costs, and whether it computed more than it had to."""
    full, found = [], {change: list[Fused]() for change in CHANGES}
    for _ in range(rounds):
        full.append(fuse(A, files, folder).stages)
        for change, (old, new) in CHANGES.items():
            found[change].append(fuse(A.replace(old, new) if old else A, files, folder, keep=True))
    whole = median(full)
    for change, runs in found.items():
        percent = 100 * median(run.stages for run in runs) / whole
        limit = {"nothing": 3.0, "a --final* option": 3.0}.get(change)
        again = {stage["name"] for run in runs for stage in run.report["stages"] if stage["computed"]}
        detail = {"full": whole, "program": median(run.usage.seconds for run in runs), "computed": sorted(again)}
        yield Figure("loop", f"{change} on {name}: stages", percent, "% of A", limit, detail=detail)
        yield Figure("loop", f"{change} on {name}: stages too many", len(again - ALLOWED[change]), "stages", 0)
