"""Multiresolution fusion: weights, then groups of pyramid levels blended upwards and collapsed downwards.

Every slice has a mask; the levels of its Laplacian pyramid are multiplied by those of the mask's Gaussian pyramid
and added up over the slices. A task takes one block through all slices, one in memory at a time, and through
three levels at once: it needs 22 pixels around the block and stores of every slice only the fourth level, a
sixty-fourth of its pixels. What is left when the levels have become small is done in one piece.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.options.fusion_weights import FusionWeights
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block, Output
from imfuse_tiles.stages.fusion_weights import ReducedLevels, Slice, SliceReader, WeightedFrames, WeightJob
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.pyramid_levels import LevelGroup, level_groups
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.stages.stored_frames import StoredFrames


@frozen
class BlendJob(Job):
    """The blended Laplacian levels of a group, and of every slice the level after them, its mask the last plane."""

    kind: ClassVar[str] = "fold"

    slices: SliceReader
    planes_each: int
    total: int
    group: LevelGroup
    out: str

    @property
    def details(self) -> list[str]:
        """Where the blended levels go."""
        return [f"{self.out}-{self.group.first + level}" for level in range(self.group.count)]

    @property
    def rest(self) -> str:
        """Where the slices' next level goes."""
        return f"{self.out}-rest"

    def outputs(self) -> list[Output]:
        p, count = self.planes_each, self.group.count
        found = [Output(path, (p,), (p,), "float32", level=level) for level, path in enumerate(self.details)]
        if not self.group.last:
            rest = Output(self.rest, (p + 1, self.total), (p + 1, 1), "float32", level=count, folded=True)
            found.append(rest)
        return found

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        group, need = self.group, self.group.needed(block.region)
        own = [group.own(block.region, level) for level in range(group.count + 1)]
        sums = [np.zeros((self.planes_each, *region.shape), np.float32) for region in own[: group.count]]
        read = self.slices.slice_reader(access, need[0])
        for z in range(self.total):
            samples, mask = self.climb(*read(z), need, own, sums)
            if group.last:
                part = own[group.top].slices_in(need[-1])
                sums[-1] += samples[(..., *part)] * mask[part]
            else:
                part = own[-1].slices_in(need[-1])
                kept = np.concatenate([samples[(..., *part)], mask[part][None]])[:, None]
                access.write(self.rest, [(0, self.planes_each + 1), (z, z + 1)], own[-1], kept)
        for path, region, total in zip(self.details, own, sums, strict=False):
            access.write(path, [(0, self.planes_each)], region, total)
        return {}

    def climb(self, samples: np.ndarray, mask: np.ndarray, need: list[Region], own: list[Region],
              sums: list[np.ndarray]) -> Slice:  # fmt: skip
        """Add the details of one slice, level by level; what is left of it at the top."""
        for level in range(self.group.top):
            here, above, size = need[level], need[level + 1], self.group.size(level)
            origins = (here.y0, here.x0), (above.y0, above.x0)
            low = kernels.pyramid.reduce(samples, origins[0], size, above)
            kernels.pyramid_expand.add_detail(
                samples, mask, low, (origins[0], origins[0], origins[1]), size, own[level], sums[level]
            )
            samples, mask = low, kernels.pyramid.reduce(mask, origins[0], size, above)
        return samples, mask

    def planes(self) -> float:
        return 2.0 + 3.75 * self.planes_each


@frozen
class CollapseJob(Job):
    """The blended picture at the first level of a group: its details upon the picture of the next group."""

    blend: BlendJob
    below: str
    out: str
    #: Times this the picture is written as 16-bit codes; None: as it is.
    scale: float | None = None

    def output(self) -> Output:
        lead = (self.blend.planes_each,) if self.scale is None else (self.blend.planes_each, 1)
        return Output(self.out, lead, lead, "float32" if self.scale is None else "uint16")

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        picture, lead = self.at(access, 0, block.region), self.output().lead
        if self.scale is not None:
            picture *= np.float32(self.scale)
            picture += np.float32(0.5)
            picture = np.clip(picture, 0, 65535, out=picture).astype(np.uint16)
        access.write(self.out, [(0, size) for size in lead], block.region, picture.reshape(*lead, *block.region.shape))
        return {}

    def at(self, access: Access, level: int, region: Region) -> np.ndarray:
        """The picture at a level."""
        group, planes = self.blend.group, (0, self.blend.planes_each)
        path = self.blend.details[level] if level < group.count else self.below
        picture = access.read(path, [planes], region)
        if level < group.top:
            around = Region(*kernels.pyramid.coarser(region, group.size(level + 1)))
            low = self.at(access, level + 1, around)
            kernels.pyramid_expand.add_expanded(low, (around.y0, around.x0), group.size(level), region, picture)
        return picture

    def planes(self) -> float:
        return 3.5 * self.blend.planes_each


def plan_fusion(
    add: Callable[..., Stage], source: StoredFrames, key: str, fusion: FusionWeights, total: int
) -> StoredFrames:
    """Plan a fusion of ``total`` slices with ``add``, which takes what makes a stage; how its picture is read.

    ``key``: that of the stack. The picture holds 16-bit codes (planes, 1, y, x), like a stack of one slice.
    """
    made = WeightJob.key(key, str(fusion))
    weights = WeightJob(source, fusion, total, f"weight/{made}")
    add("fusion weights", made, weights, weights.output(), halo=fusion.halo, inputs=(key,))
    slices: SliceReader = WeightedFrames(weights)
    inputs: tuple[str, ...] = (key, made)
    downwards = []
    for group in level_groups(source.frame):
        made = BlendJob.key(inputs, group.first)
        job = BlendJob(slices, source.planes, total, group, f"blend/{made}")
        add(f"fusion {group}", made, job, *job.outputs(), frame=group.frame, halo=group.halo, inputs=inputs,
            grain=group.grain, whole=group.whole)  # fmt: skip
        slices, inputs = ReducedLevels(job.rest, source.planes + 1), (made,)
        downwards.append((job, made))
    below, inputs = "", ()
    for job, blended in reversed(downwards):
        group, made = job.group, CollapseJob.key(blended, inputs)
        collapse = CollapseJob(job, below, f"image/{made}", None if group.first else 65535 / source.full)
        add(f"collapse {group}", made, collapse, collapse.output(), frame=group.frame, whole=group.whole,
            inputs=(blended, *inputs))  # fmt: skip
        below, inputs = collapse.out, (made,)
    return StoredFrames(below, source.planes, source.frame, 65535.0, key=made)
