"""The picture of two slices, with samples of the one in focus where the depth is decided."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Halo, Region, Window
from imfuse_tiles.kernels.pair_copy import APART_BLUR, DECISION_BLUR, LIGHT_BLUR
from imfuse_tiles.options.pyramid_level import blur_region
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block, Output
from imfuse_tiles.stages.focus_depth import FocusDepth, read_depth
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.level_picture import RestoreJob
from imfuse_tiles.stages.stored_frames import StoredFrames

#: Pixels around a region that its difference is blurred over, and around those that decide which slice they come from.
NEAR, WIDE = Halo.uniform(max(APART_BLUR[1], LIGHT_BLUR[1])), Halo.uniform(DECISION_BLUR[1])
#: Both together.
COPY_HALO = Halo.uniform(max(APART_BLUR[1], LIGHT_BLUR[1]) + DECISION_BLUR[1])


@frozen
class CopyPairJob(Job):
    """Samples of two slices in place of their fusion's: 16-bit codes (planes, 1, y, x), see kernels.pair_copy."""

    #: The first version of the program had no such stage: the fusion was the picture; the second copied less, the third
    #: more in smooth places, the fourth decided by fewer pixels around.
    version: ClassVar[int] = 5

    source: StoredFrames
    restored: RestoreJob
    depth: FocusDepth
    out: str

    def output(self) -> Output:
        lead = (self.source.planes, 1)
        return Output(self.out, lead, lead, "uint16")

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        region, lead, frame = block.region, [(0, self.source.planes), (0, 1)], self.source.frame
        near = region.with_halo(NEAR, frame)
        picture = Window(access.read(self.restored.out, lead, near)[:, 0], near, frame)
        copy, shown = self.copy(access, near)
        inner = region.slices_in(near)
        differences = differences_of(picture, copy, shown, region)
        codes = kernels.pair_copy.copy_sharp_samples(
            picture.cropped(region).data, copy[:, *inner], *differences, shown[inner]
        )
        access.write(self.out, lead, region, codes[:, None])
        return {}

    def copy(self, access: Access, region: Region) -> tuple[np.ndarray, np.ndarray]:
        """The samples to be copied over a region, and what of them is picture."""
        frame = self.source.frame
        wide = region.with_halo(WIDE, frame)
        behind = kernels.pair_copy.behind(read_depth(access, self.depth.path, wide, self.depth.total)[0])
        decision = blur_region(Window(behind, wide, frame), DECISION_BLUR, region)
        first, second = (self.source.samples(access, z, region) for z in (0, 1))
        covered = None
        if self.source.coverage:
            ahead, back = (self.source.covered(access, z, region).astype(np.float32, copy=False) for z in (0, 1))
            covered = ahead, back
        return kernels.pair_copy.mix_pair((first, second), self.source.full, decision, covered)

    def planes(self) -> float:
        return 8.0 + 8.0 * self.source.planes


def differences_of(
    picture: Window, copy: np.ndarray, shown: np.ndarray, region: Region
) -> tuple[np.ndarray, np.ndarray]:
    """How far a copy is from the picture around it, in detail and in light, float32 (y, x) of a region."""

    def blur(plane: np.ndarray, how: tuple[float, int]) -> np.ndarray:
        return blur_region(Window(plane, picture.region, picture.frame), how, region)

    steps = kernels.pair_copy.steps(picture.data, copy, shown)
    apart = blur(kernels.pair_copy.mean_square(steps), APART_BLUR)
    return apart, kernels.pair_copy.mean_square(np.stack([blur(plane, LIGHT_BLUR) for plane in steps]))
