"""Mask generators that are planes of a colour space: dark, light, colourful areas."""

from __future__ import annotations

from typing import ClassVar

from imfuse_tiles.frozen import frozen
from imfuse_tiles.options.grammar import flag, integer, word
from imfuse_tiles.options.mask_generator import MaskGenerator, colour_spaces


@frozen
class ChannelMask(MaskGenerator):
    """A plane of a colour space as it is, not stretched and not filtered unless asked."""

    contrast: ClassVar[bool] = False


@frozen
class Channel(ChannelMask, name="channel"):
    """Any plane of any colour space, or the mean of all."""

    word_fields: ClassVar = ("C", "c")
    examples: ClassVar = ("", "HSL,2", "C=CMYK,c3", "C=Gray", "C=HSL,c0,neg")
    typical_rate: ClassVar[float] = 1.1


@frozen
class Chroma(ChannelMask, name="chroma"):
    """Chroma: strong colours."""

    examples: ClassVar = ("", "level")
    typical_rate: ClassVar[float] = 1.4

    C: str = word("HCL", "colour space", colour_spaces, quiet=True)
    c: int = integer(1, "plane", low=0, high=3, quiet=True)


@frozen
class Darkness(ChannelMask, name="darkness"):
    """Dark areas."""

    examples: ClassVar = ("", "w10", "level")
    typical_rate: ClassVar[float] = 1.5

    C: str = word("HSL", "colour space", colour_spaces, quiet=True)
    c: int = integer(2, "plane", low=0, high=3, quiet=True)
    neg: bool = flag(True, "negate")


@frozen
class Lightness(ChannelMask, name="lightness"):
    """Light areas."""

    examples: ClassVar = ("", "level")
    typical_rate: ClassVar[float] = 1.4

    C: str = word("HSL", "colour space", colour_spaces, quiet=True)
    c: int = integer(2, "plane", low=0, high=3, quiet=True)


@frozen
class Saturation(ChannelMask, name="saturation"):
    """Saturated areas."""

    examples: ClassVar = ("", "w25,level")
    typical_rate: ClassVar[float] = 2.0

    C: str = word("HSL", "colour space", colour_spaces, quiet=True)
    c: int = integer(1, "plane", low=0, high=3, quiet=True)
