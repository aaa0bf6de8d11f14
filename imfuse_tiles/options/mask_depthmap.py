"""A mask generator that reads a depth map from a file: one of an earlier run, edited by hand."""

from __future__ import annotations

from dataclasses import MISSING
from typing import ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.grammar import word
from imfuse_tiles.options.mask_generator import MaskGenerator


@frozen
class DepthMap(MaskGenerator, name="depthmap"):
    """Likeness of a depth map to the depth of each slice, as -X writes it: coloured, or grey."""

    contrast: ClassVar[bool] = False
    examples: ClassVar = ("result.depthmap.tif", "w80,result.depthmap.tif")
    typical_rate: ClassVar[float] = 1.1

    word1: str = word(MISSING, "image file of the size of the frames", role="none")  # type: ignore[arg-type]

    def validated(self) -> Self:
        if (self.I, self.C, self.c) != (None, None, None):
            raise Refusal("--depthmap does not take I, C or c: it looks at no frame")
        return super().validated()

    def likeness(self, planes: np.ndarray, place: float) -> np.ndarray:
        """The mask (y, x), float32 in 1/4..1, of the slice whose depth value is ``place`` (1: front, 0: back).

        ``planes`` (c + 1, y, x): the map's colours and its opacity. (1 + sum of the planes' likeness) / 4; a grey
        map counts as three equal planes.
        """
        colours = planes[:-1] if len(planes) == 4 else np.repeat(planes[:1], 3, axis=0)
        own = kernels.rainbow.rainbow(np.float32(place)) if len(planes) == 4 else np.full(3, place, np.float32)
        made: np.ndarray = kernels.rainbow.likeness(colours, planes[-1], own)
        return np.float32(1.25) - made if self.neg else made
