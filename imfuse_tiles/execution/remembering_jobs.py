"""Jobs of masks that keep in the memory of this process what they computed, and take from there what is known.

For tuning: a changed filter goes on from the merged masks before it, a changed generator computes no other again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.execution.remembered_masks import looks, memory
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.access import Access, RegionValues
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.mask_levels import normalisation_range
from imfuse_tiles.stages.masks import MaskJob, stack_slices
from imfuse_tiles.stages.merged_masks import MergeJob, WeightedMask
from imfuse_tiles.stages.stage import ComputedInput, Stage, measured_key
from imfuse_tiles.storage.store import Store


def fields_of(job: Job, kind: type[Job]) -> dict[str, Any]:
    """What a job of a kind is made with, by name; of a job of a derived kind no more."""
    return {item.name: getattr(job, item.name) for item in fields(kind)}


@frozen
class RememberedMaskJob(MaskJob):
    """A generator whose masks are kept in the memory of this process under ``path`` once they are computed.

    ``looked``: regions overlap each other, and are kept by themselves.
    """

    path: str = ""
    looked: bool = False

    @classmethod
    def of(cls, job: MaskJob, path: str, looked: bool = False) -> RememberedMaskJob:
        """A job that does the same."""
        return cls(**fields_of(job, MaskJob), path=path, looked=looked)

    @property
    def timed_as(self) -> MaskJob:
        """The same without memory: windows that overlap each other, or are only looks, are not kept."""
        return MaskJob(**fields_of(self, MaskJob))

    def raw_mask(self, access: Access, z: int, seen: Window, image: Window | None, region: Region) -> np.ndarray:
        raw = super().raw_mask(access, z, seen, image, region)
        memory.put(self.path, z, region, self.frame, raw)
        return raw

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        return stack_slices([self.value(access, path, z, region) for z in range(*lead[0])])

    def value(self, access: Access, path: str, z: int, region: Region) -> np.ndarray:
        """The mask (y, x) of a slice."""
        kept = memory.get(self.path, z, region)
        if kept is None and self.looked:
            kept = looks.get(self.path, z, region)
        if kept is not None:
            return kept
        mask = self.timed_as.values(access, path, [(z, z + 1)], region)[0]
        if self.looked:
            looks.put(self.path, z, region, mask)
        return mask


@frozen
class MergedWindow:
    """The masks of a slice merged already, for the filters to begin with."""

    window: Window

    def read(self, access: Access, z: int, region: Region) -> Window:
        return self.window


@frozen
class RememberedMergeJob(MergeJob):
    """A merging whose equalised masks are kept in the memory of this process, and taken from there.

    They are kept as their places in the table that equalises, half as large as masks. ``kept``: of so many generators,
    for which there is room; their regions do not overlap each other.
    """

    kept: int = 0

    @classmethod
    def of(cls, job: MergeJob, kept: int) -> RememberedMergeJob:
        """A job that does the same."""
        return cls(**fields_of(job, MergeJob), kept=kept)

    @property
    def timed_as(self) -> MergeJob:
        """The same without memory."""
        return MergeJob(**fields_of(self, MergeJob))

    def merged(self, access: Access, z: int, region: Region) -> tuple[np.ndarray, float, float]:
        around = region.with_halo(self.halo(), self.frame)
        masks = (self.mask(access, part, z, region, around) for part in self.parts if part.op.is_filtered)
        window = Window(self.merge.blend_all(masks, around.shape), around, self.frame)
        return MergeJob.merged(replace(self, start=MergedWindow(window)), access, z, region)

    def unfiltered(self, access: Access, part: WeightedMask, z: int, region: Region) -> np.ndarray:
        return self.mask(access, part, z, region, region)

    def is_kept(self, access: Access, part: WeightedMask) -> bool:
        """Whether a generator's masks are kept here: not where numbers may be estimated, nor if its raw masks are."""
        return type(access.store) is Store and part in self.parts[: self.kept] and not memory.has(part.path)

    def mask(self, access: Access, part: WeightedMask, z: int, region: Region, around: Region) -> np.ndarray:
        """A generator's mask (y, x) around a region, as merging takes it; what is in the region is kept."""
        numbers = equalisation(access.store, part)
        if part.level is None or numbers is None:
            return part.read(access, z, around)
        low, high, table = numbers
        places = memory.get(part.level, z, around)
        if places is None:
            raw = access.read(part.path, [(z, z + 1)], around, keep=True)[0]
            places = kernels.level.table_places(raw, low, high)
            if self.is_kept(access, part):
                memory.put(part.level, z, region, self.frame, places[region.slices_in(around)])
        return self.weighed(part, table, places)

    @staticmethod
    def weighed(part: WeightedMask, table: np.ndarray, places: np.ndarray) -> np.ndarray:
        """A generator's mask (y, x), as merging takes it, by its places in the table that equalises."""
        values = kernels.level.threshold_and_weigh(table[None], part.op.t, part.op.T, part.weight)[0]
        return kernels.level.look_up(values, places)

    def sampled(self, store: Store, z: int, region: Region, step: int) -> np.ndarray | None:
        """Every ``step``-th row and column of a region's merged mask (y, x) before filters, of those that are kept.

        None if none are.
        """
        found = [self.sampled_mask(store, part, z, region, step) for part in self.parts if part.op.is_filtered]
        masks = [mask for mask in found if mask is not None]
        return self.merge.blend_all(masks, masks[0].shape) if masks else None

    @staticmethod
    def sampled_mask(store: Store, part: WeightedMask, z: int, region: Region, step: int) -> np.ndarray | None:
        """Every ``step``-th row and column of a generator's mask, as merging takes it; None if it is not kept."""
        if part.level is None:
            return None
        places, raw = (memory.sampled(name, z, region, step) for name in (part.level, part.path))
        if places is not None:
            return RememberedMergeJob.weighed(part, normalisation_range(store, part.level)[2], places)
        return None if raw is None else part.taken(store, raw)


