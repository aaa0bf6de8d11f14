"""From montages to the picture: final steps, backgrounds, and the 16-bit planes that are exported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.grid import Frame, Halo, Region, Window, chain
from imfuse_tiles.ops.final import Final, Picture
from imfuse_tiles.store import Store
from imfuse_tiles.work.layer import Layer, as_coloured
from imfuse_tiles.work.stage import Access, Block, Job


@dataclass(frozen=True)
class Step:
    """A final step, and the stage that measured the numbers it needs."""

    op: Final
    numbers: str | None = None

    def apply(self, picture: Picture, store: Store) -> Picture:
        numbers = store.numbers(self.numbers) if self.numbers else {}
        assert numbers is not None, f"{self.numbers} is not finished"
        return self.op.apply(picture, numbers)


@dataclass(frozen=True)
class Chain:
    """A picture in the store, and the final steps it takes as it is read.

    The planes, float32: ``colours`` colours, the opacity, the final mask, depth value and its opacity, and colours
    with opacity of every background that the cuts left behind.
    """

    path: str
    colours: int
    planes: int
    frame: Frame
    steps: tuple[Step, ...] = ()

    @property
    def key(self) -> str:
        """The key of the stage that wrote the picture."""
        return self.path.rpartition("/")[2]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The keys of the stages it is read from."""
        return (self.key, *(step.numbers for step in self.steps if step.numbers))

    def record(self) -> list[Any]:
        """What decides the picture's samples."""
        return [self.path, [[step.op.record("work"), step.numbers] for step in self.steps]]

    def then(self, step: Step) -> Chain:
        """The same picture with one more step to take."""
        return replace(self, steps=(*self.steps, step))

    def halo(self) -> Halo:
        return chain(step.op.halo(self.frame) for step in self.steps)

    def around(self, region: Region) -> Region:
        """What is read for a region."""
        return region.grown(self.halo(), self.frame)

    def read(self, access: Access, region: Region) -> tuple[Picture, np.ndarray]:
        """The picture of a region after the steps, and the planes of the backgrounds it brings along."""
        around, c = self.around(region), self.colours
        planes = access.read(self.path, [(0, self.planes)], around)
        window = lambda part: Window(part, around, self.frame)  # noqa: E731
        picture = Picture(window(planes[: c + 1]), window(planes[c + 1]), window(planes[c + 2 : c + 4]))
        for step in self.steps:
            picture = step.apply(picture, access.store)
        return picture.cropped(region), window(planes[c + 4 :]).cropped(region).data


@dataclass(frozen=True)
class FinalJob(Job):
    """A picture after some final steps, float32 in the planes it came in; another step wants to measure it."""

    step: ClassVar[str] = "post"

    source: Chain
    out: str

    def halo(self) -> Halo:
        return self.source.halo()

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        picture, behind = self.source.read(access, block.region)
        planes = [picture.image.data, picture.mask.data[None], picture.depth.data, behind]
        access.write(self.out, [(0, self.source.planes)], block.region, np.concatenate(planes))
        return {}

    def planes(self) -> float:
        return 7.0 * self.source.planes


@dataclass(frozen=True)
class MeasureJob(Job):
    """What a final step has to know of the whole picture."""

    kind: ClassVar[str] = "reduce"
    step: ClassVar[str] = "post"

    source: Chain
    op: Final

    def halo(self) -> Halo:
        return self.op.measure_halo(self.source.frame)

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        around = block.region.grown(self.halo(), self.source.frame)
        picture, _ = self.source.read(access, around)
        return self.op.measure(picture, block.region)

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return self.op.measured(reports)

    def planes(self) -> float:
        return 4.5 * self.source.planes


@dataclass(frozen=True)
class FinishJob(Job):
    """The result: pictures (one for each substack, front first) after their final steps, over the backgrounds.

    Writes uint16 planes: the colours, the opacity, the final mask, depth value and its opacity.
    """

    step: ClassVar[str] = "post"

    pictures: tuple[Chain, ...]
    layers: tuple[Layer, ...]
    colours: int
    out: str

    @property
    def depth(self) -> int:
        """Planes of the output."""
        return self.colours + 4

    def halo(self) -> Halo:
        halo = Halo()
        for picture in self.pictures:
            halo = halo.widest(picture.halo())
        return halo

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        region = block.region
        canvas = np.zeros((self.colours + 1, *region.shape), np.float32)
        for layer in self.layers:
            canvas = kernels.fold.over(layer.read(access, region, self.colours), canvas)
        mask, depth = np.zeros(region.shape, np.float32), np.zeros((2, *region.shape), np.float32)
        for behind in self.behind(access, region):
            canvas = kernels.fold.over(behind, canvas)
        for chained in reversed(self.pictures):
            picture, _ = chained.read(access, region)
            canvas = kernels.fold.over(as_coloured(picture.image.data, self.colours), canvas)
            depth = kernels.fold.over(picture.depth.data, depth)
            mask = np.maximum(mask, picture.mask.data)
        codes = coded(np.concatenate([canvas, mask[None], depth]))
        access.write(self.out, [(0, self.depth)], region, codes)
        return {"opaque": bool(codes[self.colours].min() == 65535)}

    def behind(self, access: Access, region: Region) -> Iterable[np.ndarray]:
        """The backgrounds that the cuts left, the hindmost first."""
        for picture in reversed(self.pictures):
            first, each = picture.colours + 4, picture.colours + 1
            for plane in range(first, picture.planes, each):
                yield as_coloured(access.read(picture.path, [(plane, plane + each)], region), self.colours)

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return {"opaque": all(each["opaque"] for each in reports)}

    def planes(self) -> float:
        read = max((each.planes for each in self.pictures), default=0)
        return 8 + 3.5 * (read + self.depth) + (8 if any(each.steps for each in self.pictures) else 0)


def coded(values: np.ndarray) -> np.ndarray:
    """Values in 0..1 as 16-bit codes, rounded to the nearest."""
    return (np.clip(values, 0, 1) * np.float32(65535) + np.float32(0.5)).astype(np.uint16)
