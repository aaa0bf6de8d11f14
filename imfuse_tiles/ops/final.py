"""Post-processing of the montage, in the order given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from imfuse_tiles import kernels
from imfuse_tiles.arrays import np
from imfuse_tiles.grid import Frame, Halo, Window
from imfuse_tiles.ops.local import smoothed, smoothing_reach
from imfuse_tiles.spec import Op, number, word


@dataclass(frozen=True)
class Picture:
    """A montage on its way out: colours with opacity (c + 1, y, x), the final mask, depth with opacity (2, y, x)."""

    image: Window
    mask: Window
    depth: Window

    @property
    def opacity(self) -> np.ndarray:
        return self.image.data[-1]

    def opaque_as(self, opacity: np.ndarray, depth: np.ndarray | None = None) -> Picture:
        """The picture with another opacity, and the depth map with that or its own."""
        image, map = self.image.data.copy(), self.depth.data.copy()
        image[-1] = opacity
        map[-1] = opacity if depth is None else depth
        return replace(self, image=self.image.with_data(image), depth=self.depth.with_data(map))


@dataclass(frozen=True)
class Final(Op):
    """A step of the post-processing."""

    section: ClassVar[str] = "Final steps (in the order given)"

    def halo(self, frame: Frame) -> Halo:
        """Pixels around a region that its result depends on."""
        return Halo()

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        """The picture after this step; ``numbers`` holds what had to be measured over the whole picture."""
        return picture


@dataclass(frozen=True)
class FinalAlpha(Final, name="finalalpha"):
    """Opacity by the final mask: p percent at mask 0, P percent at mask 100; off: all opaque."""

    examples: ClassVar = ("", "p-50,P150", "off")

    p: float = number(0, "percent of opacity where the mask is 0", quiet=True)
    P: float = number(100, "percent of opacity where the mask is 100", quiet=True)
    word1: str | None = word(None, "off: no transparency", ("off",))

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        mask = picture.mask.data
        if self.word1 == "off":
            return picture.opaque_as(np.ones_like(mask))
        low, rise = np.float32(self.p / 100), np.float32((self.P - self.p) / 100)
        return picture.opaque_as(np.clip(low + mask * rise, 0, 1))


@dataclass(frozen=True)
class FinalThreshold(Final, name="finalthreshold"):
    """Make everything transparent whose final mask is not between t and T percent."""

    examples: ClassVar = ("", "t50,s3", "t30,T80")

    s: float = number(0, "sigma in pixels of a soft border", low=0, high=1000)
    t: float = number(20, "percent below which is cut off")
    T: float = number(100, "percent above which is cut off", quiet=True)

    def halo(self, frame: Frame) -> Halo:
        return Halo.of(smoothing_reach(self.s, 0, False))

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        mask = picture.mask
        kept = (mask.data > np.float32(self.t / 100)) & (mask.data <= np.float32(self.T / 100))
        soft = smoothed(mask.with_data(kept.astype(np.float32)), self.s)
        left = np.minimum(mask.cropped(soft.region).data, soft.data)
        picture = Picture(*(each.cropped(soft.region) for each in (picture.image, picture.mask, picture.depth)))
        # The original cuts the depth map a second time, by the mask it has just changed and without blur.
        hard = (left > np.float32(self.t / 100)) & (left <= np.float32(self.T / 100))
        depth = np.minimum(picture.depth.data[-1], np.minimum(soft.data, hard.astype(np.float32)))
        cut = picture.opaque_as(np.minimum(picture.opacity, soft.data), depth)
        return replace(cut, mask=soft.with_data(left))


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
        # What no slice has painted has no colour to blur: it stays clear instead of turning black.
        painted = (picture.opacity > 0).astype(np.float32)
        known = smoothed(picture.image.with_data(painted), self.s)
        colours = smoothed(picture.image.with_data(picture.image.data[:-1] * painted), self.s)
        region = border.common(colours)
        share = known.cropped(region).data
        opacity = np.clip(border.cropped(region).data * share, 0, 1)
        top = np.concatenate([colours.cropped(region).data / np.where(share > 0, share, 1), opacity[None]])
        under, mask, depth = (each.cropped(region) for each in (picture.image, picture.mask, picture.depth))
        return Picture(under.with_data(kernels.fold.over(top, under.data)), mask, depth)