def equalisation(store: Store, part: WeightedMask) -> tuple[float, float, np.ndarray] | None:
    """Limits and table of a generator's masks; None if they are not equalised by a table."""
    numbers = None if part.level is None else normalisation_range(store, part.level)
    return numbers if numbers and numbers[2].size and numbers[1] > numbers[0] else None


def shrink_masks(job: MergeJob, store: Store, slices: int) -> None:
    """Keep places in the tables that equalise instead of raw masks, which take twice the memory."""
    for part in job.parts:
        numbers = equalisation(store, part)
        if part.level is not None and numbers is not None:
            low, high, _ = numbers
            for z in range(slices):
                memory.shrink(part.path, z, part.level, lambda raw: kernels.level.table_places(raw, low, high))  # noqa: B023


def used_masks(lean: Plan) -> list[str]:
    """Where the masks lie that a plan merges, and their places."""
    jobs = [job for stage in lean.stages for job in (stage.job, *stage.computed_jobs.values())]
    names = [(part.path, part.level) for job in jobs if isinstance(job, MergeJob) for part in job.parts]
    return [name for both in names for name in both if name]


def is_worth_keeping(job: MergeJob) -> bool:
    """Whether masks are kept as merging takes them: there are some, and nothing is merged already."""
    return job.start is None and any(part.op.is_filtered for part in job.parts)


def room(stage: Stage) -> int:
    """Of how many generators the masks fit the memory."""
    return memory.most // (2 * stage.slices * stage.frame[0] * stage.frame[1])


def remembering(lean: Plan) -> Plan:
    """A plan whose masks that are not stored are kept in the memory of this process, if it may keep any."""
    if not memory.most:
        return lean
    paths = {measured_key(stage.key): stage.outputs[0].path for stage in lean.unstored}

    def kept(job: RegionValues, path: str, looked: bool) -> RegionValues:
        if type(job) is MergeJob and is_worth_keeping(job):
            return RememberedMergeJob.of(job, 0)
        return RememberedMaskJob.of(job, path, looked) if type(job) is MaskJob else job

    def inputs(parts: tuple[ComputedInput, ...], looked: bool) -> tuple[ComputedInput, ...]:
        return tuple(replace(part, job=kept(part.job, part.path, looked)) for part in parts)

    def stage(old: Stage) -> Stage:
        job = old.job
        if type(job) is MaskJob and old.key in paths:
            job = RememberedMaskJob.of(job, paths[old.key])
        elif type(job) is MergeJob and is_worth_keeping(job):
            job = RememberedMergeJob.of(job, 0 if old.outputs else room(old))
        return replace(old, job=job, computed=inputs(old.computed, old.key == lean.result.key))

    return replace(lean, stages=tuple(map(stage, lean.stages)))
