"""What is done to every frame alike before anything else, and after it is laid over the others: parts of it, first.

Options run in the order in which they are given, as often as they are given. Samples are float32 planes (c, y, x) in
0..1, the last of an even number of planes opacity.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, Self

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.grammar import Option, number, word

#: A crop by letters is so large where the frame is larger than the limits; else half the side.
SIDE, WIDE, HIGH = 800, 640, 480
_GEOMETRY = re.compile(r"(\d+)x(\d+)\+(\d+)\+(\d+)")
_SIZE = re.compile(r"(\d+)x(\d+)")


@frozen
class Preparation(Option):
    """An option that changes every frame in the same way."""

    section: ClassVar[str] = "Preparation (in the order given)"
    #: Whether pixels are only moved or left out, none computed.
    moves_only: ClassVar[bool] = False

    @property
    def needs_mean_image(self) -> bool:
        """Whether it takes numbers of the mean of all frames as they are in their files: "low", "high", "mean"."""
        return False

    @property
    def needs_each_frame(self) -> bool:
        """Whether it takes numbers of each frame as the options before leave it: "black", "white"."""
        return False

    def expanded(self) -> tuple[Preparation, ...]:
        """The options that it stands for: itself, unless it is a set of others."""
        return (self,)

    def size(self, frame: Frame) -> Frame:
        """Height and width of what it makes of a frame. Refusal when that is nothing."""
        return frame

    def halo(self, frame: Frame) -> Halo:
        """Pixels around a region that its result depends on, where it does not move pixels."""
        return Halo()

    def source_region(self, region: Region, frame: Frame) -> Region:
        """What a region of its result needs of a frame."""
        return region.with_halo(self.halo(frame), frame)

    def adds_opacity(self) -> bool:
        """Whether its result has places where a frame shows nothing."""
        return False

    def apply(self, x: Window, region: Region, numbers: dict[str, Any]) -> np.ndarray:
        """The planes of a region of its result, from a window of at least ``source_region``."""
        raise NotImplementedError


def on_colours(planes: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Planes with their colours changed pixel by pixel, and the opacity there may be left alone."""
    if len(planes) % 2:
        return change(planes)
    return np.concatenate([change(planes[:-1]), planes[-1:]])


def by_opacity(planes: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Planes changed by a filter of neighbouring pixels, in which colours count by the opacity there may be."""
    if len(planes) % 2:
        return change(planes)
    made = change(np.concatenate([planes[:-1] * planes[-1:], planes[-1:]]))
    opacity = np.where(np.abs(made[-1:]) > np.float32(1e-6), made[-1:], np.float32(np.inf))
    return np.concatenate([made[:-1] / opacity, np.clip(made[-1:], np.float32(0), np.float32(1))])


@frozen
class FramePart(Preparation):
    """An option that leaves a part of the frames."""

    moves_only: ClassVar[bool] = True

    def region(self, frame: Frame) -> Region:
        """What is left of a frame. Refusal when that is nothing."""
        raise NotImplementedError

    def size(self, frame: Frame) -> Frame:
        return self.region(frame).shape

    def source_region(self, region: Region, frame: Frame) -> Region:
        top, _, left, _ = self.region(frame)
        return Region(region.y0 + top, region.y1 + top, region.x0 + left, region.x1 + left)

    def apply(self, x: Window, region: Region, numbers: dict[str, Any]) -> np.ndarray:
        return x.cropped(self.source_region(region, x.frame)).data

    def within(self, region: Region, frame: Frame) -> Region:
        """The region, once it lies in the frame and is not empty; else a Refusal."""
        if not (0 <= region.y0 < region.y1 <= frame[0] and 0 <= region.x0 < region.x1 <= frame[1]):
            raise Refusal(f"{self}: leaves nothing or more than there is of frames of {frame[1]} x {frame[0]} pixels")
        return region


@frozen
class Crop(FramePart, name="crop"):
    """Fuse a part of the frames only: WIDTHxHEIGHT+X+Y, or the middle (M) or a corner or side of them by letters.

    T and L put the middle of the part at a quarter of the height or width, B and R at three quarters. It is 800
    pixels wide where the frame is wider than 640, and high where it is higher than 480; else half the side.
    """

    once_only: ClassVar[bool] = True
    examples: ClassVar = ("", "TL", "60x40+30+20")

    word1: str = word("M", "WIDTHxHEIGHT+X+Y, or letters: T or B, L or R, M")

    def validated(self) -> Self:
        if not _GEOMETRY.fullmatch(self.word1) and not (self.word1 and set(self.word1.upper()) <= set("TBLRM")):
            raise Refusal(f"--crop={self.word1} is no part; allowed is WIDTHxHEIGHT+X+Y or letters of T B L R M")
        return self

    def region(self, frame: Frame) -> Region:
        if geometry := _GEOMETRY.fullmatch(self.word1):
            width, height, x, y = map(int, geometry.groups())
            return self.within(Region(y, y + height, x, x + width), frame)
        letters = set(self.word1.upper())
        height, y = _span(frame[0], HIGH, "T" in letters, "B" in letters)
        width, x = _span(frame[1], WIDE, "L" in letters, "R" in letters)
        return Region(y, y + height, x, x + width)


def _span(side: int, limit: int, first: bool, last: bool) -> tuple[int, int]:
    """Length and beginning of a part of a side that lies in its first or last half, or in the middle."""
    length = min(side, SIDE) if side > limit else side // 2
    length = max(length, 1)
    middle = side // 4 if first else side * 3 // 4 if last else side // 2
    return length, min(max(middle - length // 2, 0), side - length)


@frozen
class Shave(FramePart, name="shave"):
    """Cut the same from both sides of the frames: percent of each side, or WIDTHxHEIGHT pixels."""

    examples: ClassVar = ("", "10%", "20x10")

    p: float = number(30, "percent of the side", low=0, high=49.9)
    word1: str | None = word(None, "WIDTHxHEIGHT in pixels")

    def validated(self) -> Self:
        super().validated()
        if self.word1 is not None and not _SIZE.fullmatch(self.word1):
            raise Refusal(f"--shave={self.word1} is no size; allowed is a percentage or WIDTHxHEIGHT")
        return self

    def region(self, frame: Frame) -> Region:
        if self.word1 is not None:
            x, y = map(int, self.word1.split("x"))
        else:
            x, y = (int(self.p * side / 100 + 0.5) for side in (frame[1], frame[0]))
        return self.within(Region(y, frame[0] - y, x, frame[1] - x), frame)
