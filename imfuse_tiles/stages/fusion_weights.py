"""The weights of a fusion: which slice takes a pixel, or what share of it each has, and the masks that follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.options.fusion_weights import FusionWeights
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block, Output
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.stored_frames import StoredFrames

Slice = tuple[np.ndarray, np.ndarray]


@frozen
class WeightJob(Job):
    """Which slice weighs most at every pixel (``total`` where none weighs anything), or the sum of the weights."""

    kind: ClassVar[str] = "fold"

    source: StoredFrames
    fusion: FusionWeights
    total: int
    out: str

    @property
    def dtype(self) -> str:
        """Number type of the output."""
        return "float32" if self.fusion.soft else "uint8" if self.total < 256 else "uint16"

    def output(self) -> Output:
        return Output(self.out, (1,), (1,), self.dtype)

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        best = np.zeros(block.region.shape, np.float32)
        index = np.full(block.region.shape, self.total, self.dtype)
        for z in range(self.total):
            weight = weights(access, self.source, self.fusion, z, block.region).data
            if self.fusion.soft:
                best += weight
            else:
                kernels.quality.note_strongest(weight, z, best, index)
        access.write(self.out, [(0, 1)], block.region, (best if self.fusion.soft else index)[None])
        return {}

    def planes(self) -> float:
        return 5.0 + self.source.planes


def weights(access: Access, source: StoredFrames, fusion: FusionWeights, z: int, region: Region) -> Window:
    """The weights of one slice over a region."""
    around = region.with_halo(fusion.halo, source.frame)
    weight = fusion.weights(Window(source.samples(access, z, around), around, source.frame)).cropped(region)
    return weight.with_data(weight.data * source.covered(access, z, region)) if source.coverage else weight


def equal_share(access: Access, source: StoredFrames, total: int, region: Region) -> np.ndarray:
    """What a slice that covers a pixel counts where none has any weight, float32 (y, x)."""
    count = np.zeros(region.shape, np.int32)
    for z in range(total):
        count += source.covered(access, z, region)
    return np.float32(1) / np.where(count > 0, count, total).astype(np.float32)


class SliceReader(Protocol):
    """Where a group of levels begins: samples (planes, y, x) and mask (y, x) of each slice."""

    def slice_reader(self, access: Access, region: Region) -> Callable[[int], Slice]:
        """What gives a slice over a region by its number."""
        ...


@frozen
class WeightedFrames:
    """The stack itself with the masks that follow from its weights."""

    weights: WeightJob

    def slice_reader(self, access: Access, region: Region) -> Callable[[int], Slice]:
        job, share = self.weights, np.float32(1 / self.weights.total)
        told = access.read(job.out, [(0, 1)], region)[0]
        if job.source.coverage:
            return self._covered(access, region, told)

        def hard(z: int) -> Slice:
            mask = kernels.quality.hard_mask(told, z, job.total, share)
            return job.source.samples(access, z, region), mask

        def soft(z: int) -> Slice:
            around = region.with_halo(job.fusion.halo, job.source.frame)
            samples = Window(job.source.samples(access, z, around), around, job.source.frame)
            weight = job.fusion.weights(samples).cropped(region).data
            return samples.cropped(region).data, normalise_weights(weight, told, share)

        return soft if job.fusion.soft else hard

    def _covered(self, access: Access, region: Region, told: np.ndarray) -> Callable[[int], Slice]:
        """The same for slices that do not cover all; where none does, all count alike."""
        job = self.weights
        share, nowhere = equal_share(access, job.source, job.total, region), np.ones(region.shape, np.bool_)
        for z in range(job.total):
            nowhere &= job.source.covered(access, z, region) == 0

        def read(z: int) -> Slice:
            own = np.where((job.source.covered(access, z, region) > 0) | nowhere, share, np.float32(0))
            samples = job.source.samples(access, z, region)
            if not job.fusion.soft:
                return samples, np.where(told == job.total, own, (told == z).astype(np.float32))
            weight = weights(access, job.source, job.fusion, z, region).data
            return samples, np.divide(weight, told, out=own, where=told > 0)

        return read


def normalise_weights(weight: np.ndarray, total: np.ndarray, share: np.float32) -> np.ndarray:
    """A slice's part of the weight of all; ``share`` where there is none."""
    return np.divide(weight, total, out=np.full_like(weight, share), where=total > 0)


@frozen
class ReducedLevels:
    """A coarser level of every slice, its mask the last plane."""

    path: str
    depth: int

    def slice_reader(self, access: Access, region: Region) -> Callable[[int], Slice]:
        def read(z: int) -> Slice:
            planes = access.read(self.path, [(0, self.depth), (z, z + 1)], region)[:, 0]
            return planes[:-1], planes[-1]

        return read
