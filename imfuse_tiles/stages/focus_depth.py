"""Depth of a fusion by local energy: from the coarsest level to the finest, unsure places filled from sure ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.options.pyramid_level import STEADY, steady_region
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block, Output
from imfuse_tiles.stages.covered_area import within_area
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.level_picture import Restored, RestoreJob
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.stages.stored_frames import StoredFrames


@frozen
class FillDepthJob(Job):
    """Depth in slices from the first, and one over its variance, (2, y, x) float32, at one level."""

    step: ClassVar[str] = "post"
    version: ClassVar[int] = 6

    #: The picture of this level and of the next coarser one; the last one is the coarsest with a depth of its own.
    restored: RestoreJob
    coarser: RestoreJob
    #: Depth at the coarser level, or where its slices peak.
    below: str
    out: str

    def output(self) -> Output:
        return Output(self.out, (2,), (2,), "float32")

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        level, region = self.restored.detail.level, block.region
        around = Region(*kernels.pyramid.coarser(region, level.above))
        wide = region.with_halo(STEADY, level.frame)
        total, own = self.restored.detail.total, self.restored.detail.part("peak")
        peak = steady_region(Window(read_depth(access, own, wide, total), wide, level.frame), region)
        coarse = read_depth(access, self.below, around, total)
        if self.below == self.coarser.detail.part("peak"):
            coarse = kernels.depth_fill.coarsest_depth(coarse)
        origins = (region.y0, region.x0), (around.y0, around.x0)
        pictures = self.restored.picture(access, region), self.coarser.picture(access, around)
        access.write(
            self.out, [(0, 2)], region, kernels.depth_fill.fill_depth(peak, pictures[0], coarse, pictures[1], origins)
        )
        return {}

    def planes(self) -> float:
        return 6.0 + 2.5 * self.restored.detail.source.planes


def read_depth(access: Access, path: str, region: Region, total: int) -> np.ndarray:
    """Depth in slices and one over its variance, float32 (2, y, x), from codes of where slices peak, too."""
    depth = access.read(path, [(0, 2)], region)
    return kernels.focus_place.stored_place(depth, total) if depth.dtype == np.uint16 else depth


@frozen
class FocusDepth:
    """The depth of a fusion as it is read: in slices from the first of ``total``, with one over its variance."""

    path: str
    key: str
    total: int
    #: What any slice covers; None: everything.
    area: StoredFrames | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The keys of the stages it is read from."""
        return (self.key, *([self.area.key] if self.area else []))

    def read(self, access: Access, region: Region) -> tuple[np.ndarray, np.ndarray]:
        """Depth value (1 in front, 0 behind the last slice) with opacity (2, y, x), and confidence 0..1 (y, x)."""
        depth, sure = read_depth(access, self.path, region, self.total)
        value = within_area(depth_value(depth, self.total), self.area, access, region)
        return value, confidence(sure) if self.area is None else confidence(sure) * value[1]


def depth_value(depth: np.ndarray, total: int) -> np.ndarray:
    """The grey value of a depth in slices, as masked results have it, and full opacity: float32 (2, y, x)."""
    value = (np.float32(total - 1) - depth) / np.float32(total)
    return np.stack([np.clip(value, 0, 1), np.ones_like(value)])


def confidence(sure: np.ndarray) -> np.ndarray:
    """1 / (1 + standard deviation of the depth in slices), from one over its variance: float32 0..1."""
    deviation = np.float32(1) / np.sqrt(np.maximum(sure, np.float32(1e-12)))
    return np.float32(1) / (np.float32(1) + deviation)


def depth(add: Callable[..., Stage], restored: Sequence[Restored], total: int) -> FocusDepth:
    """Plan the depth of a fusion with ``add``; ``restored``: its levels, the coarsest first."""
    coarser, *finer = restored
    below, key, source = coarser.job.detail.part("peak"), coarser.key, coarser.detail
    for level in finer:
        key = FillDepthJob.key(key, level.key)
        job = FillDepthJob(level.job, coarser.job, below, f"depth/{key}")
        inputs = (source, level.detail, level.key, coarser.key)
        at = level.job.detail.level
        add(f"depth of level {at.number}", key, job, job.output(), frame=at.frame, halo=STEADY, grain=2, inputs=inputs)
        below, source, coarser = job.out, key, level
    return FocusDepth(below, source, total)
