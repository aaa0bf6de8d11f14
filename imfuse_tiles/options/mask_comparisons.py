"""Mask generators that compare each frame to a picture made of the whole stack."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.options.backgrounds import EVALUATE_MODES, parse_image_spec
from imfuse_tiles.options.fusion_weights import ENFUSE, ENFUSE_HELP, FusionWeights
from imfuse_tiles.options.grammar import word
from imfuse_tiles.options.mask_generator import MaskGenerator


@frozen
class Comparison(MaskGenerator):
    """Likeness to a picture of the stack: where a frame is like it, the mask is strong."""

    contrast: ClassVar[bool] = False


@frozen
class Compose(Comparison, name="compose"):
    """Likeness to the smallest and largest values of the stack composed; 2 behind the mode swaps them."""

    word_fields: ClassVar = ("I",)
    examples: ClassVar = ("", "overlay2", "screen", "colorize")
    typical_rate: ClassVar[float] = 2.4

    I: str = word("Overlay", "compose mode")  # noqa: E741

    def validated(self) -> Self:
        if parse_image_spec("--compose", self.I).kind != "compose":
            raise Refusal(f"--compose: {self.I} is no compose mode, allowed are {', '.join(kernels.blend.MODES)}")
        return super().validated()


@frozen
class Evaluate(Comparison, name="evaluate"):
    """Likeness to a statistic of the stack; Multiply composes, as the original understands the word."""

    word_fields: ClassVar = ("I",)
    examples: ClassVar = ("", "mean", "add")
    typical_rate: ClassVar[float] = 2.4

    I: str = word("Max", "statistic over the slices", (*EVALUATE_MODES, "Multiply"))  # noqa: E741


@frozen
class Enfuse(Comparison, name="enfuse"):
    """Likeness to the stack fused level by level."""

    word_fields: ClassVar = ("I",)
    written_bare: ClassVar = ("I",)
    comma_joined: ClassVar = ("I",)
    examples: ClassVar = ("", "w15", "soft", "soft,exposure=50,saturation")
    typical_rate: ClassVar[float] = 2.8

    I: str = word(ENFUSE, ENFUSE_HELP, quiet=True)  # noqa: E741

    def normalised(self) -> Self:
        made = replace(self, I=str(FusionWeights.parse("--enfuse", self.I)))
        return super(Enfuse, made).normalised()


@frozen
class Max(Comparison, name="max"):
    """Likeness to the largest values of the stack."""

    typical_rate: ClassVar[float] = 2.3

    I: str = word("Max", "statistic", ("Max",), quiet=True)  # noqa: E741


@frozen
class Mean(Comparison, name="mean"):
    """Likeness to the mean of the stack."""

    typical_rate: ClassVar[float] = 2.2

    I: str = word("Mean", "statistic", ("Mean",), quiet=True)  # noqa: E741


@frozen
class Median(Comparison, name="median"):
    """Likeness to the median of the stack."""

    typical_rate: ClassVar[float] = 2.3

    I: str = word("Median", "statistic", ("Median",), quiet=True)  # noqa: E741


@frozen
class Min(Comparison, name="min"):
    """Likeness to the smallest values of the stack."""

    typical_rate: ClassVar[float] = 2.4

    I: str = word("Min", "statistic", ("Min",), quiet=True)  # noqa: E741
