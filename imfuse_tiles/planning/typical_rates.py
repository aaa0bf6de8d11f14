"""How long kernels take on a machine of which nothing was measured yet: nanoseconds of a worker.

Measured on one machine (``python -m benchmarks ops``, ``time-left``): what counts is how they compare to each other, as
the first tenth of a run shows how fast another machine is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache

import numpy as np

from imfuse_tiles.options.grammar import REGISTRY, Option

#: For each pixel and slice of a job, options aside (they have their own); of jobs that are not named here.
JOBS = {
    "IngestJob": 3.0, "AlignJob": 165.0, "PrepareJob": 60.0, "MaskJob": 1.0, "MergeJob": 2.0, "LevelJob": 2.0,
    "MontageJob": 4.3, "FinishJob": 8.0, "NoiseJob": 2.4, "DetailJob": 28.0, "CoarsestJob": 10.0, "RestoreJob": 6.0,
    "FillDepthJob": 36.0,
}  # fmt: skip
OTHER_JOBS = 12.0
#: What decoding adds to a pixel that is read, by the format; of others.
FORMATS = {"tiff": 0.0, "array": 0.0, "zarr": 1.0, "jpeg": 4.0, "png": 12.0}
OTHER_FORMATS = 20.0
#: Instead of an ending: the smaller levels of a large result in its store.
LEVELS = ".levels"
#: For each byte of a result's file, by its ending; of others.
FILES = {LEVELS: 10.0, ".tif": 5.0, ".tiff": 5.0, ".png": 30.0, ".jpg": 8.0, ".zarr": 3.0, ".dzi": 8.0, ".npy": 1.0}
OTHER_FILES = 20.0


def typical_rate(name: str) -> float:
    """Nanoseconds of a kernel that was never measured, by its name (``machine_rates.kernel_name``)."""
    kind, *words = name.partition(" of ")[0].split()
    if kind == "write":
        return FILES.get(words[0], OTHER_FILES)
    named = (REGISTRY.get(word[2:].partition("=")[0], Option) for word in words if word.startswith("--"))
    merged = next((int(word) for word in words if word.isdecimal()), 1)
    return JOBS.get(kind, OTHER_JOBS) * merged + sum(option.typical_rate for option in named) + _decoding(words)


def _decoding(words: Sequence[str]) -> float:
    """What reading a format takes beside a format that needs no decoding; nothing for what reads no files."""
    known = words[1:2] if len(words) == 2 and "x" in words[0] else ()
    return sum(FORMATS.get(name, OTHER_FORMATS) for name in known)


#: Seconds of a core that a trial of :func:`machine_slowness` takes on the machine of the figures above; how many.
TRIED, TRIALS = 6e-4, 8


@cache
def machine_slowness() -> float:
    """How many times as long as on the machine of the figures above arithmetic takes here: tried for a moment."""
    plane, keys = np.linspace(0, 1, 1 << 17, dtype=np.float32), np.random.default_rng(0).random(1 << 13)
    taken = []
    for _ in range(TRIALS):
        began = time.thread_time()
        for _ in range(4):
            np.sqrt(plane * plane + plane).sum()
        np.sort(keys)
        taken.append(time.thread_time() - began)
    return min(taken) / TRIED
