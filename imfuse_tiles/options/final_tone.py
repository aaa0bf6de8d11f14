"""Final steps that need numbers of the whole picture: gamma and adaptive sharpening."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.final_steps import FinalStep, Picture, merge_min_max, min_max
from imfuse_tiles.options.grammar import number, word
from imfuse_tiles.options.mask_computation import coloured
from imfuse_tiles.options.shared_filters import gaussian_smooth, smoothing_radius

#: Samples are summed as whole numbers of this size, so that the sum does not depend on the order.
SUM_SCALE = 1 << 24


@frozen
class FinalGamma(FinalStep, name="finalgamma"):
    """Lighten (above 1) or darken by a gamma; auto: so that the mean of colours and opacity becomes 50 %."""

    examples: ClassVar = ("", "1.5", "0.7")
    typical_rate: ClassVar[float] = 9.3

    word1: str = word("auto", "auto or a number above 0", quiet=True)

    def normalised(self) -> Self:
        return type(self)() if self.word1.lower() == "auto" else self

    def validated(self) -> Self:
        super().validated()
        if not self.needs_measuring and not 0.01 <= self.gamma <= 100:
            raise Refusal(f"--finalgamma: {self.word1} is not allowed, it is auto or a number from 0.01 to 100")
        return self

    @property
    def gamma(self) -> float:
        """The number given; not a number if it is none."""
        try:
            return float(self.word1)
        except ValueError:
            return math.nan

    @property
    def needs_measuring(self) -> bool:
        return self.word1 == "auto"

    def measure(self, picture: Picture, region: Region) -> dict[str, Any]:
        planes = np.clip(picture.image.cropped(region).data, 0, 1)
        sums = [int(np.rint(plane.astype(np.float64) * SUM_SCALE).astype(np.int64).sum()) for plane in planes]
        colours = sums[:-1] if len(sums) == 4 else sums[:-1] * 3
        return {"sum": sum(colours) + sums[-1], "count": 4 * planes[0].size}

    measured: ClassVar = {"mean": float}

    def merge_measurements(self, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        found = list(reports)
        return {"mean": sum(each["sum"] for each in found) / sum(each["count"] for each in found) / SUM_SCALE}

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        mean = numbers.get("mean", 0.0)
        if not self.needs_measuring:
            power = 1 / self.gamma
        elif 0 < mean < 1:
            power = math.log(0.5) / math.log(mean)
        else:
            return picture
        colours = picture.colours
        made = [kernels.tone.raise_to_power(np.ascontiguousarray(plane), power) for plane in colours.data]
        return picture.with_colours(colours.with_data(np.stack(made)))


@frozen
class FinalSharpen(FinalStep, name="finalsharpen"):
    """Sharpen the more the stronger the edges are."""

    examples: ClassVar = ("", "s3")
    typical_rate: ClassVar[float] = 152.0

    r: float = number(0, "radius in pixels; 0: as far as the sharpening reaches", low=0, high=200, quiet=True)
    s: float = number(1, "sigma in pixels", low=0.1, high=60)

    @property
    def needs_measuring(self) -> bool:
        return True

    def measure_halo(self, frame: Frame) -> Halo:
        return Halo.uniform(kernels.sharpen.EDGE_HALO + smoothing_radius(self.s, 0, False))

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(self.kernel_radius).maximum(self.measure_halo(frame))

    @property
    def kernel_radius(self) -> int:
        return int(kernels.sharpen.sharpen_halo(self.s, int(self.r)))

    def edges(self, picture: Picture) -> Window:
        """The smoothed edge map of the colours, its range not yet stretched."""
        halo, colours = Halo.uniform(kernels.sharpen.EDGE_HALO), picture.colours
        made = kernels.sharpen.edges(coloured(colours.padded(halo)))
        return gaussian_smooth(Window(made, colours.valid_region(halo), colours.frame), self.s)

    def measure(self, picture: Picture, region: Region) -> dict[str, Any]:
        return min_max(self.edges(picture).cropped(region).data)

    measured: ClassVar = {"low": float, "high": float}

    def merge_measurements(self, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return merge_min_max(reports)

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        halo, image = Halo.uniform(self.kernel_radius), picture.image
        edges = self.edges(picture)
        region = edges.common_region(Window(image.data, image.valid_region(halo), image.frame))
        strength = kernels.sharpen.intensity(edges.cropped(region).data, numbers["low"], numbers["high"])
        planes = image.cropped(region.with_halo(halo, image.frame)).padded(halo)
        # Weighed by opacity, so that what is behind transparent places does not bleed in.
        planes = np.concatenate([planes[:-1] * planes[-1:], planes[-1:]])
        made = kernels.sharpen.sharpen(planes, strength, self.s, int(self.r))
        before = image.cropped(region).data
        weight = np.where(made[-1] > np.float32(1e-3), made[-1], np.float32(np.inf))
        colours = np.where(made[-1] > np.float32(1e-3), made[:-1] / weight, before[:-1])
        return picture.with_image(Window(np.concatenate([colours, before[-1:]]), region, image.frame))
