"""Which pixels of a stack are picture in any slice; what no slice covers is transparent in the result."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block, Output
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.stored_frames import StoredFrames


@frozen
class CoveredAreaJob(Job):
    """All that any of ``total`` slices covers: uint8 (1, 1, y, x), 255 or 0."""

    kind: ClassVar[str] = "reduce"

    source: StoredFrames
    total: int
    out: str

    def output(self) -> Output:
        return Output(self.out, (1, 1), (1, 1), "uint8")

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        covered = np.zeros(block.region.shape, np.bool_)
        for z in range(self.total):
            covered |= self.source.covered(access, z, block.region) > 0
            if covered.all():
                break
        samples = covered.astype(np.uint8) * np.uint8(255)
        access.write(self.out, [(0, 1), (0, 1)], block.region, samples[None, None])
        return {}

    def planes(self) -> float:
        return 1.5


def within_area(planes: np.ndarray, area: StoredFrames | None, access: Access, region: Region) -> np.ndarray:
    """Planes (n, y, x) whose last one is opacity, transparent where no slice covers a pixel."""
    if area is None:
        return planes
    covered = area.samples(access, 0, region)[0] > 0
    if covered.all():
        return planes
    return np.concatenate([planes[:-1], np.where(covered, planes[-1:], np.float32(0))])
