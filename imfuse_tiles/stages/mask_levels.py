"""Value ranges of masks over all blocks, and the curve that equalises a mask over the stack."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.stage import stage_numbers
from imfuse_tiles.stages.stored_frames import StoredFrames
from imfuse_tiles.storage.store import Store


def limits_report(low: float, high: float) -> dict[str, Any]:
    """What a block says of its values: nothing if it has no pixel of a picture."""
    return {"low": low, "high": high} if low <= high else {}


#: What ``value_range`` gives.
RANGE = {"low": float, "high": float}


def value_range(reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The smallest and largest value over all blocks."""
    found = [(each["low"], each["high"]) for each in reports if "low" in each]
    return {"low": min(low for low, _ in found), "high": max(high for _, high in found)}


def least_and_most(mask: np.ndarray, shown: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest value of a mask where it is shown; infinite if it is nowhere."""
    values = mask[shown]
    return (float(values.min()), float(values.max())) if values.size else (np.inf, -np.inf)


@frozen
class LevelJob(Job):
    """The equalisation curve of a generator: the histogram of its strongest mask over the whole frame."""

    kind: ClassVar[str] = "reduce"
    step: ClassVar[str] = "level"

    raw: str
    peak: str
    clut: bool
    #: The frames, if ``peak`` holds the masks of all slices and not every pixel of these is picture.
    source: StoredFrames | None = None

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        low, high = level_limits(access.store, self.raw)
        if high <= low or not self.clut:
            return {"counts": None}
        runs = access.lead_length(self.peak)
        peak = self.strongest(access, 0, block.region)
        for run in range(1, runs):
            np.maximum(peak, self.strongest(access, run, block.region), out=peak)
        return {"counts": kernels.level.histogram(peak, low, high).tolist()}

    def strongest(self, access: Access, run: int, region: Region) -> np.ndarray:
        """The strongest mask of a group of slices, (y, x); -inf where none is picture."""
        peak = access.read(self.peak, [(run, run + 1)], region)[0]
        shown = self.source.mask_covered(access, run, region) if self.source else None
        return peak if shown is None else np.where(shown, peak, np.float32(-np.inf))

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        low, high = level_limits(store, self.raw)
        counts = [each["counts"] for each in reports]
        if counts[0] is None:
            return {"low": low, "high": high, "curve": None}
        curve = kernels.level.equalisation(np.sum(counts, axis=0, dtype=np.int64))
        return {"low": low, "high": high, "curve": None if curve is None else curve.tolist()}

    def summary_pattern(self) -> Any:
        return {**RANGE, "curve": (None, [float])}

    def planes(self) -> float:
        return 10.0


def level_limits(store: Store, raw: str) -> tuple[float, float]:
    """Smallest and largest raw mask value of the stack, as their six-digit percent figures."""
    numbers = stage_numbers(store, raw)
    return kernels.level.six_digits(numbers["low"]), kernels.level.six_digits(numbers["high"])


@lru_cache(maxsize=64)
def normalisation_range(store: Store, key: str) -> tuple[float, float, np.ndarray]:
    """Limits and table of a levelled generator."""
    numbers = stage_numbers(store, key)
    curve = None if numbers["curve"] is None else np.asarray(numbers["curve"])
    return numbers["low"], numbers["high"], kernels.level.table(curve)
