"""Masks of a depth map that was read from a file."""

from __future__ import annotations

from dataclasses import KW_ONLY

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.options.mask_depthmap import DepthMap
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.layers import unpremultiply
from imfuse_tiles.stages.masks import MaskJob


@frozen
class DepthMapJob(MaskJob):
    """The likeness of a depth map to the depth of every slice of a stack of ``total``."""

    op: DepthMap
    _: KW_ONLY
    total: int
    veiled: bool
    premultiplied: bool

    def seen(self, access: Access, z: int, around: Region) -> Window:
        """Nothing: the frames are not looked at."""
        return Window(np.empty((0, *around.shape), np.float32), around, self.frame)

    def raw_mask(self, access: Access, z: int, seen: Window, image: Window | None, region: Region) -> np.ndarray:
        assert image is not None
        planes = unpremultiply(np.clip(image.data, 0, 1), self.veiled, self.premultiplied)
        return self.op.likeness(planes, (self.total - z - 1) / self.total)
