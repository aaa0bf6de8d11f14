"""Filters written as text, one option for every place that filters run at: ``--cmd=-edge 2``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, Self

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window, total_halo
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.cuts import Cut, CutFilter
from imfuse_tiles.options.final_steps import FinalStep, Picture, merge_min_max, min_max
from imfuse_tiles.options.grammar import Option, integer, word
from imfuse_tiles.options.imagemagick import (
    OPERATORS_HELP,
    AutoLevelOperator,
    Operator,
    PythonOperator,
    parse_operators,
)
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import MaskGenerator


@frozen
class OperatorChain(Option):
    """A filter written as text."""

    r: int = integer(0, "how many pixels around a pixel the Python function looks at", low=0, high=2000, quiet=True)
    word1: str | None = word(None, OPERATORS_HELP)

    #: Whether the command may ask for numbers measured over the whole picture.
    may_measure: ClassVar[bool] = False

    def validated(self) -> Self:
        super().validated()
        stretches = sum(isinstance(step, AutoLevelOperator) for step in self.operators)
        if stretches > self.may_measure:
            raise Refusal(f"--{self.name}: -auto-level is only allowed in --finalcmd, and once")
        return self

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The operators in order."""
        return parse_operators(self.name, self.word1 or "none", self.r)

    def record(self, *roles: str) -> dict[str, Any]:
        versions = [
            step.version for step in self.operators if isinstance(step, PythonOperator) and step.version is not None
        ]
        return {**super().record(*roles), **({"versions": versions} if versions else {})}

    def halo(self, frame: Frame) -> Halo:
        return total_halo(step.halo() for step in self.operators)

    def needs_all_planes(self, x: Window) -> bool:
        """Whether all planes are to be given at once: a Python function may look at their colours."""
        return any(isinstance(step, PythonOperator) for step in self.operators)

    def run_operators(self, x: Window) -> Window:
        """The planes after all operators."""
        for step in self.operators:
            x = step.run(x)
        return x


@frozen
class Cmd(OperatorChain, MaskGenerator, name="cmd"):
    """Filter the frame by operators written as text; none: the frame as it is."""

    examples: ClassVar = ("-edge 2", "C=HSL,c1", "none")
    typical_rate: ClassVar[float] = 5.2

    def respond(self, x: Window) -> Window:
        return self.run_operators(x)


@frozen
class CmdDiff(OperatorChain, MaskGenerator, name="cmddiff"):
    """Difference of the frame and the frame filtered by operators written as text."""

    examples: ClassVar = ("-blur 0x5",)
    typical_rate: ClassVar[float] = 14.9

    def difference_by_default(self) -> bool:
        return True

    def respond(self, x: Window) -> Window:
        return self.run_operators(x)


@frozen
class MaskCmd(OperatorChain, MaskFilter, name="maskcmd"):
    """Filter the mask by operators written as text."""

    examples: ClassVar = ("-blur 0x5", "-negate")
    typical_rate: ClassVar[float] = 4.1

    def apply(self, mask: Window) -> Window:
        return self.run_operators(mask)


@frozen
class CutCmd(OperatorChain, CutFilter, name="cutcmd"):
    """Filter the cut by operators written as text."""

    examples: ClassVar = ("-blur 0x2",)
    typical_rate: ClassVar[float] = 2.1

    def apply(self, cut: Cut) -> Cut:
        return replace(cut, alpha=self.run_operators(cut.alpha))


@frozen
class FinalCmd(OperatorChain, FinalStep, name="finalcmd"):
    """Filter the picture by operators written as text; -auto-level stretches it to its full range."""

    examples: ClassVar = ("-auto-level", "-blur 0x2")
    may_measure: ClassVar[bool] = True
    typical_rate: ClassVar[float] = 2.5

    @property
    def needs_measuring(self) -> bool:
        return any(isinstance(step, AutoLevelOperator) for step in self.operators)

    @property
    def operators_before_measuring(self) -> tuple[Operator, ...]:
        """The operators that run before the one that needs numbers."""
        place = next(
            (i for i, step in enumerate(self.operators) if isinstance(step, AutoLevelOperator)), len(self.operators)
        )
        return self.operators[:place]

    def measure_halo(self, frame: Frame) -> Halo:
        return total_halo(step.halo() for step in self.operators_before_measuring)

    def measure(self, picture: Picture, region: Region) -> dict[str, Any]:
        for step in self.operators_before_measuring:
            picture = apply_operator(picture, step, {})
        # The opacity counts as in the original, so the top of an opaque picture is 1 whatever its colours.
        return min_max(picture.image.cropped(region).data)

    measured: ClassVar = {"low": float, "high": float}

    def merge_measurements(self, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return merge_min_max(reports)

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        for step in self.operators:
            picture = apply_operator(picture, step, numbers)
        return picture


def apply_operator(picture: Picture, step: Operator, numbers: dict[str, Any]) -> Picture:
    """A picture after one operator. A blur takes the opacity with it, all others leave it alone."""
    if isinstance(step, AutoLevelOperator):
        return picture.with_colours(step.stretched(picture.colours, numbers["low"], numbers["high"]))
    if not step.includes_opacity:
        return picture.with_colours(step.run(picture.colours))
    image = picture.image
    veiled = np.concatenate([image.data[:-1] * image.data[-1:], image.data[-1:]])
    made = step.run(image.with_data(veiled))
    opacity = np.where(made.data[-1:] > 0, made.data[-1:], np.float32(1))
    return picture.with_image(made.with_data(np.concatenate([made.data[:-1] / opacity, made.data[-1:]])))
