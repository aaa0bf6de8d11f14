"""Backgrounds: pictures made from the whole stack, a colour, or a file, that the result is painted on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.options import focus_pyramid
from imfuse_tiles.options.colour_parser import parse_colour
from imfuse_tiles.options.focus_pyramid import FocusPyramid
from imfuse_tiles.options.fusion_weights import ENFUSE, ENFUSE_HELP, FusionWeights
from imfuse_tiles.options.grammar import Option, word

EVALUATE_MODES = ("Max", "Min", "Mean", "Median", "Sum", "Add", "Abs", "RMS")
#: Pictures that are the result of another recipe for the same stack.
RECIPE_IMAGES = {
    "wave": ("--wavelet=p100", "--cutwave=p100", "--finalalpha=off"),
    "wavedark": ("--wavelet=p100", "--darkness=w25", "--cutwave=p100", "--finalalpha=off"),
}


@frozen
class ImageSpec:
    """What a picture of the whole stack is made of.

    ``kind``: colour (``value``: red, green, blue and opacity in 0..1), clear, evaluate (``mode``), compose (``mode``;
    ``swapped``: operands exchanged), recipe (``mode``: a name of RECIPES), enfuse or
    pyramid (``mode``: its words),
    file (``mode``: its path).
    """

    kind: str
    mode: str = ""
    swapped: bool = False
    value: tuple[float, ...] = ()

    def __str__(self) -> str:
        return {"clear": "transparent"}.get(self.kind, self.mode + ("2" if self.swapped else ""))

    @property
    def needs_colour(self) -> bool:
        """Whether it needs three planes even when the stack is grey."""
        return self.kind == "colour" and len(set(self.value[:3])) > 1

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the recipe that makes it."""
        return RECIPE_IMAGES[self.mode]


def parse_image_spec(owner: str, text: str) -> ImageSpec:
    """The picture that words name: a mode, a recipe, enfuse, a colour, or an image file. Refusal for anything else."""
    plain = text.lower()
    if plain in ("transparent", "#00000000"):
        return ImageSpec("clear", text)
    if re.split("[,:]", plain)[0] == ENFUSE:
        return ImageSpec("enfuse", str(FusionWeights.parse(owner, text)))
    if re.split("[,:]", plain)[0] == focus_pyramid.NAME:
        return ImageSpec("pyramid", str(FocusPyramid.read(owner, text)))
    composes = {each.lower(): each for each in kernels.blend.MODES}
    if plain in composes:
        return ImageSpec("compose", composes[plain])
    if plain.endswith("2") and plain[:-1] in composes:
        return ImageSpec("compose", composes[plain[:-1]], swapped=True)
    evaluates = {each.lower(): each for each in EVALUATE_MODES}
    if plain in evaluates:
        return ImageSpec("evaluate", evaluates[plain])
    if plain in RECIPE_IMAGES:
        return ImageSpec("recipe", plain)
    value = parse_colour(plain)
    if value is not None:
        return ImageSpec("colour", "".join(plain.split()), value=value)
    if Path(text).is_file():
        return ImageSpec("file", text)
    raise Refusal(
        f"{owner}: {text} is not known; allowed are a colour (name, #rrggbb or rgb(r,g,b)), transparent, "
        f"{', '.join([*EVALUATE_MODES, *RECIPE_IMAGES, ENFUSE, focus_pyramid.NAME])}, a compose mode such as Overlay, "
        "or an image file"
    )


@frozen
class Background(Option, name="bg"):
    """What shows through where the result is transparent; later ones lie on top."""

    section: ClassVar[str] = "Backgrounds (in the order given)"
    aliases: ClassVar[tuple[str, ...]] = ("background",)
    word_fields: ClassVar = ("word1",)
    comma_joined: ClassVar = ("word1",)
    examples: ClassVar = ("", "mean", "black", "#203040", "transparent", "overlay", "wave", "enfuse,soft,exposure=50",
                          "pyramid,noise=0.5")  # fmt: skip

    word1: str = word(
        ENFUSE,
        "a colour, transparent, an evaluate or compose mode, wave, wavedark, an image file, "
        f"{ENFUSE} with {ENFUSE_HELP}, "
        f"or {focus_pyramid.NAME} with {focus_pyramid.GRAMMAR}",
    )

    def normalised(self) -> Background:
        return type(self)(word1=str(self.image_spec))

    @property
    def image_spec(self) -> ImageSpec:
        return parse_image_spec("--bg", self.word1)
