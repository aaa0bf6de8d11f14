"""The picture of two slices, with samples of the one in focus where the depth is decided."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.focus_depth import FocusDepth, read_depth
from imfuse_tiles.stages.level_picture import RestoreJob
from imfuse_tiles.stages.masks import StoredFrames
from imfuse_tiles.stages.stage import Block, Job, Output


@frozen
class CopyPairJob(Job):
    """Samples of two slices in place of their fusion's: 16-bit codes (planes, 1, y, x), see kernels.pair_copy."""

    #: The first version of the program had no such stage: the fusion was the picture.
    version: ClassVar[int] = 2

    source: StoredFrames
    restored: RestoreJob
    depth: FocusDepth
    out: str

    def output(self) -> Output:
        lead = (self.source.planes, 1)
        return Output(self.out, lead, lead, "uint16")

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        region, lead = block.region, [(0, self.source.planes), (0, 1)]
        picture = access.read(self.restored.out, lead, region)[:, 0]
        first, second = (self.source.samples(access, z, region) for z in (0, 1))
        depth = np.clip(read_depth(access, self.depth.path, region, self.depth.total)[0], 0, 1)
        covered = None
        if self.source.coverage:
            ahead, behind = (self.source.covered(access, z, region).astype(np.float32, copy=False) for z in (0, 1))
            covered = ahead, behind
        codes = kernels.pair_copy.copied(picture, (first, second), self.source.full, depth, covered)
        access.write(self.out, lead, region, codes[:, None])
        return {}

    def planes(self) -> float:
        return 5.0 + 5.0 * self.source.planes
