"""Frames prepared in another size or turned."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.grammar import number, word
from imfuse_tiles.options.mask_resize import scaled_size
from imfuse_tiles.options.preparation import Preparation, by_opacity

_SIZE = re.compile(r"(?=\d|x\d)(\d*)(?:x(\d*))?(!?)")
#: Longest side that frames are enlarged to.
LONGEST = 1_000_000


@frozen
class FrameResize(Preparation, name="frameresize"):
    """Make the frames smaller or larger: percent, or the WIDTHxHEIGHT that they are to fit in.

    In `prepare` it is called --resize, too. WIDTH or xHEIGHT alone leaves the other side open; WIDTHxHEIGHT! is the
    size itself, whatever becomes of the proportions. Lanczos with three lobes, Mitchell where frames become larger.
    """

    examples: ClassVar = ("", "25%", "640x480", "1000")

    p: float = number(50, "percent of the size", low=0.001, high=10000)
    word1: str | None = word(None, "WIDTHxHEIGHT in pixels, with ! for just this size")

    def validated(self) -> Self:
        super().validated()
        if self.word1 is not None and not _SIZE.fullmatch(self.word1):
            raise Refusal(f"--frameresize={self.word1} is no size; allowed is a percentage or WIDTHxHEIGHT")
        return self

    @property
    def _given(self) -> str:
        """The option as it is written on a command line."""
        return f"--{self.name}={self.word1 or f'{self.p:g}%'}"

    def size(self, frame: Frame) -> Frame:
        target = scaled_size(frame, self.p) if self.word1 is None else self._fitted(self.word1, frame)
        if max(target) > LONGEST:
            raise Refusal(f"{self._given}: frames of {target[1]} x {target[0]} pixels; allowed are {LONGEST} a side")
        return target

    def _fitted(self, text: str, frame: Frame) -> Frame:
        found = _SIZE.fullmatch(text)
        assert found, "validated"
        width, height, exactly = found.groups()
        sides = int(height or 0), int(width or 0)
        if exactly and all(sides):
            return sides
        factors = [side / length for side, length in zip(sides, frame, strict=True) if side]
        if not factors:
            raise Refusal(f"{self._given}: leaves nothing of the frames")
        return scaled_size(frame, 100 * min(factors))

    def source_region(self, region: Region, frame: Frame) -> Region:
        target = self.size(frame)
        if target == frame:
            return region
        # The kernel with opacity reaches less far; a window of the other one holds its own.
        kernel = kernels.resize.filter_for(frame, target, False)
        return Region(*kernels.resize.source_region(region, frame, target, kernel))

    def apply(self, x: Window, region: Region, numbers: dict[str, Any]) -> np.ndarray:
        frame, target = x.frame, self.size(x.frame)
        if target == frame:
            return x.cropped(region).data
        if len(x.data) % 2 == 0:
            return self._with_opacity(x.data, x.region, frame, target, region)
        kernel = kernels.resize.filter_for(frame, target, False)
        return kernels.resize.resize(x.data, (x.region.y0, x.region.x0), frame, target, region, kernel)

    def _with_opacity(self, planes: np.ndarray, window: Region, frame: Frame, target: Frame, region: Region
                      ) -> np.ndarray:  # fmt: skip
        """Along one axis after the other: the opacity in between is clamped, which decides what has a colour."""
        kernel = kernels.resize.filter_for(frame, target, True)
        for axis in kernels.resize.axes_in_turn(frame, target):
            if axis == "y":
                wanted, part = (target[0], frame[1]), Region(region.y0, region.y1, window.x0, window.x1)
            else:
                wanted, part = (frame[0], target[1]), Region(window.y0, window.y1, region.x0, region.x1)
            change = partial(kernels.resize.resize, origin=(window.y0, window.x0), frame=frame, target=wanted,
                             region=part, kernel=kernel, axes=axis)  # fmt: skip
            planes = by_opacity(planes, change)
            window, frame = part, wanted
        return planes


@frozen
class Rotate(Preparation, name="rotate"):
    """Turn the frames clockwise by degrees; the canvas grows, and its new corners are black or, in files, transparent.

    Quarter turns move pixels and change none.
    """

    word_fields: ClassVar = ("n",)
    examples: ClassVar = ("", "5", "-2.5")
    typical_rate: ClassVar[float] = 90.0

    n: float = number(90, "degrees clockwise", low=-3600, high=3600)

    def normalised(self) -> Self:
        return replace(self, n=self.n % 360)

    @property
    def quarters(self) -> int | None:
        """Quarter turns, None for any other angle."""
        return int(self.n // 90) if self.n % 90 == 0 else None

    @property
    def turns_sides(self) -> bool:
        """Whether a row of a frame becomes a column rather than a row."""
        return 45 < self.n % 180 < 135

    def adds_opacity(self) -> bool:
        return self.quarters is None

    def size(self, frame: Frame) -> Frame:
        if self.quarters is not None:
            return (frame[1], frame[0]) if self.quarters % 2 else frame
        height, width, _, _ = kernels.rotate.canvas(frame, self.n)
        return height, width

    def source_region(self, region: Region, frame: Frame) -> Region:
        if self.quarters is None:
            return Region(*kernels.rotate.source_region(region, frame, self.n))
        (y0, y1, x0, x1), (height, width) = region, frame
        turned = {
            0: region,
            1: Region(height - x1, height - x0, y0, y1),
            2: Region(height - y1, height - y0, width - x1, width - x0),
            3: Region(x0, x1, width - y1, width - y0),
        }
        return turned[self.quarters]

    def apply(self, x: Window, region: Region, numbers: dict[str, Any]) -> np.ndarray:
        if self.quarters is not None:
            part = x.cropped(self.source_region(region, x.frame)).data
            return np.ascontiguousarray(np.rot90(part, -self.quarters, (1, 2)))
        planes = x.data if len(x.data) % 2 == 0 else np.concatenate([x.data, np.ones_like(x.data[:1])])
        origin = x.region.y0, x.region.x0
        return kernels.rotate.rotate(planes, origin, x.frame, self.n, region)
