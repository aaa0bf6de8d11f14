"""Filters written as text, one option for every place that filters run at: ``--cmd=-edge 2``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, Self

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window, chain
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.cuts import Cut, CutFilter
from imfuse_tiles.options.final_steps import Final, Picture, extremes, outermost
from imfuse_tiles.options.grammar import Op, integer, word
from imfuse_tiles.options.imagemagick import ALLOWED, AutoLevel, Call, Step, steps
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import Generator


@frozen
class Command(Op):
    """A filter written as text."""

    r: int = integer(0, "how many pixels around a pixel the Python function looks at", low=0, high=2000, quiet=True)
    word1: str | None = word(None, ALLOWED)

    #: Whether the command may ask for numbers measured over the whole picture.
    measuring: ClassVar[bool] = False

    def checked(self) -> Self:
        super().checked()
        stretches = sum(isinstance(step, AutoLevel) for step in self.steps)
        if stretches > self.measuring:
            raise Refusal(f"--{self.name}: -auto-level is only allowed in --finalcmd, and once")
        return self

    @property
    def steps(self) -> tuple[Step, ...]:
        """The operators in order."""
        return steps(self.name, self.word1 or "none", self.r)

    def record(self, *roles: str) -> dict[str, Any]:
        versions = [step.version for step in self.steps if isinstance(step, Call) and step.version is not None]
        return {**super().record(*roles), **({"versions": versions} if versions else {})}

    def halo(self, frame: Frame) -> Halo:
        return chain(step.halo() for step in self.steps)

    def joint(self, x: Window) -> bool:
        """Whether all planes are to be given at once: a Python function may look at their colours."""
        return any(isinstance(step, Call) for step in self.steps)

    def ran(self, x: Window) -> Window:
        """The planes after all operators."""
        for step in self.steps:
            x = step.run(x)
        return x


@frozen
class Cmd(Command, Generator, name="cmd"):
    """Filter the frame by operators written as text; none: the frame as it is."""

    examples: ClassVar = ("-edge 2", "C=HSL,c1", "none")

    def respond(self, x: Window) -> Window:
        return self.ran(x)


@frozen
class CmdDiff(Command, Generator, name="cmddiff"):
    """Difference of the frame and the frame filtered by operators written as text."""

    examples: ClassVar = ("-blur 0x5",)

    def differs(self) -> bool:
        return True

    def respond(self, x: Window) -> Window:
        return self.ran(x)


@frozen
class MaskCmd(Command, MaskFilter, name="maskcmd"):
    """Filter the mask by operators written as text."""

    examples: ClassVar = ("-blur 0x5", "-negate")

    def apply(self, mask: Window) -> Window:
        return self.ran(mask)


@frozen
class CutCmd(Command, CutFilter, name="cutcmd"):
    """Filter the cut by operators written as text."""

    examples: ClassVar = ("-blur 0x2",)

    def apply(self, cut: Cut) -> Cut:
        return replace(cut, alpha=self.ran(cut.alpha))


@frozen
class FinalCmd(Command, Final, name="finalcmd"):
    """Filter the picture by operators written as text; -auto-level stretches it to its full range."""

    examples: ClassVar = ("-auto-level", "-blur 0x2")
    measuring: ClassVar[bool] = True

    @property
    def measures(self) -> bool:
        return any(isinstance(step, AutoLevel) for step in self.steps)

    @property
    def before(self) -> tuple[Step, ...]:
        """The operators that run before the one that needs numbers."""
        place = next((i for i, step in enumerate(self.steps) if isinstance(step, AutoLevel)), len(self.steps))
        return self.steps[:place]

    def measure_halo(self, frame: Frame) -> Halo:
        return chain(step.halo() for step in self.before)

    def measure(self, picture: Picture, region: Region) -> dict[str, Any]:
        for step in self.before:
            picture = stepped(picture, step, {})
        # The opacity counts as in the original, so the top of an opaque picture is 1 whatever its colours.
        return extremes(picture.image.cropped(region).data)

    def measured(self, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return outermost(reports)

    def apply(self, picture: Picture, numbers: dict[str, Any]) -> Picture:
        for step in self.steps:
            picture = stepped(picture, step, numbers)
        return picture


def stepped(picture: Picture, step: Step, numbers: dict[str, Any]) -> Picture:
    """A picture after one operator. A blur takes the opacity with it, all others leave it alone."""
    if isinstance(step, AutoLevel):
        return picture.coloured(step.stretched(picture.colours, numbers["low"], numbers["high"]))
    if not step.opacity:
        return picture.coloured(step.run(picture.colours))
    image = picture.image
    veiled = np.concatenate([image.data[:-1] * image.data[-1:], image.data[-1:]])
    made = step.run(image.with_data(veiled))
    opacity = np.where(made.data[-1:] > 0, made.data[-1:], np.float32(1))
    return picture.painted(made.with_data(np.concatenate([made.data[:-1] / opacity, made.data[-1:]])))
