"""Masks: one generator on every slice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region, Window
from imfuse_tiles.options.mask_computation import raw_mask
from imfuse_tiles.options.mask_generator import MaskGenerator, WorkingSpace
from imfuse_tiles.stages import subtiles
from imfuse_tiles.stages.access import Access, chunk_factor
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.mask_levels import RANGE, limits_report, value_range
from imfuse_tiles.stages.stored_frames import StoredFrames
from imfuse_tiles.storage.store import Store

#: Parts of blocks of masks: what is computed twice in their halos costs more than memory.
PORTION: dict[str, int] = {"least": 2, "halos": 12}


def split_region(access: Access, out: str, region: Region, reach: int, whole: bool) -> list[Region]:
    """A block's region in the parts that are computed one after the other; ``whole``: it can only be one."""
    return [region] if whole else list(subtiles.subtiles_of(region, access.chunk_edge(out), reach, **PORTION))


def stack_slices(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Masks (y, x) as slices (z, y, x), a single one without being copied."""
    return masks[0][None] if len(masks) == 1 else np.stack(masks)


@frozen
class MaskJob(Job):
    """One generator on every slice: raw masks, and the strongest of each group of slices.

    ``peak``: where the strongest go; the same as ``out`` when every block is a group of one slice.
    """

    parted: ClassVar[bool] = True

    op: MaskGenerator
    working_space: WorkingSpace
    source: StoredFrames
    frame: Frame
    out: str
    peak: str
    image: StoredFrames | None = None

    def around(self, region: Region) -> Region:
        """The part of the frame that a region of the mask depends on."""
        return region.with_halo(self.op.halo(self.frame), self.frame)

    def seen(self, access: Access, z: int, around: Region) -> Window:
        """What the generator looks at of a slice."""
        return self.source.window(access, z, around, keep=self.parted, codes=self.op.accepts_codes(self.working_space))

    def raw_mask(self, access: Access, z: int, seen: Window, image: Window | None, region: Region) -> np.ndarray:
        """The raw mask of one slice."""
        return raw_mask(self.op, seen, self.working_space, image).cropped(region).data

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        whole = not self.parted or self.op.whole_frame
        split = split_region(access, self.out, block.region, self.op.halo(self.frame).radius, whole)
        parts = {part: self.around(part) for part in split}
        images = {
            part: None if self.image is None else self.image.window(access, 0, around)
            for part, around in parts.items()
        }  # fmt: skip
        peak, low = np.full(block.region.shape, -np.inf, np.float32), np.inf
        for z in range(block.z0, block.z1):
            for part, around in parts.items():
                raw = self.raw_mask(access, z, self.seen(access, z, around), images[part], part)
                access.write(self.out, [(z, z + 1)], part, raw[None])
                shown = self.source.mask_covered(access, z, part)
                low = min(low, kernels.level.raise_peak(raw, peak[part.slices_in(block.region)], shown))
        if self.peak != self.out:
            access.write(self.peak, [(block.z_batch, block.z_batch + 1)], block.region, peak[None])
        return limits_report(low, float(peak.max()))

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        around = self.around(region)
        image = None if self.image is None else self.image.window(access, 0, around)
        codes = self.op.accepts_codes(self.working_space)
        keep = self.parted and lead[0][1] - lead[0][0] == 1  # a merge goes part by part through a slice
        windows = [(z, self.source.window(access, z, around, keep, codes)) for z in range(*lead[0])]
        return stack_slices([self.raw_mask(access, z, seen, image, region) for z, seen in windows])

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return value_range(reports)

    def summary_pattern(self) -> Any:
        return RANGE

    def planes(self) -> float:
        return 10 + 2.5 * self.source.planes + self.source.wider()

    def memory(self, height: int, width: int) -> int:
        """Planes of a part, the chunks around a row of parts, and of the block the mask, the strongest and images."""
        if not self.parted or self.op.whole_frame:
            beside = whole_frame_bytes(self.frame) if self.op.whole_frame else 0
            return super().memory(height, width) + beside
        read = self.source.planes * self.source.sample_bytes / 4
        whole = 1.5 + (0 if self.image is None else 1.5 * self.source.planes)
        reach = self.op.halo(self.frame).radius
        work = subtiles.memory(read, self.planes(), (height, width), self.frame, reach, **PORTION,
                               factor=chunk_factor(self.source.frame))  # fmt: skip
        return int(work + 4 * whole * height * width)


@frozen
class StrongestMask:
    """The strongest of a generator's masks of all slices at every pixel, for when it is not stored."""

    mask: MaskJob
    slices: int

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        peak = np.full(region.shape, -np.inf, np.float32)
        for z in range(self.slices):
            mask, shown = self.mask.values(access, path, [(z, z + 1)], region)[0], None
            if self.mask.source.coverage:
                shown = self.mask.source.mask_covered(access, z, region)
            kernels.level.raise_peak(mask, peak, shown)
        return peak[None]

    def planes(self) -> float:
        return 1 + self.mask.planes()


def whole_frame_bytes(frame: Frame) -> int:
    """Bytes that filtering a whole frame takes, with what is held for the next one."""
    return int(kernels.fft.bytes_needed(*frame) + kernels.fft.kept_bytes(*frame))
