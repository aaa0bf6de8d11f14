"""From montages to the picture: final steps, backgrounds, and the 16-bit planes that are exported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.grid import Frame, Halo, Region, Window, chain
from imfuse_tiles.ops.background import Origin
from imfuse_tiles.ops.final import Final, Picture
from imfuse_tiles.store import Store
from imfuse_tiles.work.masks import Source
from imfuse_tiles.work.stage import Access, Block, Job


@dataclass(frozen=True)
class Layer:
    """A background: its origin, and where its picture lies if it is made of the stack."""

    origin: Origin
    picture: Source | None = None

    def read(self, access: Access, region: Region, colours: int) -> np.ndarray:
        """Colours with opacity (colours + 1, y, x)."""
        layer = np.ones((colours + 1, *region.shape), np.float32)
        if self.picture is not None:
            layer[:-1] = np.clip(self.picture.window(access, 0, region).data, 0, 1)
        elif self.origin.kind == "clear":
            layer[:] = 0
        else:
            layer[:-1] = np.asarray(self.origin.value, np.float32)[:colours, None, None]
        return layer


@dataclass(frozen=True)
class FinishJob(Job):
    """The result: montages (one for each substack, front first) after the final steps, over the backgrounds.

    Writes uint16 planes: the colours, the opacity, the final mask, depth value and its opacity.
    """

    montages: tuple[str, ...]
    planes_each: int
    planes_stack: int
    colours: int
    finals: tuple[Final, ...]
    layers: tuple[Layer, ...]
    frame: Frame
    out: str

    @property
    def depth(self) -> int:
        """Planes of the output."""
        return self.colours + 4

    def halo(self) -> Halo:
        return chain(op.halo(self.frame) for op in self.finals)

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        region = block.region
        canvas = np.zeros((self.colours + 1, *region.shape), np.float32)
        for layer in self.layers:
            canvas = kernels.fold.over(layer.read(access, region, self.colours), canvas)
        mask, depth = np.zeros(region.shape, np.float32), np.zeros((2, *region.shape), np.float32)
        opened = [self.opened(access, path, region) for path in self.montages]
        for _, behind in opened:
            for layer_planes in behind:
                canvas = kernels.fold.over(layer_planes, canvas)
        for picture, _ in reversed(opened):
            canvas = kernels.fold.over(self.as_coloured(picture.image.data), canvas)
            depth = kernels.fold.over(picture.depth.data, depth)
            mask = np.maximum(mask, picture.mask.data)
        codes = coded(np.concatenate([canvas, mask[None], depth]))
        access.write(self.out, [(0, self.depth)], region, codes)
        return {"opaque": bool(codes[self.colours].min() == 65535)}

    def opened(self, access: Access, path: str, region: Region) -> tuple[Picture, list[np.ndarray]]:
        """A montage after the final steps, and the backgrounds it brings along."""
        around = region.grown(self.halo(), self.frame)
        planes, c = access.read(path, [(0, self.planes_each)], around), self.planes_stack
        window = lambda part: Window(part, around, self.frame)  # noqa: E731
        picture = Picture(window(planes[: c + 1]), window(planes[c + 1]), window(planes[c + 2 : c + 4]))
        for op in self.finals:
            picture = op.apply(picture, {})
        picture = Picture(*(each.cropped(region) for each in (picture.image, picture.mask, picture.depth)))
        behind = Window(planes[c + 4 :], around, self.frame).cropped(region).data
        layers = [self.as_coloured(behind[at : at + c + 1]) for at in range(0, len(behind), c + 1)]
        return picture, layers

    def as_coloured(self, planes: np.ndarray) -> np.ndarray:
        """Colours with opacity in as many planes as the result has."""
        if len(planes) == self.colours + 1:
            return planes
        return np.concatenate([np.repeat(planes[:1], self.colours, axis=0), planes[-1:]])

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return {"opaque": all(each["opaque"] for each in reports)}

    def planes(self) -> float:
        return 8.0 * (self.planes_each + self.depth)


def coded(values: np.ndarray) -> np.ndarray:
    """Values in 0..1 as 16-bit codes, rounded to the nearest."""
    return (np.clip(values, 0, 1) * np.float32(65535) + np.float32(0.5)).astype(np.uint16)
