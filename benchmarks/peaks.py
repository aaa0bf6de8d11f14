"""The memory that a plan says a run will take, and the most that it took."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from benchmarks.kills import PROGRAM
from imfuse_tiles.simulation import render

#: Slices that differ; a stack of more has some of them under several names.
DIFFERENT = 16
#: Bytes that libraries reserve beyond what they use: an address space is limited to the projection and this.
RESERVED = 1 << 30


@dataclass(frozen=True)
class Peak:
    """Bytes that the plan says and bytes that the run took, at an area and a number of slices."""

    area: int
    slices: int
    projected: int
    measured: int

    @property
    def ratio(self) -> float:
        return self.projected / self.measured

    def __str__(self) -> str:
        return (f"area {self.area:3}x slices {self.slices:4} projected {self.projected / 1e6:6.0f} MB "
                f"measured {self.measured / 1e6:6.0f} MB ratio {self.ratio:.2f}")  # fmt: skip


def slices_of(folder: Path, edge: int, times: int) -> list[Path]:
    """A simulated stack of squares of ``edge`` pixels, laid beside each other ``times`` times in both directions."""
    if not (folder / "1").exists():
        render(folder / "1", edge, edge, DIFFERENT, seed=1, bits=8, workers=1)
    place = folder / str(times)
    place.mkdir(exist_ok=True)
    for path in sorted((folder / "1").glob("slice_*.tif")) if times > 1 else ():
        tifffile.imwrite(place / path.name, np.tile(tifffile.imread(path), (times, times, 1)), photometric="rgb")
    return sorted(place.glob("slice_*.tif"))


def linked(slices: Sequence[Path], count: int, place: Path) -> list[Path]:
    """As many slices as wanted, each file under several names."""
    names = [place / f"s{number:04}.tif" for number in range(count)]
    for number, name in enumerate(names):
        os.link(slices[number % len(slices)], name)
    return names


def peak(area: int, images: Sequence[Path], place: Path, words: Sequence[str], limited: bool = False) -> Peak:
    """Plan and run; ``limited``: within an address space of little more than the plan says."""
    # Comparing frames holds a level of up to 1.2 megapixels of each, whatever their size: not what is asked here.
    said = [*words, "--align=no", "--store", str(place / "store"), *map(str, images)]
    plan = subprocess.run([*PROGRAM, "plan", "--json", *said], check=True, capture_output=True, text=True)
    need, report = json.loads(plan.stdout)["memory_bytes"], place / "report.json"

    def limit() -> None:
        if limited:
            resource.setrlimit(resource.RLIMIT_AS, (need + RESERVED, need + RESERVED))

    run = [*PROGRAM, "fuse", "--quiet", "-o", str(place / "r.tif"), "--report", str(report), *said]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL, preexec_fn=limit)
    return Peak(area, len(images), need, json.loads(report.read_text())["peak_rss_bytes"])
