"""Backgrounds: pictures made from the whole stack, a colour, or a file, that the result is painted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.spec import Op, word

EVALUATE = ("Max", "Min", "Mean", "Median", "Sum", "Add", "Abs", "RMS")


@dataclass(frozen=True)
class Origin:
    """What a picture of the whole stack is made of.

    ``kind``: colour (``value``: red, green, blue in 0..1), clear, evaluate (``mode``), compose (``mode``;
    ``swapped``: operands exchanged).
    """

    kind: str
    mode: str = ""
    swapped: bool = False
    value: tuple[float, ...] = ()

    def __str__(self) -> str:
        return {"clear": "transparent"}.get(self.kind, self.mode + ("2" if self.swapped else ""))

    @property
    def coloured(self) -> bool:
        """Whether it needs three planes even when the stack is grey."""
        return self.kind == "colour" and len(set(self.value)) > 1


def origin(owner: str, text: str) -> Origin:
    """The picture that a word names: a compose mode, an evaluate mode or a colour. Refusal for anything else."""
    plain = text.lower()
    if plain in ("transparent", "#00000000"):
        return Origin("clear")
    swapped = plain.endswith("2") and plain[:-1] in {each.lower() for each in kernels.blend.MODES}
    composes = {each.lower(): each for each in kernels.blend.MODES}
    if swapped or plain in composes:
        return Origin("compose", composes[plain[:-1] if swapped else plain], swapped)
    evaluates = {each.lower(): each for each in EVALUATE}
    if plain in evaluates:
        return Origin("evaluate", evaluates[plain])
    return Origin("colour", value=colour(owner, text))


def colour(owner: str, text: str) -> tuple[float, ...]:
    """Red, green and blue in 0..1 of a colour name or #hex. Refusal when it is neither."""
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        raise Refusal(
            f"{owner}: {text} is not known; allowed are a colour (name or #rrggbb), transparent, "
            f"{', '.join(EVALUATE)} or a compose mode such as Overlay"
        ) from None
    return red / 255, green / 255, blue / 255


@dataclass(frozen=True)
class Background(Op, name="bg"):
    """What shows through where the result is transparent; later ones lie on top."""

    section: ClassVar[str] = "Backgrounds (in the order given)"
    also: ClassVar[tuple[str, ...]] = ("background",)
    examples: ClassVar = ("mean", "black", "#203040", "transparent", "overlay")

    word1: str = word("enfuse", "a colour, transparent, an evaluate mode or a compose mode")

    def completed(self) -> Background:
        origin("--bg", self.word1)
        return self

    @property
    def origin(self) -> Origin:
        return origin("--bg", self.word1)
