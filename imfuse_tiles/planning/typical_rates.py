"""How long kernels take on a machine of which nothing was measured yet: nanoseconds of a worker.

Measured on one machine (``python -m benchmarks ops``, ``time-left``): what counts is how they compare to each other, as
the first tenth of a run shows how fast another machine is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache

import numpy as np

#: For each pixel and slice of a job, options aside; of jobs that are not named here.
JOBS = {
    "IngestJob": 3.0, "AlignJob": 165.0, "PrepareJob": 60.0, "MaskJob": 1.0, "MergeJob": 2.0, "LevelJob": 2.0,
    "MontageJob": 4.3, "FinishJob": 8.0, "NoiseJob": 2.4, "DetailJob": 23.0, "CoarsestJob": 10.0, "RestoreJob": 6.0,
    "FillDepthJob": 36.0,
}  # fmt: skip
OTHER_JOBS = 12.0
#: What an option adds, with its usual arguments.
OPTIONS = {
    "blur": 12.0, "channel": 1.1, "chroma": 1.4, "cmd": 5.2, "cmddiff": 14.9, "comet": 17.0, "compass": 6.9,
    "compose": 2.4, "darkness": 1.5, "depthmap": 1.1, "diffstat": 6.0, "dog": 4.9, "enfuse": 2.8, "evaluate": 2.4,
    "fft": 140.0, "freichen": 6.8, "kirsch": 7.2, "laplacian": 3.3, "lightness": 1.4, "log": 2.9, "max": 2.3,
    "mean": 2.2, "median": 2.3, "min": 2.4, "morphology": 5.3, "prewitt": 6.7, "resize": 7.6, "roberts": 17.0,
    "saturation": 2.0, "sobel": 6.7, "statistic": 8.1, "wavelet": 7.3,
    "maskblur": 1.6, "maskcmd": 4.1, "maskdespeckle": 7.3, "maskenhance": 4.8, "maskfft": 36.0, "maskkuwahara": 7.1,
    "maskmorph": 1.9, "maskstat": 1.0, "maskthreshold": 0.3, "maskwave": 2.4,
    "cutalpha": 0.6, "cutbg": 0.0, "cutblur": 37.0, "cutcmd": 2.1, "cutless": 0.0, "cutmax": 0.9, "cutmorph": 0.9,
    "cutsoft": 2.2, "cutthreshold": 0.7, "cutwave": 2.6,
    "finalalpha": 3.2, "finalblur": 39.0, "finalblur2": 52.0, "finalcmd": 2.5, "finalgamma": 9.3,
    "finalsharpen": 152.0, "finalthreshold": 5.4,
}  # fmt: skip
OTHER_OPTIONS = 5.0
#: What decoding adds to a pixel that is read, by the format; of others.
FORMATS = {"tiff": 0.0, "array": 0.0, "zarr": 1.0, "jpeg": 4.0, "png": 12.0}
OTHER_FORMATS = 20.0
#: Instead of an ending: the smaller levels of a large result in its store.
LEVELS = ".levels"
#: For each byte of a result's file, by its ending; of others.
FILES = {LEVELS: 10.0, ".tif": 2.0, ".tiff": 2.0, ".png": 30.0, ".jpg": 8.0, ".zarr": 3.0, ".dzi": 8.0, ".npy": 1.0}
OTHER_FILES = 20.0


def typical_rate(name: str) -> float:
    """Nanoseconds of a kernel that was never measured, by its name (``machine_rates.kernel_name``)."""
    kind, *words = name.partition(" of ")[0].split()
    if kind == "write":
        return FILES.get(words[0], OTHER_FILES)
    options = (OPTIONS.get(word[2:].partition("=")[0], OTHER_OPTIONS) for word in words if word.startswith("--"))
    merged = next((int(word) for word in words if word.isdecimal()), 1)
    return JOBS.get(kind, OTHER_JOBS) * merged + sum(options) + _decoding(words)


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
