"""Pictures of the whole stack: a statistic over the slices at every pixel, or two of them composed."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.options.backgrounds import ImageSpec
from imfuse_tiles.options.mask_computation import coloured
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.stored_frames import StoredFrames


@frozen
class PictureJob(Job):
    """An evaluated or composed picture of the stack, float32 (planes, 1, y, x): the shape of a one-slice stack."""

    kind: ClassVar[str] = "reduce"

    source: StoredFrames
    image_spec: ImageSpec
    total: int
    out: str

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        picture = self.picture(access, block.region)
        access.write(self.out, [(0, self.source.planes), (0, 1)], block.region, picture[:, None])
        return {}

    def picture(self, access: Access, region: Region) -> np.ndarray:
        if self.image_spec.kind in ("colour", "clear"):
            colours = np.asarray((self.image_spec.value or (0.0, 0.0, 0.0))[: self.source.planes], np.float32)
            return np.broadcast_to(colours[:, None, None], (self.source.planes, *region.shape))
        if self.image_spec.kind == "evaluate":
            return self.evaluated(access, region, self.image_spec.mode)
        low, high = self.evaluated(access, region, "Min"), self.evaluated(access, region, "Max")
        under, top = (high, low) if self.image_spec.swapped else (low, high)
        return kernels.blend.blend(self.image_spec.mode, under, top)

    def evaluated(self, access: Access, region: Region, mode: str) -> np.ndarray:
        """A statistic over all slices, one slice in memory at a time; the median needs all of them."""
        everything = self.statistic(access, region, mode, None)
        if not self.source.coverage:
            return everything
        count = np.zeros(region.shape, np.int32)
        for z in range(self.total):
            count += self.source.covered(access, z, region) > 0
        if count.min() == self.total:
            return everything
        # Where no slice covers a pixel it gets the filled colours of all, so that there is no edge.
        return np.where(count > 0, self.statistic(access, region, mode, count), everything)

    def statistic(self, access: Access, region: Region, mode: str, count: np.ndarray | None) -> np.ndarray:
        """The same of the slices where they cover a pixel; ``count``: how many do, int32 (y, x). None: of all."""
        slices = (self.source.samples(access, z, region) for z in range(self.total))
        covered = (None if count is None else self.source.covered(access, z, region) > 0 for z in range(self.total))
        if mode == "Median":
            if count is not None:
                slices = kernels.evaluate.around_median(slices, covered, count, self.total)
            stack = np.stack([coloured(samples) for samples in slices])
            return kernels.evaluate.median(stack)[: self.source.planes]
        state = kernels.evaluate.Evaluation(mode)
        for samples, shown in zip(slices, covered, strict=True):
            state.add(samples, shown)
        return state.result()

    def planes(self) -> float:
        held = self.total * 1.5 * self.source.sample_bytes if self.image_spec.mode == "Median" else 0
        return held + 6.0 * self.source.planes
