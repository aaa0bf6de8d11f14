"""Exporting a retouched result again: only what is under the strokes is computed.

python -m benchmarks strokes [--size 32768x30720] [--strokes 200] [--folder DIR] [--json FILE]

A result is written into a store as a run would, and read in bands as an export does: as it is, then with strokes over
it. Squares of CELL pixels that were painted are counted, beside those that a stroke touches; processor seconds of both.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.figures import Figure, figures_parser, written
from benchmarks.viewer import make_store
from imfuse_tiles.execution.picture_stores import retouched_result
from imfuse_tiles.geometry import Region
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.retouch import CELL, RetouchedResult
from imfuse_tiles.stages.strokes import Stroke
from imfuse_tiles.viewer.layers import layers_of

#: Rows of a band, radius of a brush and length of a stroke in pixels.
BAND, RADIUS, LENGTH = 512, 40.0, 300.0


def drawn_strokes(count: int, width: int, height: int, path: str) -> tuple[Stroke, ...]:
    """Strokes all over a picture that take another result, here itself."""
    rng = np.random.default_rng(1)
    starts = rng.uniform(RADIUS, (width - LENGTH, height - LENGTH), (count, 2))
    ends = starts + rng.uniform(0, LENGTH, (count, 2))
    lines = [((float(x), float(y)), (float(u), float(v))) for (x, y), (u, v) in zip(starts, ends, strict=True)]
    return tuple(Stroke(line, RADIUS, result=path) for line in lines)


def read_all(access: Access, path: str, width: int, height: int) -> float:
    """Processor seconds of reading an array in bands."""
    began = time.process_time()
    for y in range(0, height, BAND):
        access.read(path, [(0, 4)], Region(y, min(y + BAND, height), 0, width))
    return time.process_time() - began


def figures(folder: Path, width: int, height: int, count: int) -> Iterator[Figure]:
    """What is painted of a picture, and what that takes beside reading it."""
    store, painted = make_store(folder / "store", width, height), list[Region]()
    path = layers_of(store, 0)[0].path
    strokes = drawn_strokes(count, width, height, path)
    plain = read_all(Access(store), path, width, height)
    store.arrays.create("source", (3, 1, height, width), (3, 1, 512, 512), "uint16", {})  # of which no stroke takes
    over = retouched_result(store, path, "source", strokes)
    paint = RetouchedResult.painted

    def counted(self: RetouchedResult, access: Access, strokes: Any, cell: Region) -> np.ndarray:
        painted.append(cell)
        return paint(self, access, strokes, cell)

    with patch.object(RetouchedResult, "painted", counted):
        retouched = read_all(Access(store, computed={path: over}), path, width, height)
    bands = [Region(y, min(y + BAND, height), 0, width) for y in range(0, height, BAND)]
    touched = {cell for band in bands for cell in band.split(CELL) if any(stroke.touches(cell) for stroke in strokes)}
    yield Figure("strokes", "squares that were painted", len(painted), "", len(touched))
    yield Figure("strokes", "of all squares", 100 * len(painted) / sum(len(list(b.split(CELL))) for b in bands), "%")
    yield Figure("strokes", "reading without strokes, processor", plain, "s")
    yield Figure("strokes", "strokes besides, processor", retouched - plain, "s")


def main(words: Sequence[str]) -> None:
    """The door of the benchmark."""
    parser = figures_parser("strokes", __doc__, "32768x30720", "a small picture")
    parser.add_argument("--strokes", type=int, default=200)
    args = parser.parse_args(words)
    width, height = map(int, ("2400x2000" if args.quick else args.size).split("x"))
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        written(figures(Path(folder), width, height, 5 if args.quick else args.strokes), args.json)
