"""Mask generators that are planes of a colour space: dark, light, colourful areas."""

from __future__ import annotations

from typing import ClassVar

from imfuse_tiles.frozen import frozen
from imfuse_tiles.options.grammar import flag, integer, word
from imfuse_tiles.options.mask_generator import Generator, spaces


@frozen
class Plane(Generator):
    """A plane of a colour space as it is, not stretched and not filtered unless asked."""

    contrast: ClassVar[bool] = False


@frozen
class Channel(Plane, name="channel"):
    """Any plane of any colour space, or the mean of all."""

    words: ClassVar = ("C", "c")
    examples: ClassVar = ("", "HSL,2", "C=CMYK,c3", "C=Gray", "C=HSL,c0,neg")


@frozen
class Chroma(Plane, name="chroma"):
    """Chroma: strong colours."""

    examples: ClassVar = ("", "level")

    C: str = word("HCL", "colour space", spaces, quiet=True)
    c: int = integer(1, "plane", low=0, high=3, quiet=True)


@frozen
class Darkness(Plane, name="darkness"):
    """Dark areas."""

    examples: ClassVar = ("", "w10", "level")

    C: str = word("HSL", "colour space", spaces, quiet=True)
    c: int = integer(2, "plane", low=0, high=3, quiet=True)
    neg: bool = flag(True, "negate")


@frozen
class Lightness(Plane, name="lightness"):
    """Light areas."""

    examples: ClassVar = ("", "level")

    C: str = word("HSL", "colour space", spaces, quiet=True)
    c: int = integer(2, "plane", low=0, high=3, quiet=True)


@frozen
class Saturation(Plane, name="saturation"):
    """Saturated areas."""

    examples: ClassVar = ("", "w25,level")

    C: str = word("HSL", "colour space", spaces, quiet=True)
    c: int = integer(1, "plane", low=0, high=3, quiet=True)
