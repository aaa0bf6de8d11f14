"""Masks of slices kept in the memory of a process, so that none of them is computed again.

For tuning: the limits of merged masks are measured right after those of raw masks, and again for every filter that is
changed. What does not fit the memory is computed again, with the same values.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np

from imfuse_tiles.execution.spare_memory import SpareMemory
from imfuse_tiles.geometry import Frame, Region

#: Bytes after which memory is touched so that the system clears it: its least page.
PAGE = 4096


class SliceMask:
    """The mask of a slice (y, x), the regions of it that are known or being written, none of which overlap."""

    def __init__(self, mask: np.ndarray) -> None:
        self.mask, self.regions, self.begun = mask, list[Region](), list[Region]()
        #: How many threads copy samples at the moment, and pixels that are known.
        self.users, self.pixels = 0, 0

    def known(self, region: Region) -> int:
        """How many pixels of a region are known."""
        if self.pixels == self.mask.size:
            return region.shape[0] * region.shape[1]
        return sum(common_pixels(region, other) for other in self.regions)

    def is_vacant(self, region: Region) -> bool:
        """Whether no pixel of a region is known or being written."""
        return not self.known(region) and not any(common_pixels(region, other) for other in self.begun)


def common_pixels(one: Region, other: Region) -> int:
    """How many pixels lie in two regions."""
    rows, columns = min(one.y1, other.y1) - max(one.y0, other.y0), min(one.x1, other.x1) - max(one.x0, other.x0)
    return max(0, rows) * max(0, columns)


class MaskMemory:
    """Masks (y, x) by the path of their array, whose key names their values, and slice. ``most``: bytes.

    Regions that two threads put at once must not both count as known, and memory of a mask that was dropped becomes
    that of another one only when nobody copies from it or to it any more.
    """

    def __init__(self, most: int = 0) -> None:
        self.most = most
        self.masks: OrderedDict[str, dict[int, SliceMask]] = OrderedDict()
        self.spare = SpareMemory()
        self.guard = Lock()

    @property
    def bytes(self) -> int:
        """Bytes of all masks, whether they are known by now or not."""
        return sum(kept.mask.nbytes for slices in self.masks.values() for kept in slices.values())

    def put(self, path: str, z: int, region: Region, frame: Frame, values: np.ndarray) -> None:
        """Keep a region unless some of it is known, or the masks of this array alone fill the memory."""
        with self.guard:
            kept = self._slice(path, z, frame, values.dtype)
            if kept is None or not kept.is_vacant(region):
                return
            kept.users += 1
            kept.begun.append(region)
        kept.mask[region.y0 : region.y1, region.x0 : region.x1] = values
        with self.guard:
            kept.users -= 1
            kept.begun.remove(region)
            kept.regions.append(region)
            kept.pixels += region.shape[0] * region.shape[1]

    def prefer(self, paths: Iterable[str]) -> None:
        """Drop masks of these arrays after all others."""
        with self.guard:
            for path in paths:
                if path in self.masks:
                    self.masks.move_to_end(path)

    def shrink(self, path: str, z: int, smaller: str, convert: Callable[[np.ndarray], np.ndarray]) -> None:
        """Keep what ``convert`` makes of a slice's mask, if all of it is known, as ``smaller`` instead."""
        with self.guard:
            kept = self.masks.get(path, {}).get(z)
            if kept is None or kept.users or kept.begun or kept.pixels < kept.mask.size:
                return
            kept.users += 1
        values = convert(kept.mask)
        with self.guard:
            kept.users -= 1
            if kept.users or self.masks.get(path, {}).pop(z, None) is not kept:
                return
            self.spare.give([kept.mask])
            if not self.masks[path]:
                del self.masks[path]
        height, width = values.shape
        self.put(smaller, z, Region(0, height, 0, width), (height, width), values)

    def has(self, path: str) -> bool:
        """Whether masks of an array are kept."""
        return bool(self.masks.get(path))

    def get(self, path: str, z: int, region: Region) -> np.ndarray | None:
        """A copy of a region of a mask, None unless all of it is known."""
        return self._look(path, z, region, np.copy)

    def sampled(self, path: str, z: int, region: Region, step: int) -> np.ndarray | None:
        """A copy of every ``step``-th row and column of a region of a mask, None unless all of it is known."""
        return self._look(path, z, region, lambda mask: mask[::step, ::step].copy())

    def _look(self, path: str, z: int, region: Region, look: Callable[[np.ndarray], Any]) -> Any:
        """What a function finds in a region of a mask, None unless all of it is known."""
        with self.guard:
            kept = self.masks.get(path, {}).get(z)
            if kept is None or kept.known(region) < region.shape[0] * region.shape[1]:
                return None
            self.masks.move_to_end(path)
            kept.users += 1
        found = look(kept.mask[region.y0 : region.y1, region.x0 : region.x1])
        with self.guard:
            kept.users -= 1
        return found

    def prepare(self, frame: Frame, slices: int) -> None:
        """Have memory for so many masks (y, x) float32 that will be put, as far as there is room.

        Memory that is new is cleared by the system when it is first written to, which takes as long as computing masks.
        """
        while self._lacks(frame, slices):
            mask = np.empty(frame, np.float32)
            mask.reshape(-1)[:: PAGE // mask.itemsize] = 0
            with self.guard:  # not before: who puts a mask would find what is still written to
                self.spare.give([mask])

    def _lacks(self, frame: Frame, slices: int) -> bool:
        """Whether memory for so many masks is not there yet, and one more has room."""
        size = 4 * frame[0] * frame[1]
        with self.guard:
            there = sum(spare.shape == frame and spare.nbytes == size for spare in self.spare)
            return there < slices and self.bytes + self.spare.bytes + size <= self.most

    def clear(self) -> None:
        """Keep nothing any more."""
        with self.guard:
            self.masks.clear()
            self.spare.clear()

    def _slice(self, path: str, z: int, frame: Frame, dtype: np.dtype) -> SliceMask | None:
        """The mask of a slice, in the place of what was not asked for longest; None where there is no room.

        Called with the lock held.
        """
        slices = self.masks.setdefault(path, {})
        self.masks.move_to_end(path)
        if z not in slices:
            size = dtype.itemsize * frame[0] * frame[1]
            while self.bytes + size > self.most and len(self.masks) > 1:
                dropped = self.masks.popitem(last=False)[1].values()
                self.spare.give(kept.mask for kept in dropped if not kept.users)
            if self.bytes + size > self.most:
                return None
            beside, most = [kept.mask for kept in slices.values()], self.most - self.bytes - size
            slices[z] = SliceMask(self.spare.take(frame, dtype, beside, most))
        return slices[z]


class MaskLooks:
    """Masks of regions that are looked at, float32 (y, x) by the path of their array, and slice. ``most``: bytes."""

    def __init__(self, most: int = 0) -> None:
        self.most, self.bytes, self.guard = most, 0, Lock()
        self.masks: OrderedDict[tuple[str, int], list[tuple[Region, np.ndarray]]] = OrderedDict()

    def put(self, path: str, z: int, region: Region, mask: np.ndarray) -> None:
        """Keep a mask, in the place of those that were not asked for longest."""
        with self.guard:
            self.masks.setdefault((path, z), []).append((region, mask.copy()))
            self.masks.move_to_end((path, z))
            self.bytes += mask.nbytes
            while self.bytes > self.most:
                self.bytes -= sum(kept.nbytes for _, kept in self.masks.popitem(last=False)[1])

    def get(self, path: str, z: int, region: Region) -> np.ndarray | None:
        """A copy of a region of a mask, None where it is not in one that is kept."""
        with self.guard:
            for whole, mask in self.masks.get((path, z), ()):
                if common_pixels(whole, region) == region.shape[0] * region.shape[1]:
                    self.masks.move_to_end((path, z))
                    return mask[region.slices_in(whole)].copy()
        return None

    def clear(self) -> None:
        """Keep nothing any more."""
        with self.guard:
            self.masks.clear()
            self.bytes = 0


#: Those of this process; they keep nothing until they may.
memory, looks = MaskMemory(), MaskLooks()


@contextmanager
def forgotten() -> Iterator[None]:
    """Nothing is kept meanwhile, and what was is given back: its memory is needed."""
    kept = memory.most, looks.most
    memory.most = looks.most = 0
    memory.clear()
    looks.clear()
    try:
        yield
    finally:
        memory.most, looks.most = kept
