"""The options of a run in the order given, checked as a whole; and the resources it may use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.alignment import Align, AlignKeepSize, Balance, Reference
from imfuse_tiles.options.backgrounds import Background
from imfuse_tiles.options.cuts import CutFilter, CutLess
from imfuse_tiles.options.final_steps import Final
from imfuse_tiles.options.general import ColorSpace, PrepResize
from imfuse_tiles.options.grammar import Op, option
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import Generator, Scene, check_plane
from imfuse_tiles.options.mask_merging import MaskLevel, MaskMerge
from imfuse_tiles.options.preparation import FramePart
from imfuse_tiles.options.substacks import Span, Substacks

#: The steps from the images to the result, in their order.
STEPS = ("mask", "level", "merge", "focus", "post")
Kind = TypeVar("Kind", bound=Op)


@dataclass(frozen=True)
class Recipe:
    """What is to be done to a stack. Groups run in a fixed order; inside a group the given order holds."""

    ops: tuple[Op, ...]
    revert: bool = False
    #: The result as a file of many layers.
    layered: bool = False

    @classmethod
    def of_options(cls, options: Iterable[str], *, revert: bool = False) -> Recipe:
        """The recipe of options as on a command line, checked. Refusal on anything not allowed.

        >>> str(Recipe.of_options(["--wavelet", "--cutwave=p50"]))
        '--wavelet=p5 --masklevel=t5 --cutwave=p50'
        """
        return check_recipe(cls(tuple(option(text) for text in options), revert))

    def of(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """The options of one kind, in order."""
        return tuple(op for op in self.ops if isinstance(op, kind))

    def one(self, kind: type[Kind]) -> Kind | None:
        """The option of a kind that may be given once."""
        return next(iter(self.of(kind)), None)

    @property
    def generators(self) -> tuple[Generator, ...]:
        return self.of(Generator)

    @property
    def filters(self) -> tuple[MaskFilter, ...]:
        return self.of(MaskFilter)

    @property
    def cuts(self) -> tuple[CutFilter, ...]:
        return self.of(CutFilter)

    @property
    def finals(self) -> tuple[Final, ...]:
        return self.of(Final)

    @property
    def backgrounds(self) -> tuple[Background, ...]:
        return self.of(Background)

    @property
    def merge(self) -> MaskMerge:
        return self.one(MaskMerge) or MaskMerge()

    @property
    def level(self) -> MaskLevel:
        return self.one(MaskLevel) or MaskLevel()

    @property
    def scene(self) -> Scene:
        space = self.one(ColorSpace)
        return space.scene if space else Scene()

    def of_stack(self, total: int) -> Recipe:
        """The recipe with everything filled in that depends on the number of slices. Refusal if it does not fit."""
        ops = tuple(op.of_stack(total) if isinstance(op, Substacks) else op for op in self.ops)
        return replace(self, ops=ops)

    def __str__(self) -> str:
        """The canonical options, parsable again."""
        groups: list[Iterable[Op]] = [
            self.of(Align), self.of(Reference), self.of(AlignKeepSize), self.of(Balance),
            self.of(FramePart),
            self.of(ColorSpace), self.of(PrepResize), self.generators, self.filters, self.of(MaskMerge),
            (self.level,) if self.generators else (), self.cuts, self.of(Substacks), self.finals, self.backgrounds,
        ]  # fmt: skip
        texts = [str(op) for group in groups for op in group]
        texts += [f"--{name}" for name in ("revert", "layered") if getattr(self, name)]
        return " ".join(texts)


def check_recipe(recipe: Recipe) -> Recipe:
    """The recipe, once its options agree with each other; else a Refusal."""
    for kind in {type(op) for op in recipe.ops if op.single}:
        if len(recipe.of(kind)) > 1:
            raise Refusal(f"--{kind.name} is given {len(recipe.of(kind))} times, allowed is once")
    for op in recipe.generators:
        check_plane(op, op.C or recipe.scene.space)
    if any(isinstance(op, CutLess) for op in recipe.cuts[1:]):
        raise Refusal("--cutless must be the first of the --cut* options and given once")
    mask_weights(recipe)
    return recipe


def mask_weights(recipe: Recipe) -> list[float]:
    """Percent of each generator: as given, the others share what is left of 100 in whole percents."""
    given = [op.w for op in recipe.generators]
    free = sum(weight is None for weight in given)
    rest = 100 - sum(weight for weight in given if weight is not None)
    if rest < 0:
        raise Refusal(f"the sum of weights is {100 - rest:g}%, allowed is at most 100%")
    if free and rest // free <= 0:
        raise Refusal(f"the weights leave {rest:g}% for {free} masks without one, allowed is at least 1% each")
    return [weight if weight is not None else float(rest // free) for weight in given]


def substack_spans(recipe: Recipe, total: int) -> list[Span]:
    """The substacks, first and last slice counted from 0; without ``--substacks`` the whole stack."""
    return [span for op in recipe.of(Substacks) for span in op.spans(total)] or [(0, total - 1)]
