"""Post-processing of the montage, in the order given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.grammar import Option, number, word
from imfuse_tiles.options.shared_filters import gaussian_smooth, smoothing_radius


@frozen
class Picture:
    """A montage on its way out: colours with opacity (c + 1, y, x), the final mask, depth with opacity (2, y, x).

    Where no depth map is wanted, ``depth`` has no planes (0, y, x).
    """

    image: Window
    mask: Window
    depth: Window

    @property
    def opacity(self) -> np.ndarray:
        return self.image.data[-1]

    @property
    def colours(self) -> Window:
        """The colours (c, y, x) without the opacity."""
        return self.image.with_data(self.image.data[:-1])

    def cropped(self, region: Region) -> Picture:
        """The part of the picture that covers ``region``."""
        return Picture(self.image.cropped(region), self.mask.cropped(region), self.depth.cropped(region))

    def with_image(self, image: Window) -> Picture:
        """The picture where ``image`` is, with its samples."""
        return replace(self.cropped(image.region), image=image)

    def with_colours(self, colours: Window) -> Picture:
        """The picture where ``colours`` (c, y, x) are, with these and its own opacity."""
        opacity = self.image.cropped(colours.region).data[-1:]
        return self.with_image(colours.with_data(np.concatenate([colours.data, opacity])))

    def with_opacity(self, opacity: np.ndarray, depth: np.ndarray | None = None) -> Picture:
        """The picture with another opacity, and the depth map with that or its own."""
        image, map = self.image.data.copy(), self.depth.data.copy()
        image[-1] = opacity
        map[1:] = opacity if depth is None else depth
        return replace(self, image=self.image.with_data(image), depth=self.depth.with_data(map))


@frozen
class FinalStep(Option):
    """A step of the post-processing."""

    section: ClassVar[str] = "Final steps (in the order given)"

    def halo(self, frame: Frame) -> Halo:
        """Pixels around a region that its result depends on."""
        return Halo()

    @property
    def needs_measuring(self) -> bool:
        """Whether numbers of the whole picture are needed before a pixel of it can be made."""
        return False

    def measure_halo(self, frame: Frame) -> Halo:
        """Pixels around a region that its measurement depends on."""
        return Halo()

    def measure(self, picture: Picture, region: Region) -> dict[str, Any]:
        """What a region adds to the numbers: JSON, exact, so that the order of the regions does not matter."""
        return {}

    #: The numbers of the whole picture and their kinds, as ``json_values.matches`` has them.
    measured: ClassVar[dict[str, Any]] = {}

    def merge_measurements(self, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """The numbers of the whole picture from those of all its regions."""
        return {}

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        """The picture after this step; ``numbers``: as measured over the whole picture, empty if not needed."""
        return picture


@frozen
class FinalAlpha(FinalStep, name="finalalpha"):
    """Opacity by the final mask: p percent at mask 0, P percent at mask 100; off: all opaque."""

    examples: ClassVar = ("", "p-50,P150", "off")
    typical_rate: ClassVar[float] = 3.2

    p: float = number(0, "percent of opacity where the mask is 0", quiet=True)
    P: float = number(100, "percent of opacity where the mask is 100", quiet=True)
    word1: str | None = word(None, "off: no transparency", ("off",))

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        mask = picture.mask.data
        if self.word1 == "off":
            return picture.with_opacity(np.ones_like(mask))
        low, rise = np.float32(self.p / 100), np.float32((self.P - self.p) / 100)
        return picture.with_opacity(np.clip(low + mask * rise, 0, 1))


@frozen
class FinalThreshold(FinalStep, name="finalthreshold"):
    """Make everything transparent whose final mask is not between t and T percent."""

    examples: ClassVar = ("", "t50,s3", "t30,T80")
    typical_rate: ClassVar[float] = 5.4

    s: float = number(0, "sigma in pixels of a soft border", low=0, high=1000)
    t: float = number(20, "percent below which is cut off")
    T: float = number(100, "percent above which is cut off", quiet=True)

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(smoothing_radius(self.s, 0, False))

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        mask = picture.mask
        kept = (mask.data > np.float32(self.t / 100)) & (mask.data <= np.float32(self.T / 100))
        soft = gaussian_smooth(mask.with_data(kept.astype(np.float32)), self.s)
        left = np.minimum(mask.cropped(soft.region).data, soft.data)
        picture = picture.cropped(soft.region)
        # The original cuts the depth map by the mask it has just changed and without blur.
        hard = (left > np.float32(self.t / 100)) & (left <= np.float32(self.T / 100))
        depth = np.minimum(picture.depth.data[1:], np.maximum(left, hard.astype(np.float32)))
        cut = picture.with_opacity(np.minimum(picture.opacity, soft.data), depth)
        return replace(cut, mask=soft.with_data(left))


def min_max(values: np.ndarray) -> dict[str, Any]:
    """The smallest and largest of some samples, as a report."""
    return {"low": float(values.min()), "high": float(values.max())}


def merge_min_max(reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The smallest and largest of many reports of :func:`min_max`."""
    found = [(each["low"], each["high"]) for each in reports]
    return {"low": min(low for low, _ in found), "high": max(high for _, high in found)}
