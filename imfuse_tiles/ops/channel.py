"""Mask generators that are planes of a colour space: dark, light, colourful areas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from imfuse_tiles.ops.generator import Generator, spaces
from imfuse_tiles.spec import flag, integer, word


@dataclass(frozen=True)
class Plane(Generator):
    """A plane of a colour space as it is, not stretched and not filtered unless asked."""

    contrast: ClassVar[bool] = False


@dataclass(frozen=True)
class Channel(Plane, name="channel"):
    """Any plane of any colour space, or the mean of all."""

    words: ClassVar = ("C", "c")
    examples: ClassVar = ("", "HSL,2", "C=CMYK,c3", "C=Gray", "C=HSL,c0,neg")


@dataclass(frozen=True)
class Chroma(Plane, name="chroma"):
    """Chroma: strong colours."""

    examples: ClassVar = ("", "level")

    C: str = word("HCL", "colour space", spaces, quiet=True)
    c: int = integer(1, "plane", low=0, high=3, quiet=True)


@dataclass(frozen=True)
class Darkness(Plane, name="darkness"):
    """Dark areas."""

    examples: ClassVar = ("", "w10", "level")

    C: str = word("HSL", "colour space", spaces, quiet=True)
    c: int = integer(2, "plane", low=0, high=3, quiet=True)
    neg: bool = flag(True, "negate")


@dataclass(frozen=True)
class Lightness(Plane, name="lightness"):
    """Light areas."""

    examples: ClassVar = ("", "level")

    C: str = word("HSL", "colour space", spaces, quiet=True)
    c: int = integer(2, "plane", low=0, high=3, quiet=True)


@dataclass(frozen=True)
class Saturation(Plane, name="saturation"):
    """Saturated areas."""

    examples: ClassVar = ("", "w25,level")

    C: str = word("HSL", "colour space", spaces, quiet=True)
    c: int = integer(1, "plane", low=0, high=3, quiet=True)
