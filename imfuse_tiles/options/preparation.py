"""Parts of the frames, cut out after they are laid over each other: for tuning on less, or for the picture wanted."""

from __future__ import annotations

import re
from typing import ClassVar, Self

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.options.grammar import Option, number, word

#: A crop by letters is so large where the frame is larger than the limits; else half the side.
SIDE, WIDE, HIGH = 800, 640, 480
_GEOMETRY = re.compile(r"(\d+)x(\d+)\+(\d+)\+(\d+)")
_SIZE = re.compile(r"(\d+)x(\d+)")


@frozen
class FramePart(Option):
    """An option that leaves a part of the frames."""

    section: ClassVar[str] = "Frames"

    def region(self, frame: Frame) -> Region:
        """What is left of a frame. Refusal when that is nothing."""
        raise NotImplementedError

    def filtered_unpadded(self, region: Region, frame: Frame) -> Region:
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
            return self.filtered_unpadded(Region(y, y + height, x, x + width), frame)
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
            x, y = (int(self.p * side / 100) for side in (frame[1], frame[0]))
        return self.filtered_unpadded(Region(y, frame[0] - y, x, frame[1] - x), frame)
