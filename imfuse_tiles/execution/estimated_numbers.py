"""What must be known of the whole stack, estimated from patches of it: for a first look at changed masks."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from typing import Any

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.execution.remembering_jobs import RememberedMaskJob
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region
from imfuse_tiles.stages.access import Access, RegionValues
from imfuse_tiles.stages.mask_levels import LevelJob, level_limits
from imfuse_tiles.stages.masks import MaskJob
from imfuse_tiles.stages.merged_masks import MergeJob
from imfuse_tiles.stages.stage import Stage, measured_key
from imfuse_tiles.storage.numbers import Numbers
from imfuse_tiles.storage.store import Store

#: Edge of a patch, and rows and columns of patches in a frame.
PATCH, ROWS, COLUMNS = 192, 2, 3
_serials = itertools.count(1)


@frozen
class EstimatedNumbers(Numbers):
    """The numbers of a store, and estimates of what it does not have."""

    estimates: Mapping[str, dict[str, Any]] = field(default_factory=dict, compare=False)

    def load(self, key: str) -> dict[str, Any] | None:
        return super().load(key) or self.estimates.get(key)


@frozen
class EstimatedStore(Store):
    """A store read with estimates. No two of them are equal, so that nobody takes one's numbers for another's."""

    serial: int = field(default_factory=lambda: next(_serials))
    estimates: dict[str, dict[str, Any]] = field(default_factory=dict, compare=False)

    @property
    def numbers(self) -> Numbers:
        return EstimatedNumbers(self.files, self.estimates)


def can_estimate(needed: Sequence[Stage]) -> bool:
    """Whether all these stages only measure masks, of which patches tell about as much: none of whole frames."""
    measured = {stage.key for stage in needed}
    return not any(stage.whole for stage in needed) and all(
        isinstance(stage.job, MaskJob | MergeJob)
        or (isinstance(stage.job, LevelJob) and measured_key(stage.job.raw) in measured)
        for stage in needed
    )


def estimated(
    store: Store, needed: Sequence[Stage], computed: Mapping[str, RegionValues], workers: int,
    known: Mapping[str, dict[str, Any]],
) -> EstimatedStore:  # fmt: skip
    """The store with estimates of the numbers of stages, in their order, each by those before it.

    ``known``: numbers by the keys of stages of which nothing needs to be estimated.
    """
    guess, strongest = EstimatedStore(store.root, estimates=dict(known)), dict[str, list[np.ndarray]]()
    needed = [stage for stage in needed if stage.key not in known]
    reach = Halo()
    for stage in needed:
        reach = reach.maximum(stage.job.halo() if isinstance(stage.job, MergeJob) else Halo())
    with ThreadPoolExecutor(workers) as threads:
        for stage in needed:
            if isinstance(stage.job, LevelJob):
                guess.estimates[stage.key] = level_of(stage.job, guess, strongest[measured_key(stage.job.raw)])
                continue

            def look(patch: Region, stage: Stage = stage) -> tuple[np.ndarray, float]:
                return extremes(stage, Access(guess, computed=dict(computed)), patch, reach)

            looks = list(threads.map(look, patches(stage.frame)))
            strongest[stage.key] = [peak for peak, _ in looks]
            low, high = min(low for _, low in looks), max(float(peak.max()) for peak, _ in looks)
            guess.estimates[stage.key] = {"low": low, "high": high}
    return guess


def extremes(stage: Stage, access: Access, patch: Region, reach: Halo) -> tuple[np.ndarray, float]:
    """The strongest masks (y, x) of a patch over all slices, and its smallest value.

    Masks that are remembered are computed with so much around the patch as merging them is going to see.
    """
    peak, low = np.full(patch.shape, -np.inf, np.float32), np.inf
    path = stage.job.path if isinstance(stage.job, RememberedMaskJob) else ""
    job = access.computed.get(path, stage.job)
    around = patch.with_halo(reach, stage.frame) if path in access.computed else patch
    for z in range(stage.slices):
        mask = job.values(access, path, [(z, z + 1)], around)[0][patch.slices_in(around)]
        np.maximum(peak, mask, out=peak)
        low = min(low, float(mask.min()))
    return peak, low


def level_of(job: LevelJob, store: Store, peaks: Iterable[np.ndarray]) -> dict[str, Any]:
    """The equalisation of a generator by the strongest masks of patches."""
    low, high = level_limits(store, job.raw)
    if high <= low or not job.clut:
        return job.summary(store, [{"counts": None}])
    return job.summary(store, [{"counts": kernels.level.histogram(peak, low, high)} for peak in peaks])


def patches(frame: Frame) -> Iterator[Region]:
    """Squares in the middle of the cells of a coarse grid; the whole of a small frame."""
    height, width = frame
    for row in range(ROWS):
        for column in range(COLUMNS):
            cell = Region(height * row // ROWS, height * (row + 1) // ROWS,
                          width * column // COLUMNS, width * (column + 1) // COLUMNS)  # fmt: skip
            top = cell.y0 + max(0, cell.shape[0] - PATCH) // 2
            left = cell.x0 + max(0, cell.shape[1] - PATCH) // 2
            yield Region(top, min(top + PATCH, cell.y1), left, min(left + PATCH, cell.x1))
