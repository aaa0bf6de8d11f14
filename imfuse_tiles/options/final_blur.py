"""Final steps that blur: for a soft background behind what is in focus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.final_steps import FinalStep, Picture
from imfuse_tiles.options.grammar import number
from imfuse_tiles.options.mask_computation import coloured
from imfuse_tiles.options.shared_filters import gaussian_smooth, smoothing_radius

#: Columns that are blurred together, and rows where nothing is weak that are worth a gap.
STRIP_WIDTH = 128


@frozen
class FinalBlur(FinalStep, name="finalblur"):
    """Blur the picture where the final mask is at most t percent."""

    version: ClassVar[int] = 2
    examples: ClassVar = ("", "t50,s3,S0", "s10,S2,t5")
    typical_rate: ClassVar[float] = 39.0

    s: float = number(5, "sigma in pixels of the blur", low=0, high=1000)
    S: float = number(2, "sigma in pixels of the border between blurred and sharp", low=0, high=1000)
    t: float = number(20, "percent")

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(max(smoothing_radius(self.s, 0, False), smoothing_radius(self.S, 0, False)))

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        image = picture.image.cropped(picture.image.valid_region(self.halo(picture.image.frame)))
        mask = picture.mask.cropped(
            image.region.with_halo(Halo.uniform(smoothing_radius(self.S, 0, False)), image.frame)
        )
        weak = mask.data <= np.float32(self.t / 100)
        if not weak.any():
            return picture.with_image(image)
        border = gaussian_smooth(mask.with_data(weak.astype(np.float32)), self.S)
        made = image.data.copy()
        for part in blurred_strips(border.cropped(image.region)):
            self.blur(picture.image, part, border.cropped(part).data, made[(..., *part.slices_in(image.region))])
        return picture.with_image(image.with_data(made))

    def blur(self, image: Window, part: Region, border: np.ndarray, out: np.ndarray) -> None:
        """Part of an image under its blurred self, with the border's opacity, into ``out``."""
        around = image.cropped(part.with_halo(Halo.uniform(smoothing_radius(self.s, 0, False)), image.frame))
        # What no slice has painted has no colour to blur: it stays clear instead of turning black. What a final step
        # has made clear has still its colours.
        painted = around.data.any(axis=0)
        if painted.all():
            colours, share = around.data[:-1], np.ones(part.shape, np.float32)  # a blur leaves ones as they are
        else:
            weights = np.asarray(painted, np.float32)
            colours = around.data[:-1] * weights
            share = gaussian_smooth(around.with_data(weights), self.s).cropped(part).data
        colours = gaussian_smooth(around.with_data(colours), self.s).cropped(part).data
        kernels.composite.over_blurred(colours, share, border, image.cropped(part).data, out)


def blurred_strips(border: Window) -> Iterator[Region]:
    """Strips of ``STRIP_WIDTH`` columns, as high as they can be, that cover all of a window's region that is not 0."""
    region = border.region
    for x0 in range(region.x0, region.x1, STRIP_WIDTH):
        column = region._replace(x0=x0, x1=min(x0 + STRIP_WIDTH, region.x1))
        (rows,) = np.nonzero(border.cropped(column).data.any(axis=1))
        if rows.size:
            ends = np.flatnonzero(np.diff(rows) > STRIP_WIDTH)
            for first, last in zip([0, *(ends + 1)], [*ends, rows.size - 1], strict=True):
                yield column._replace(y0=region.y0 + int(rows[first]), y1=region.y0 + int(rows[last]) + 1)


@frozen
class FinalBlur2(FinalStep, name="finalblur2"):
    """Blur each pixel the more the weaker the final mask is there; above t percent hardly at all."""

    examples: ClassVar = ("", "r8,t60")
    typical_rate: ClassVar[float] = 52.0

    r: float = number(4, "sigma in pixels where the mask is 0", low=0, high=200)
    t: float = number(20, "percent of the mask above which nothing is blurred")

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(kernels.adaptive.blur_halo(self.r))

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        halo, image = self.halo(picture.image.frame), picture.image
        planes, region = image.padded(halo), image.valid_region(halo)
        mask = np.ascontiguousarray(picture.mask.cropped(region).data)
        rgb, opacity = kernels.adaptive.blur(coloured(planes[:-1]), planes[-1], mask, self.r, self.t / 100)
        made = np.concatenate([rgb[: len(planes) - 1], opacity[None]])
        return picture.with_image(type(image)(made, region, image.frame))
