"""Raw masks of slices kept in the memory of a process, so that merging them again computes none of them again.

For tuning: the limits of merged masks are measured right after those of raw masks, and again for every filter that is
changed. What does not fit the memory is computed again, with the same values.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import fields, replace
from threading import Lock

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region, Window
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.access import Access, RegionValues
from imfuse_tiles.stages.masks import MaskJob, stack_slices
from imfuse_tiles.stages.stage import ComputedInput, Stage, measured_key

#: Bytes after which memory is touched so that the system clears it: its least page.
PAGE = 4096


class SliceMask:
    """The mask of a slice (y, x), the regions of it that are known or being written, none of which overlap."""

    def __init__(self, mask: np.ndarray) -> None:
        self.mask, self.regions, self.begun = mask, list[Region](), list[Region]()
        #: How many threads copy samples at the moment.
        self.users = 0

    def known(self, region: Region) -> int:
        """How many pixels of a region are known."""
        return sum(common_pixels(region, other) for other in self.regions)

    def is_vacant(self, region: Region) -> bool:
        """Whether no pixel of a region is known or being written."""
        return not self.known(region) and not any(common_pixels(region, other) for other in self.begun)


def common_pixels(one: Region, other: Region) -> int:
    """How many pixels lie in two regions."""
    rows, columns = min(one.y1, other.y1) - max(one.y0, other.y0), min(one.x1, other.x1) - max(one.x0, other.x0)
    return max(0, rows) * max(0, columns)


class MaskMemory:
    """Masks (y, x) float32 by the path of their array, whose key names their values, and slice. ``most``: bytes.

    Regions that two threads put at once must not both count as known, and memory of a mask that was dropped becomes
    that of another one only when nobody copies from it or to it any more.
    """

    def __init__(self, most: int = 0) -> None:
        self.most = most
        self.masks: OrderedDict[str, dict[int, SliceMask]] = OrderedDict()
        self.spare: list[np.ndarray] = []  # memory that is there already: of masks that were dropped, or prepared
        self.guard = Lock()

    @property
    def bytes(self) -> int:
        """Bytes of all masks, whether they are known by now or not."""
        return sum(kept.mask.nbytes for slices in self.masks.values() for kept in slices.values())

    def put(self, path: str, z: int, region: Region, frame: Frame, values: np.ndarray) -> None:
        """Keep a region unless some of it is known, or the masks of this array alone fill the memory."""
        with self.guard:
            kept = self._slice(path, z, frame)
            if kept is None or not kept.is_vacant(region):
                return
            kept.users += 1
            kept.begun.append(region)
        kept.mask[region.y0 : region.y1, region.x0 : region.x1] = values
        with self.guard:
            kept.users -= 1
            kept.begun.remove(region)
            kept.regions.append(region)

    def get(self, path: str, z: int, region: Region) -> np.ndarray | None:
        """A copy of a region of a mask, None unless all of it is known."""
        with self.guard:
            kept = self.masks.get(path, {}).get(z)
            if kept is None or kept.known(region) < region.shape[0] * region.shape[1]:
                return None
            self.masks.move_to_end(path)
            kept.users += 1
        out = kept.mask[region.y0 : region.y1, region.x0 : region.x1].copy()
        with self.guard:
            kept.users -= 1
        return out

    def prepare(self, frame: Frame, slices: int) -> None:
        """Have memory for so many masks that will be put, as far as there is room.

        Memory that is new is cleared by the system when it is first written to, which takes as long as computing masks.
        """
        for _ in range(slices):
            mask = np.empty(frame, np.float32)
            with self.guard:
                if self.bytes + sum(spare.nbytes for spare in self.spare) + mask.nbytes > self.most:
                    return
                self.spare.append(mask)
            mask.reshape(-1)[:: PAGE // mask.itemsize] = 0

    def clear(self) -> None:
        """Keep nothing any more."""
        with self.guard:
            self.masks.clear()
            self.spare.clear()

    def _slice(self, path: str, z: int, frame: Frame) -> SliceMask | None:
        """The mask of a slice, in the place of what was not asked for longest; None where there is no room.

        Called with the lock held.
        """
        slices = self.masks.setdefault(path, {})
        self.masks.move_to_end(path)
        if z not in slices:
            size = 4 * frame[0] * frame[1]
            self.spare = [mask for mask in self.spare if mask.shape == frame]
            while self.bytes + size > self.most and len(self.masks) > 1:
                dropped = self.masks.popitem(last=False)[1].values()
                self.spare += [kept.mask for kept in dropped if not kept.users and kept.mask.shape == frame]
            if self.bytes + size > self.most:
                return None
            slices[z] = SliceMask(self.spare.pop() if self.spare else np.empty(frame, np.float32))
        return slices[z]


#: That of this process; it keeps nothing until it may.
memory = MaskMemory()


@frozen
class RememberedMaskJob(MaskJob):
    """A generator whose masks are kept in the memory of this process under ``path`` once they are computed."""

    path: str = ""

    @classmethod
    def of(cls, job: MaskJob, path: str) -> RememberedMaskJob:
        """A job that does the same."""
        return cls(**{item.name: getattr(job, item.name) for item in fields(MaskJob)}, path=path)

    @property
    def timed_as(self) -> MaskJob:
        """The same without memory: windows that overlap each other, or are only looks, are not kept."""
        return MaskJob(**{item.name: getattr(self, item.name) for item in fields(MaskJob)})

    def raw_mask(self, access: Access, z: int, seen: Window, image: Window | None, region: Region) -> np.ndarray:
        raw = super().raw_mask(access, z, seen, image, region)
        memory.put(self.path, z, region, self.frame, raw)
        return raw

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        kept = [memory.get(self.path, z, region) for z in range(*lead[0])]
        whole = [mask for mask in kept if mask is not None]
        return stack_slices(whole) if len(whole) == len(kept) else self.timed_as.values(access, path, lead, region)


def remembering(lean: Plan) -> Plan:
    """A plan whose masks that are not stored are kept in the memory of this process, if it may keep any."""
    if not memory.most:
        return lean
    paths = {measured_key(stage.key): stage.outputs[0].path for stage in lean.unstored}

    def kept(job: RegionValues, path: str) -> RegionValues:
        return RememberedMaskJob.of(job, path) if type(job) is MaskJob else job

    def inputs(parts: tuple[ComputedInput, ...]) -> tuple[ComputedInput, ...]:
        return tuple(replace(part, job=kept(part.job, part.path)) for part in parts)

    def stage(old: Stage) -> Stage:
        job = (
            RememberedMaskJob.of(old.job, paths[old.key]) if type(old.job) is MaskJob and old.key in paths else old.job
        )
        return replace(old, job=job, computed=inputs(old.computed))

    return replace(lean, stages=tuple(map(stage, lean.stages)))
