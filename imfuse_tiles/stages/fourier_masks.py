"""Fourier masks of frames too large to transform: a near kernel for each tile, and one small transform for the rest.

Three stages: every slice is reduced to cells of 8 x 8 pixels; what the near kernel leaves of the response is
applied to the cells of a whole slice; every tile adds its enlarged part to the near kernel's answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region, Window
from imfuse_tiles.kernels.response import Response
from imfuse_tiles.options.mask_computation import raw_mask
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.masks import MaskJob
from imfuse_tiles.stages.plane_readers import PlaneReader, corners, interior, read_replicated, region_of


@frozen
class CellsJob(Job):
    """Means of the 8 x 8 cells of every slice; the frame of this job is that of the cells."""

    planes_of: PlaneReader
    count: int
    out: str

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        wanted = region_of(kernels.cells.reduced_source(corners(block.region)))
        for z in range(block.z0, block.z1):
            pixels = read_replicated(partial(self.planes_of.read, access, z), wanted, self.planes_of.frame)
            cells = np.stack([kernels.cells.reduce8(np.ascontiguousarray(plane)) for plane in pixels])
            access.write(self.out, [(0, self.count), (z, z + 1)], block.region, cells[:, None])
        return {}

    def memory(self, height: int, width: int) -> int:
        return 64 * 4 * height * width * (3 * self.count + 4)


@frozen
class FarJob(Job):
    """What the near kernels leave of the responses, on the cells of one whole slice."""

    kind: ClassVar[str] = "frame"

    cells: str
    count: int
    responses: tuple[Response, ...]
    frame: Frame
    out: str

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        size = kernels.cells.reduced_shape(*self.frame)
        cells = access.read(self.cells, [(0, self.count), (block.z0, block.z1)], Region(0, size[0], 0, size[1]))
        made = [
            kernels.farfield.far_plane(np.ascontiguousarray(plane), response, *self.frame)
            for response in self.responses
            for plane in cells[:, 0]
        ]
        access.write(self.out, [(0, len(made)), (block.z0, block.z1)], block.region, np.stack(made)[:, None])
        return {}

    def memory(self, height: int, width: int) -> int:
        return kernels.farfield.far_bytes(*self.frame) + 12 * height * width * self.count * len(self.responses)


@lru_cache(maxsize=8)
def near_gain(response: Response, frame: Frame) -> np.ndarray:
    """What the near kernel multiplies with."""
    return kernels.nearfield.near_gain(response, *frame)


@frozen
class FarPart:
    """The far parts in the store, and the whole filter with them."""

    path: str
    count: int
    responses: tuple[Response, ...]
    frame: Frame

    def source(self, region: Region) -> Region:
        """The part of the frame that a filtered region looks at."""
        return interior(region_of(kernels.nearfield.near_source(corners(region))), self.frame)

    def filtered(self, access: Access, z: int, x: Window, region: Region) -> Window:
        """A region of planes (c, y, x), filtered; with two responses the difference of their answers."""
        made = [self.answer(access, z, x, region, number) for number in range(len(self.responses))]
        return Window(made[0] if len(made) == 1 else np.abs(made[0] - made[1]), region, self.frame)

    def answer(self, access: Access, z: int, x: Window, region: Region, number: int) -> np.ndarray:
        wanted = region_of(kernels.nearfield.near_source(corners(region)))
        pixels = read_replicated(lambda part: x.cropped(part).data, wanted, self.frame)
        gain = near_gain(self.responses[number], self.frame)
        cells = region_of(kernels.cells.enlarged_source(corners(region)))
        first = number * self.count
        far = access.read(self.path, [(first, first + self.count), (z, z + 1)], cells)[:, 0]
        parts = [
            kernels.nearfield.near(np.ascontiguousarray(plane), corners(region), gain)
            + kernels.cells.enlarge8(np.ascontiguousarray(rest), corners(region))
            for plane, rest in zip(pixels, far, strict=True)
        ]
        return np.stack(parts)


@frozen
class FarMaskJob(MaskJob):
    """A Fourier generator whose far part is in the store."""

    parted: ClassVar[bool] = False

    far: FarPart | None = None

    def around(self, region: Region) -> Region:
        assert self.far is not None
        return self.far.source(region)

    def raw_mask(self, access: Access, z: int, seen: Window, image: Window | None, region: Region) -> np.ndarray:
        far = self.far
        assert far is not None
        made = raw_mask(self.op, seen, self.working_space, image, lambda x: far.filtered(access, z, x, region))
        return made.cropped(region).data

    def memory(self, height: int, width: int) -> int:
        reach = 2 * (kernels.nearfield.BLOCK + kernels.nearfield.HALO)
        return int(4 * self.planes() * (height + reach) * (width + reach))


@frozen
class FarFilteredMasks:
    """A chain of mask filters that goes on with a Fourier filter whose far part is in the store."""

    path: str
    far: FarPart

    def read(self, access: Access, z: int, region: Region) -> Window:
        around = self.far.source(region)
        x = Window(access.read(self.path, [(z, z + 1)], around), around, self.far.frame)
        made = self.far.filtered(access, z, x, region)
        return made.with_data(made.data[0])


def split_error(responses: Iterable[Response], frame: Frame) -> float:
    """About the largest error of the split filter, for the plan."""
    return sum(kernels.farfield.expected_error(response, *frame) for response in responses)
