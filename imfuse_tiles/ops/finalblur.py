"""Final steps that blur: for a soft background behind what is in focus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from imfuse_tiles import kernels
from imfuse_tiles.arrays import np
from imfuse_tiles.grid import Frame, Halo, Region, Window
from imfuse_tiles.ops.final import Final, Picture
from imfuse_tiles.ops.generator import coloured
from imfuse_tiles.ops.local import smoothed, smoothing_reach
from imfuse_tiles.spec import number

#: Edge in pixels of the parts that are blurred or, where nothing is weak, left alone.
PART = 128


@dataclass(frozen=True)
class FinalBlur(Final, name="finalblur"):
    """Blur the picture where the final mask is at most t percent."""

    examples: ClassVar = ("", "t50,s3,S0", "s10,S2,t5")

    s: float = number(5, "sigma in pixels of the blur", low=0, high=1000)
    S: float = number(2, "sigma in pixels of the border between blurred and sharp", low=0, high=1000)
    t: float = number(20, "percent")

    def halo(self, frame: Frame) -> Halo:
        return Halo.of(max(smoothing_reach(self.s, 0, False), smoothing_reach(self.S, 0, False)))

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        weak = (picture.mask.data <= np.float32(self.t / 100)).astype(np.float32)
        border = smoothed(picture.mask.with_data(weak), self.S)
        image = picture.image.cropped(picture.image.shrunk(self.halo(picture.image.frame)))
        made = image.data.copy()
        for part in image.region.parts(PART):
            opacity = border.cropped(part).data
            if opacity.any():
                made[(..., *part.within(image.region))] = self.blurred(picture.image, part, opacity)
        return picture.painted(image.with_data(made))

    def blurred(self, image: Window, part: Region, border: np.ndarray) -> np.ndarray:
        """Part of an image under its blurred self, with the border's opacity."""
        around = image.cropped(part.grown(Halo.of(smoothing_reach(self.s, 0, False)), image.frame))
        # What no slice has painted has no colour to blur: it stays clear instead of turning black.
        painted = (around.data[-1] > 0).astype(np.float32)
        share = smoothed(around.with_data(painted), self.s).cropped(part).data
        colours = smoothed(around.with_data(around.data[:-1] * painted), self.s).cropped(part).data
        top = np.concatenate([colours / np.where(share > 0, share, 1), np.clip(border * share, 0, 1)[None]])
        return kernels.fold.over(top, image.cropped(part).data)


@dataclass(frozen=True)
class FinalBlur2(Final, name="finalblur2"):
    """Blur each pixel the more the weaker the final mask is there; above t percent hardly at all."""

    examples: ClassVar = ("", "r8,t60")

    r: float = number(4, "sigma in pixels where the mask is 0", low=0, high=200)
    t: float = number(20, "percent of the mask above which nothing is blurred")

    def halo(self, frame: Frame) -> Halo:
        return Halo.of(kernels.adaptive.blur_halo(self.r))

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        halo, image = self.halo(picture.image.frame), picture.image
        planes, region = image.padded(halo), image.shrunk(halo)
        mask = np.ascontiguousarray(picture.mask.cropped(region).data)
        rgb, opacity = kernels.adaptive.blur(coloured(planes[:-1]), planes[-1], mask, self.r, self.t / 100)
        made = np.concatenate([rgb[: len(planes) - 1], opacity[None]])
        return picture.painted(type(image)(made, region, image.frame))
