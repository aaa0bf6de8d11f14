"""Planes of a slice that Fourier masks are computed of: those that a generator looks at, or a mask in the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.options.mask_computation import input_planes
from imfuse_tiles.options.mask_generator import MaskGenerator, WorkingSpace
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.stored_frames import StoredFrames


class PlaneReader(Protocol):
    """Where the planes of a slice come from."""

    @property
    def frame(self) -> Frame: ...

    def read(self, access: Access, z: int, region: Region) -> np.ndarray:
        """Planes (c, y, x) of a region inside the frame."""
        ...


@frozen
class FramePlanes:
    """The planes a generator looks at."""

    op: MaskGenerator
    working_space: WorkingSpace
    source: StoredFrames
    frame: Frame
    image: StoredFrames | None = None

    def read(self, access: Access, z: int, region: Region) -> np.ndarray:
        image = None if self.image is None else self.image.window(access, 0, region)
        return input_planes(self.op, self.source.window(access, z, region), self.working_space, image).data


@frozen
class MaskPlanes:
    """The one plane of a mask that is in the store."""

    path: str
    frame: Frame

    def read(self, access: Access, z: int, region: Region) -> np.ndarray:
        return access.read(self.path, [(z, z + 1)], region)


def read_replicated(read: Callable[[Region], np.ndarray], wanted: Region, frame: Frame) -> np.ndarray:
    """Planes (c, y, x) of a region that may leave the frame, whose edge pixels repeat there."""
    part = interior(wanted, frame)
    around = [(part.y0 - wanted.y0, wanted.y1 - part.y1), (part.x0 - wanted.x0, wanted.x1 - part.x1)]
    return np.pad(read(part), [(0, 0), *around], mode="edge")


def interior(region: Region, frame: Frame) -> Region:
    """What of a region lies in the frame."""
    return Region(max(region.y0, 0), min(region.y1, frame[0]), max(region.x0, 0), min(region.x1, frame[1]))


def corners(region: Region) -> tuple[int, int, int, int]:
    """A region as top, left, bottom, right."""
    return region.y0, region.x0, region.y1, region.x1


def region_of(corners: tuple[int, int, int, int]) -> Region:
    """The region of top, left, bottom, right."""
    top, left, bottom, right = corners
    return Region(top, bottom, left, right)
