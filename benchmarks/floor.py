"""Chain A beside a plain copy of its bytes through the same store, chunk by chunk, checked as always.

The copy reads the image files and writes the source, reads that and writes a mask, reads the mask and writes
another, reads that and the source and writes the result: nothing is computed and no halo is read.
"""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import prod
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.chains import A, fuse
from benchmarks.figures import Figure
from imfuse_tiles.execution import allocator
from imfuse_tiles.storage.chunked_array import ChunkedArray
from imfuse_tiles.storage.store import Store

LIMIT = 4.0


def figures(name: str, files: Sequence[Path], folder: Path, rounds: int, workers: int = 2) -> Iterator[Figure]:
    """Chain A and the copy in turn on one stack."""
    stages, whole, copies = [], [], []
    for _ in range(rounds):
        made = fuse(A, files, folder, "--workers", str(workers))
        stages.append(made.stages)
        whole.append(made.usage.seconds)
        copies.append(copied(Store(str(folder / "store")), folder / "copy", files, workers))
    copy = median(copies)
    detail = {"copy": copy, "stages": median(stages), "program": median(whole)}
    yield Figure("floor", f"A on {name}: stages / copy", median(stages) / copy, "times", LIMIT, detail=detail)
    yield Figure("floor", f"A on {name}: program / copy", median(whole) / copy, "times", detail=detail)


def copied(store: Store, target: Path, files: Sequence[Path], workers: int) -> float:
    """Seconds to write the arrays of a finished run of chain A again, from each other."""
    allocator.keep_freed_memory()
    arrays = {each: _only(store, each) for each in ("source", "mask", "merge", "final")}
    jobs: list[Callable[[], object]] = [path.read_bytes for path in files]
    steps = [jobs + list(_writes(arrays["source"], (), target))]
    steps.append(list(_writes(arrays["mask"], (arrays["source"],), target)))
    steps.append(list(_writes(arrays["merge"], (arrays["mask"],), target)))
    steps.append(list(_writes(arrays["final"], (arrays["merge"], arrays["source"]), target)))
    shutil.rmtree(target, ignore_errors=True)
    began = time.perf_counter()
    with ThreadPoolExecutor(workers) as threads:
        for step in steps:
            list(threads.map(lambda job: job(), step))
    seconds = time.perf_counter() - began
    shutil.rmtree(target, ignore_errors=True)
    return seconds


def _only(store: Store, kind: str) -> ChunkedArray:
    (place,) = (path.parent for path in (store.folder / kind).glob("*/zarr.json"))
    return store.arrays.open(f"{kind}/{place.name}")


def _writes(out: ChunkedArray, inputs: Sequence[ChunkedArray], target: Path) -> Iterator[Callable[[], object]]:
    """For every chunk of the inputs: read it (of all slices for a frame), then write what of ``out`` lies over it."""
    copy = replace(out, root=str(target))
    samples = np.zeros(max(prod(b - a for a, b in box) for box in _boxes(out, inputs)), out.dtype)
    for box in _boxes(out, inputs):
        yield (
            lambda box=box: (  # type: ignore[misc]
                [each.read(_same(each, out, box)) for each in inputs],
                copy.write(box, samples[: prod(b - a for a, b in box)].reshape([b - a for a, b in box])),
            )
        )


def _boxes(out: ChunkedArray, inputs: Sequence[ChunkedArray]) -> Iterator[list[tuple[int, int]]]:
    """Boxes of whole files of an array and of what it is made from, which may have larger ones."""
    files = [[a * b for a, b in zip(array.chunks[-2:], array.per_file, strict=True)] for array in (out, *inputs)]
    edges = [max(each) for each in zip(*files, strict=True)]
    steps = [*out.chunks[:-2], *edges]
    counts = [range(-(-size // step)) for size, step in zip(out.shape, steps, strict=True)]
    for at in itertools.product(*counts):
        yield [(k * step, min((k + 1) * step, size)) for k, step, size in zip(at, steps, out.shape, strict=True)]


def _same(array: ChunkedArray, out: ChunkedArray, box: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What of an input a box of the output stands over: of its slice, or of all of them for a frame."""
    lead: list[tuple[int, int]] = [(0, size) for size in array.shape[:-2]]
    if out.path.partition("/")[0] in ("source", "mask", "merge"):
        lead[-1] = box[-3]
    return [*lead, *box[-2:]]
