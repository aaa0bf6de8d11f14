"""General options that change what the others see: colour space, size, which slices go together."""

from __future__ import annotations

from typing import ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region, Window
from imfuse_tiles.options.grammar import Option, integer, number, word
from imfuse_tiles.options.mask_generator import WorkingSpace, colour_spaces
from imfuse_tiles.options.mask_resize import ReadRegion, interpolation_names, resample_region, scaled_size


@frozen
class ColorSpace(Option, name="colorspace"):
    """Colour space that all masks are made in."""

    section: ClassVar[str] = "General"
    once_only: ClassVar[bool] = True
    word_fields: ClassVar = ("C", "c")
    written_bare: ClassVar = ("C",)
    examples: ClassVar = ("Lab", "HSL,2")

    C: str = word("sRGB", "colour space", colour_spaces)
    c: int | None = integer(None, "plane of it, from 0", low=0, high=3)

    def validated(self) -> Self:
        super().validated()
        if self.c is not None and self.c >= kernels.colour.plane_count(self.C):
            raise Refusal(f"--colorspace: c{self.c} is no plane of {self.C}")
        return self

    @property
    def working_space(self) -> WorkingSpace:
        return WorkingSpace(self.C, self.c)


@frozen
class PrepResize(Option, name="prepresize"):
    """Make masks at another size: faster when smaller; radii then count in the smaller pixels."""

    section: ClassVar[str] = "General"
    once_only: ClassVar[bool] = True
    examples: ClassVar = ("", "p200,catrom", "p50,bilinear")

    p: float = number(50, "percent of the size", low=0.001, high=1000)
    word1: str = word("Spline", "interpolation", interpolation_names)

    def size(self, frame: Frame) -> Frame:
        """The size of the masks of a frame."""
        return scaled_size(frame, self.p)

    def to_mask_size(self, read: ReadRegion, frame: Frame, region: Region) -> Window:
        """A window at the size of the masks; ``read`` gives samples (c, y, x) of a region of the full frame."""
        return resample_region(read, frame, self.size(frame), region, self.word1)

    def to_frame_size(self, read: ReadRegion, frame: Frame, region: Region) -> Window:
        """A window at full size from samples at the size of the masks."""
        return resample_region(read, self.size(frame), frame, region, self.word1)
