"""The fused picture, level by level from the coarsest: each level's detail upon the picture of the coarser one."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.kernels.focus_coverage import LEAST_TOTAL
from imfuse_tiles.options.focus_pyramid import BASE_POWER
from imfuse_tiles.options.pyramid_level import reconstruct_region
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block, Output
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.level_detail import DetailJob
from imfuse_tiles.stages.stored_frames import StoredFrames


@frozen
class CoarsestJob(Job):
    """The coarsest level: the slices weighed by a power of their evidence."""

    kind: ClassVar[str] = "fold"

    source: StoredFrames
    evidence: str
    total: int
    out: str

    def output(self) -> Output:
        return Output(self.out, (self.source.planes,), (self.source.planes,), self.source.dtype)

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        region, best = block.region, np.zeros(block.region.shape, np.float32)
        for z in range(self.total):
            np.maximum(best, self.stored_evidence(access, z, region), out=best)
        best += np.float32(1e-12)
        picture, total = np.zeros((self.source.planes, *region.shape), np.float32), np.zeros_like(best)
        for z in range(self.total):
            weight = base_weight(self.stored_evidence(access, z, region), best)
            if self.source.coverage:
                weight *= np.maximum(self.source.covered(access, z, region), np.float32(LEAST_TOTAL))
            picture += weight * self.source.samples(access, z, region)
            total += weight
        picture /= total
        codes = kernels.level_codes.sample_codes(picture, self.source.full) if self.source.full != 1 else picture
        access.write(self.out, [(0, self.source.planes)], region, codes)
        return {}

    def stored_evidence(self, access: Access, z: int, region: Region) -> np.ndarray:
        """The evidence of a slice, float32 (y, x)."""
        return kernels.level_codes.from_bfloat16(access.read(self.evidence, [(z, z + 1)], region)[0])

    def planes(self) -> float:
        return 6.0 + 3 * self.source.planes


def base_weight(evidence: np.ndarray, best: np.ndarray) -> np.ndarray:
    """The weight of a slice at the coarsest level; ``best``: the strongest evidence + 1e-12."""
    share = (evidence + np.float32(1e-12)) / best
    for _ in range(BASE_POWER.bit_length() - 1):
        share = share * share
    return share


@frozen
class RestoreJob(Job):
    """The picture at one level: its detail upon the coarser picture, kept in the range of what the slices show.

    16-bit codes, but float32 at the coarser levels of a stack of float32 samples.
    """

    detail: DetailJob
    below: str
    out: str

    @property
    def last(self) -> bool:
        """Whether this is the finest level."""
        return self.detail.level.number == 0

    def output(self) -> Output:
        p, dtype = self.detail.source.planes, self.detail.next_slices.dtype
        return Output(self.out, (p, 1), (p, 1), "uint16") if self.last else Output(self.out, (p,), (p,), dtype)

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        level, lead, region = self.detail.level, [(0, self.detail.source.planes)], block.region
        around = Region(*kernels.pyramid.coarser(region, level.above))
        below = access.read(self.below, lead, around)
        detail, least, most = (
            access.read(self.detail.part(name), lead, region) for name in ("detail", "least", "most")
        )
        overshoot = self.detail.fusion.overshoot if self.last else 0.0
        picture = reconstruct_region(level, detail, below, around, region, (least, most), overshoot)
        if self.last:
            codes = kernels.level_codes.sample_codes(picture, 1.0) if level.exact else picture
            access.write(self.out, [*lead, (0, 1)], region, codes[:, None])
        else:
            access.write(self.out, lead, region, picture)
        return {}

    def picture(self, access: Access, region: Region) -> np.ndarray:
        """The picture of a region as it was written, (planes, y, x) in 0..1."""
        lead = [(0, self.detail.source.planes)]
        picture = (
            access.read(self.out, [*lead, (0, 1)], region)[:, 0] if self.last else access.read(self.out, lead, region)
        )
        return picture if picture.dtype == np.float32 else kernels.codes.scale_to_unit(picture, 65535)

    def planes(self) -> float:
        return 6.0 * self.detail.source.planes


@frozen
class Restored:
    """A planned level: its picture and the keys of the stages of that and of its detail."""

    job: RestoreJob
    key: str
    detail: str
