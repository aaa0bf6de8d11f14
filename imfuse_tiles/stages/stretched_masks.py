"""Merged masks as the montage reads them: stretched to their limits, and of the frame's size."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.options.general import PrepResize
from imfuse_tiles.options.mask_merging import MaskLevel
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.stage import stage_numbers
from imfuse_tiles.storage.store import Store


@frozen
class MergedMasks:
    """The merged masks in the store, stretched to their limits and brought to the frame's size when read."""

    path: str
    key: str
    level: MaskLevel
    resize: PrepResize | None = None

    def window(
        self, access: Access, z: int, region: Region, frame: tuple[int, int], room: np.ndarray | None = None
    ) -> Window:
        """One slice's mask (y, x) in 0..1. ``room``: float32 (2, y, x) of the region's shape, which it may lie in."""
        read = lambda part: self.stretched(access, z, part)[None]  # noqa: E731
        if self.resize is None:
            return Window(self.stretched(access, z, region, room), region, frame)
        window = self.resize.to_frame_size(read, frame, region)
        return window.with_data(window.data[0])

    def wider(self, frame: tuple[int, int]) -> float:
        """Float32 planes of a window that are read beside it where masks are of another size than the frame."""
        small = self.resize.size(frame) if self.resize else frame
        return 3.0 * max(0.0, small[0] * small[1] / (frame[0] * frame[1]) - 1)

    def stretched(self, access: Access, z: int, region: Region, room: np.ndarray | None = None) -> np.ndarray:
        raw, out = (None, None) if room is None or self.path in access.computed else (room[:1], room[1])
        mask = access.read(self.path, [(z, z + 1)], region, out=raw)[0]
        low, high = mask_limits(access.store, self)
        if (low, high) == (0, 1):
            return mask
        return kernels.level.stretch_levels(mask, low, high, np.empty(0, np.float32), out)


@lru_cache(maxsize=16)
def mask_limits(store: Store, masks: MergedMasks) -> tuple[float, float]:
    """The mask values that become 0 and 1."""
    numbers = stage_numbers(store, masks.key)
    return masks.level.limits(numbers["low"], numbers["high"])
