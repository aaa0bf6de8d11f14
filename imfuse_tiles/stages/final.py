"""From montages to the picture: final steps, backgrounds, and the 16-bit planes that are exported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Halo, Region
from imfuse_tiles.options.final_steps import FinalStep
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.focus_depth import FocusDepth
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.layers import Layer, with_colour_planes
from imfuse_tiles.stages.step_chain import StepChain
from imfuse_tiles.stages.subtiles import memory, subtiles_of
from imfuse_tiles.storage.store import Store


@frozen
class FinalJob(Job):
    """A picture after some final steps, float32 in the planes it came in; another step wants to measure it."""

    step: ClassVar[str] = "post"
    parted: ClassVar[bool] = True

    source: StepChain
    out: str

    def halo(self) -> Halo:
        return self.source.halo()

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        for part in subtiles_of(block.region, access.chunk_edge(self.out), self.halo().radius):
            picture, behind = self.source.read(access, part)
            planes = [picture.image.data, picture.mask.data[None], picture.depth.data, behind]
            access.write(self.out, [(0, self.source.planes)], part, np.concatenate(planes))
        return {}

    def memory(self, height: int, width: int) -> int:
        return memory(
            self.source.weight, 6 * self.source.planes, (height, width), self.source.frame, self.halo().radius
        )


@frozen
class MeasureJob(Job):
    """What a final step has to know of the whole picture."""

    kind: ClassVar[str] = "reduce"
    step: ClassVar[str] = "post"

    source: StepChain
    op: FinalStep

    def halo(self) -> Halo:
        return self.op.measure_halo(self.source.frame)

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        around = block.region.with_halo(self.halo(), self.source.frame)
        picture, _ = self.source.read(access, around, keep=False)
        return self.op.measure(picture, block.region)

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return self.op.merge_measurements(reports)

    def summary_pattern(self) -> Any:
        return self.op.measured

    def planes(self) -> float:
        return 4.5 * self.source.planes


@frozen
class FinishJob(Job):
    """The result: pictures (one for each substack, front first) after their final steps, over the backgrounds.

    Writes uint16 planes: the colours and the opacity, with ``maps`` the final mask, depth value and its opacity.
    """

    step: ClassVar[str] = "post"
    parted: ClassVar[bool] = True

    pictures: tuple[StepChain, ...]
    layers: tuple[Layer, ...]
    colours: int
    out: str
    maps: bool = True
    #: The depth of what lies below the pictures, if it is known.
    surface: FocusDepth | None = None
    #: Chunks along the edge of a part at least: more where what is read is computed, halos and all, for each part.
    part_chunks: int = 1

    @property
    def depth(self) -> int:
        """Planes of the output."""
        return self.colours + 1 + 3 * self.maps

    def halo(self) -> Halo:
        halo = Halo()
        for picture in self.pictures:
            halo = halo.maximum(picture.halo())
        return halo

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        opaque = depth_opaque = clear = True
        edge, reach = access.chunk_edge(self.out), self.halo().radius
        for part in subtiles_of(block.region, edge, reach, self.part_chunks):
            codes = self.codes(access, part)
            access.write(self.out, [(0, self.depth)], part, codes)
            clear = clear and not codes[self.colours].any()
            opaque = opaque and bool(codes[self.colours].min() == 65535)
            depth_opaque = depth_opaque and self.maps and bool(codes[-1].min() == 65535)
        return {"opaque": opaque, "depth_opaque": depth_opaque, "clear": clear}

    def codes(self, access: Access, region: Region) -> np.ndarray:
        """The planes of a region."""
        c, codes = self.colours, np.empty((self.depth, *region.shape), np.uint16)
        below, depth, mask = None, None, np.zeros((1, 1), np.float32)
        if self.surface:
            depth, mask = self.surface.read(access, region)
        for layer in self.backgrounds(access, region):
            below = kernels.composite.over(layer, below)
        for chained in reversed(self.pictures[1:]):
            picture, _ = chained.read(access, region)
            below = kernels.composite.over(with_colour_planes(picture.image.data, c), below)
            if self.maps:
                depth = kernels.composite.over(picture.depth.data, depth)
                mask = np.maximum(mask, picture.mask.data)
        image, place, strongest = self.front(access, region)
        kernels.composite.over_as_codes(image, below, codes[: c + 1])
        if self.maps:
            kernels.codes.to_codes(np.maximum(mask, strongest), codes[c + 1])
            kernels.composite.over_as_codes(place, depth, codes[c + 2 :])
        return codes

    def front(self, access: Access, region: Region) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Colours with opacity, depth with opacity and mask of the foremost picture; all clear if there is none."""
        if not self.pictures:
            clear = np.zeros((self.colours + 1, *region.shape), np.float32)
            return clear, clear[:2], clear[0]
        picture, _ = self.pictures[0].read(access, region)
        return with_colour_planes(picture.image.data, self.colours), picture.depth.data, picture.mask.data

    def backgrounds(self, access: Access, region: Region) -> Iterator[np.ndarray]:
        """The backgrounds, and in front of them those that the cuts left, the hindmost first."""
        for layer in self.layers:
            yield layer.read(access, region, self.colours)
        for picture in reversed(self.pictures):
            each = picture.colours + 1
            for plane in range(picture.behind, picture.planes, each):
                left = picture.samples(access, (plane, plane + each), region, keep=True)
                yield with_colour_planes(left, self.colours)

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        found = [{"depth_opaque": False, "clear": False, **report} for report in reports]
        return {name: all(report[name] for report in found) for name in ("opaque", "depth_opaque", "clear")}

    def summary_pattern(self) -> Any:
        return {"opaque": bool}

    def memory(self, height: int, width: int) -> int:
        read = sum(each.weight for each in self.pictures)
        layered = any(layer.picture for layer in self.layers)
        work = 12 + 5 * max((each.planes for each in self.pictures), default=0) + 3 * (1 + layered) * (self.colours + 1)
        frame = self.pictures[0].frame if self.pictures else (height, width)
        return memory(read, work, (height, width), frame, self.halo().radius, self.part_chunks)
