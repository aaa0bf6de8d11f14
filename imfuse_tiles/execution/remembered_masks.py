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
from imfuse_tiles.stages.masks import MaskJob
from imfuse_tiles.stages.stage import ComputedInput, Stage, measured_key


class SliceMask:
    """The mask of a slice (y, x) and the regions of it that are known, none of which overlap."""

    def __init__(self, mask: np.ndarray) -> None:
        self.mask, self.regions = mask, list[Region]()

    def known(self, region: Region) -> int:
        """How many pixels of a region are known."""
        total = 0
        for y0, y1, x0, x1 in self.regions:
            rows, columns = min(y1, region.y1) - max(y0, region.y0), min(x1, region.x1) - max(x0, region.x0)
            total += max(0, rows) * max(0, columns)
        return total


class MaskMemory:
    """Masks (y, x) float32 by the path of their array, whose key names their values, and slice. ``most``: bytes.

    Samples are copied under the lock: memory of a mask that was dropped becomes that of another one, and regions that
    two threads put at once must not both count as known.
    """

    def __init__(self, most: int = 0) -> None:
        self.most = most
        self.masks: OrderedDict[str, dict[int, SliceMask]] = OrderedDict()
        self.spare: list[np.ndarray] = []  # of masks that were dropped: memory that is there already
        self.guard = Lock()

    @property
    def bytes(self) -> int:
        """Bytes of all masks, whether they are known by now or not."""
        return sum(kept.mask.nbytes for slices in self.masks.values() for kept in slices.values())

    def put(self, path: str, z: int, region: Region, frame: Frame, values: np.ndarray) -> None:
        """Keep a region unless some of it is known, or the masks of this array alone fill the memory."""
        with self.guard:
            kept = self._slice(path, z, frame)
            if kept is not None and not kept.known(region):
                kept.mask[region.y0 : region.y1, region.x0 : region.x1] = values
                kept.regions.append(region)

    def get(self, path: str, z: int, region: Region) -> np.ndarray | None:
        """A copy of a region of a mask, None unless all of it is known."""
        with self.guard:
            kept = self.masks.get(path, {}).get(z)
            if kept is None or kept.known(region) < region.shape[0] * region.shape[1]:
                return None
            self.masks.move_to_end(path)
            return kept.mask[region.y0 : region.y1, region.x0 : region.x1].copy()

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
            while self.bytes + size > self.most and len(self.masks) > 1:
                self.spare = [kept.mask for kept in self.masks.popitem(last=False)[1].values()]
            if self.bytes + size > self.most:
                return None
            self.spare = [mask for mask in self.spare if mask.shape == frame]
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
        return np.stack(whole) if len(whole) == len(kept) else self.timed_as.values(access, path, lead, region)


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
