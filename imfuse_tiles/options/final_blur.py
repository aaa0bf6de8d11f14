"""Final steps that blur: for a soft background behind what is in focus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.final_steps import Final, Picture
from imfuse_tiles.options.grammar import number
from imfuse_tiles.options.mask_computation import coloured
from imfuse_tiles.options.shared_filters import smoothed, smoothing_reach

#: Columns that are blurred together, and rows where nothing is weak that are worth a gap.
PART = 128


@frozen
class FinalBlur(Final, name="finalblur"):
    """Blur the picture where the final mask is at most t percent."""

    version: ClassVar[int] = 2
    examples: ClassVar = ("", "t50,s3,S0", "s10,S2,t5")

    s: float = number(5, "sigma in pixels of the blur", low=0, high=1000)
    S: float = number(2, "sigma in pixels of the border between blurred and sharp", low=0, high=1000)
    t: float = number(20, "percent")

    def halo(self, frame: Frame) -> Halo:
        return Halo.of(max(smoothing_reach(self.s, 0, False), smoothing_reach(self.S, 0, False)))

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        image = picture.image.cropped(picture.image.shrunk(self.halo(picture.image.frame)))
        mask = picture.mask.cropped(image.region.grown(Halo.of(smoothing_reach(self.S, 0, False)), image.frame))
        weak = mask.data <= np.float32(self.t / 100)
        if not weak.any():
            return picture.painted(image)
        border = smoothed(mask.with_data(weak.astype(np.float32)), self.S)
        made = image.data.copy()
        for part in strips(border.cropped(image.region)):
            self.blur(picture.image, part, border.cropped(part).data, made[(..., *part.within(image.region))])
        return picture.painted(image.with_data(made))

    def blur(self, image: Window, part: Region, border: np.ndarray, out: np.ndarray) -> None:
        """Part of an image under its blurred self, with the border's opacity, into ``out``."""
        around = image.cropped(part.grown(Halo.of(smoothing_reach(self.s, 0, False)), image.frame))
        # What no slice has painted has no colour to blur: it stays clear instead of turning black. What a final step
        # has made clear has still its colours.
        painted = around.data.any(axis=0)
        if painted.all():
            colours, share = around.data[:-1], np.ones(part.shape, np.float32)  # a blur leaves ones as they are
        else:
            weights = np.asarray(painted, np.float32)
            colours = around.data[:-1] * weights
            share = smoothed(around.with_data(weights), self.s).cropped(part).data
        colours = smoothed(around.with_data(colours), self.s).cropped(part).data
        kernels.fold.veiled(colours, share, border, image.cropped(part).data, out)


def strips(border: Window) -> Iterator[Region]:
    """Strips of ``PART`` columns, as high as they can be, that cover all of a window's region that is not 0."""
    region = border.region
    for x0 in range(region.x0, region.x1, PART):
        column = region._replace(x0=x0, x1=min(x0 + PART, region.x1))
        (rows,) = np.nonzero(border.cropped(column).data.any(axis=1))
        if rows.size:
            ends = np.flatnonzero(np.diff(rows) > PART)
            for first, last in zip([0, *(ends + 1)], [*ends, rows.size - 1], strict=True):
                yield column._replace(y0=region.y0 + int(rows[first]), y1=region.y0 + int(rows[last]) + 1)


@frozen
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
