"""The masks of each slice merged and filtered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window, total_halo
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import MaskGenerator
from imfuse_tiles.options.mask_merging import MaskMerge
from imfuse_tiles.stages import subtiles
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.mask_levels import RANGE, least_and_most, limits_report, normalisation_range, value_range
from imfuse_tiles.stages.masks import PORTION, split_region, stack_slices, whole_frame_bytes
from imfuse_tiles.stages.stored_frames import StoredFrames
from imfuse_tiles.storage.store import Store


@frozen
class WeightedMask:
    """A generator's mask as merging takes it: its array, its levelling (None: as it is) and its weight."""

    op: MaskGenerator
    weight: float
    path: str
    level: str | None

    def read(self, access: Access, z: int, region: Region) -> np.ndarray:
        """The mask (y, x) of one slice: levelled, cut at its thresholds, weighed."""
        return self.taken(access.store, access.read(self.path, [(z, z + 1)], region, keep=True)[0])

    def taken(self, store: Store, raw: np.ndarray) -> np.ndarray:
        """A raw mask (y, x), or pixels of it, as merging takes them."""
        if self.level is not None:
            raw = kernels.level.stretch_levels(raw, *normalisation_range(store, self.level))
        return kernels.level.threshold_and_weigh(raw, self.op.t, self.op.T, self.weight)


class UnfilteredMasks(Protocol):
    """What a later part of a chain of mask filters goes on from."""

    def read(self, access: Access, z: int, region: Region) -> Window:
        """The mask (y, x) of a slice."""
        ...


@frozen
class MergeJob(Job):
    """The masks of each slice merged, filtered, and merged with those that are not to be filtered.

    A chain of filters that cannot run in one go is cut: a later job has a ``start`` instead of masks to merge,
    and only the last one puts the unfiltered masks on.
    """

    step: ClassVar[str] = "merge"
    parted: ClassVar[bool] = True

    parts: tuple[WeightedMask, ...]
    merge: MaskMerge
    filters: tuple[MaskFilter, ...]
    frame: Frame
    out: str
    start: UnfilteredMasks | None = None
    last: bool = True
    #: The frames, if not every pixel of them is picture.
    source: StoredFrames | None = None

    def halo(self) -> Halo:
        return total_halo(op.halo(self.frame) for op in self.filters)

    @property
    def whole_frame(self) -> bool:
        return any(op.whole_frame for op in self.filters)

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        low, high = np.inf, -np.inf
        parts = split_region(access, self.out, block.region, self.halo().radius, self.whole_frame)
        for z in range(block.z0, block.z1):
            for part in parts:
                mask, least, most = self.merged(access, z, part)
                access.write(self.out, [(z, z + 1)], part, mask[None])
                shown = self.source.mask_covered(access, z, part) if self.source else None
                if shown is not None:
                    least, most = least_and_most(mask, shown)
                low, high = min(low, least), max(high, most)
        return limits_report(low, high)

    def merged(self, access: Access, z: int, region: Region) -> tuple[np.ndarray, float, float]:
        """One slice's merged mask, its smallest and its largest value."""
        around = region.with_halo(self.halo(), self.frame)
        window = self.begun(access, z, around)
        for op in self.filters:
            window = op.apply(window)
        mask = window.cropped(region).data
        if not self.last:
            return mask, float(mask.min()), float(mask.max())
        for part in self.parts:
            if not part.op.is_filtered:
                mask = self.merge.blend(mask, self.unfiltered(access, part, z, region))
        return kernels.level.clamp_and_extremes(mask)

    def unfiltered(self, access: Access, part: WeightedMask, z: int, region: Region) -> np.ndarray:
        """The mask (y, x) of a generator that is not to be filtered."""
        return part.read(access, z, region)

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        return stack_slices([self.merged(access, z, region)[0] for z in range(*lead[0])])

    def begun(self, access: Access, z: int, around: Region) -> Window:
        """The mask before this job's filters: merged now, or what an earlier job left."""
        if self.start is not None:
            return self.start.read(access, z, around)
        masks = (part.read(access, z, around) for part in self.parts if part.op.is_filtered)
        return Window(self.merge.blend_all(masks, around.shape), around, self.frame)

    def most(self) -> float:
        """What no merged mask is above, give or take rounding, whatever the frames: 1 where nothing less is known."""
        if self.start is not None or not self.last or self.merge.word1 != "Screen":
            return 1.0
        left = {is_filtered: 1.0 for is_filtered in (True, False)}
        for part in self.parts:
            left[part.op.is_filtered] *= 0.0 if part.level is None else 1 - part.weight / 100
        filtered = left[True] if all(op.keeps_below for op in self.filters) else 0.0
        return 1 - filtered * left[False]

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return value_range(reports)

    def summary_pattern(self) -> Any:
        return RANGE

    def planes(self) -> float:
        return 11.0

    def memory(self, height: int, width: int) -> int:
        if self.whole_frame:
            return super().memory(height, width) + whole_frame_bytes(self.frame)
        reach = self.halo().radius
        return subtiles.memory(len(self.parts), self.planes(), (height, width), self.frame, reach, **PORTION)
