"""What every mask generator shares: its arguments, and what it declares of how its mask is computed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Window
from imfuse_tiles.options.backgrounds import parse_image_spec
from imfuse_tiles.options.grammar import Option, flag, integer, number, word


def colour_spaces() -> tuple[str, ...]:
    """Names of the colour spaces."""
    return tuple(kernels.colour.SPACES)


@frozen
class WorkingSpace:
    """The colour space that masks are made in (``--colorspace``), with the plane if one is named."""

    space: str = "sRGB"
    channel: int | None = None


@frozen
class MaskGenerator(Option):
    """A mask from one frame: ``respond`` is its filter, mask_computation makes a mask of the answer."""

    section: ClassVar[str] = "Mask generators"
    #: Contrast masks are stretched over the stack and take part in the --mask* filters; colour planes are not.
    contrast: ClassVar[bool] = True
    #: Looks at whole frames: no halo is large enough.
    whole_frame: ClassVar[bool] = False

    w: float | None = number(None, "weight in percent; left out: an equal share", low=0, high=100, role="merge")
    C: str | None = word(None, "colour space to work in", colour_spaces)
    c: int | None = integer(None, "plane of the colour space, from 0", low=0, high=3)
    I: str | None = word(None, "work on the likeness to this image of the whole stack")  # noqa: E741
    diff: bool | None = flag(None, "take the difference to the unfiltered frame")
    neg: bool = flag(False, "negate")
    t: float | None = number(None, "percent below which the mask becomes 0", role="merge")
    T: float | None = number(None, "percent above which the mask becomes 1", role="merge")
    level: bool | None = flag(None, "stretch to 0..100 % over the whole stack", role="level")
    clut: bool = flag(True, "equalise the histogram when stretching", role="level")
    mask: bool | None = flag(None, "take part in the --mask* filters", role="merge")

    def normalised(self) -> Self:
        said = {"level": self.contrast, "mask": self.contrast, "diff": self.difference_by_default()}
        usual: dict[str, Any] = {name: None for name, value in said.items() if getattr(self, name) == value}
        if self.I is not None:
            usual["I"] = str(parse_image_spec(f"--{self.name}", self.I)) or self.I
        return replace(self, **usual) if usual else self

    def validated(self) -> Self:
        super().validated()
        if self.I is not None and parse_image_spec(f"--{self.name}", self.I).kind in ("colour", "clear"):
            raise Refusal(f"--{self.name}: I={self.I} is no picture of the stack, allowed are such as I=max")
        if self.I is not None and (self.c is not None or self.C is not None):
            raise Refusal(f"--{self.name}: I= works on colours as they are, C= and c are not allowed with it")
        if self.C:
            check_plane(self, self.C)
        return self

    def difference_by_default(self) -> bool:
        """Whether the difference to the frame is taken when ``diff`` is not given."""
        return False

    @property
    def takes_difference(self) -> bool:
        return self.difference_by_default() if self.diff is None else self.diff

    @property
    def is_levelled(self) -> bool:
        return self.contrast if self.level is None else self.level

    @property
    def is_filtered(self) -> bool:
        return self.contrast if self.mask is None else self.mask

    def halo(self, frame: Frame) -> Halo:
        """Pixels around a region that its mask depends on."""
        return Halo()

    def respond(self, x: Window) -> Window:
        """The filter itself, plane by plane: (c, y, x) to (c, y, x) without the halo."""
        return x

    def accepts_codes(self, scene: WorkingSpace) -> bool:
        """Whether its mask is also computed from whole numbers of an image's own type, with no image to compare to."""
        return False

    def needs_all_planes(self, x: Window) -> bool:
        """Whether the answer for one of these planes depends on which it is, or on the others."""
        return False

    def fused_mask(self, source: Window, scene: WorkingSpace) -> Window | None:
        """The mask (y, x) of a frame's window (c, y, x) in one pass, without the halo; None: from its planes."""
        return None


def sees_frames(op: MaskGenerator, scene: WorkingSpace) -> bool:
    """Whether it looks at the planes of a frame as they are: in no other space, and not beside an image."""
    return (op.C, op.c, op.I) == (None,) * 3 and scene == WorkingSpace()


def check_plane(op: MaskGenerator, space: str) -> None:
    """Refusal unless the plane that is asked for is one of a colour space."""
    if op.c is not None and op.c >= kernels.colour.plane_count(space):
        raise Refusal(f"--{op.name}: c{op.c} is no plane of {space}")
