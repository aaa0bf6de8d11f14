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
from imfuse_tiles.options.final_steps import FinalStep
from imfuse_tiles.options.general import ColorSpace, PrepResize
from imfuse_tiles.options.grammar import Option
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import MaskGenerator, WorkingSpace, check_plane
from imfuse_tiles.options.mask_merging import MaskLevel, MaskMerge
from imfuse_tiles.options.option_parser import parse_option
from imfuse_tiles.options.preparation import Preparation
from imfuse_tiles.options.substacks import SliceRange, Substacks

#: The steps from the images to the result, in their order.
STEPS = ("mask", "level", "merge", "focus", "post")
Kind = TypeVar("Kind", bound=Option)


@dataclass(frozen=True)
class Recipe:
    """What is to be done to a stack. Groups run in a fixed order; inside a group the given order holds."""

    ops: tuple[Option, ...]
    revert: bool = False
    #: The result as a file of many layers.
    layered: bool = False

    @classmethod
    def from_options(cls, options: Iterable[str], *, revert: bool = False) -> Recipe:
        """The recipe of options as on a command line, checked. Refusal on anything not allowed.

        >>> str(Recipe.from_options(["--wavelet", "--cutwave=p50"]))
        '--wavelet=p5 --masklevel=t5 --cutwave=p50'
        """
        return check_recipe(cls(tuple(parse_option(text) for text in options), revert))

    def options_of(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """The options of one kind, in order."""
        return tuple(op for op in self.ops if isinstance(op, kind))

    def single_option(self, kind: type[Kind]) -> Kind | None:
        """The option of a kind that may be given once."""
        return next(iter(self.options_of(kind)), None)

    @property
    def generators(self) -> tuple[MaskGenerator, ...]:
        return self.options_of(MaskGenerator)

    @property
    def filters(self) -> tuple[MaskFilter, ...]:
        return self.options_of(MaskFilter)

    @property
    def cuts(self) -> tuple[CutFilter, ...]:
        return self.options_of(CutFilter)

    @property
    def finals(self) -> tuple[FinalStep, ...]:
        return self.options_of(FinalStep)

    @property
    def backgrounds(self) -> tuple[Background, ...]:
        return self.options_of(Background)

    @property
    def merge(self) -> MaskMerge:
        return self.single_option(MaskMerge) or MaskMerge()

    @property
    def level(self) -> MaskLevel:
        return self.single_option(MaskLevel) or MaskLevel()

    @property
    def working_space(self) -> WorkingSpace:
        space = self.single_option(ColorSpace)
        return space.working_space if space else WorkingSpace()

    def for_stack(self, total: int) -> Recipe:
        """The recipe with everything filled in that depends on the number of slices. Refusal if it does not fit."""
        ops = tuple(op.for_stack(total) if isinstance(op, Substacks) else op for op in self.ops)
        return replace(self, ops=ops)

    def __str__(self) -> str:
        """The canonical options, parsable again."""
        groups: list[Iterable[Option]] = [
            self.options_of(Align), self.options_of(Reference), self.options_of(AlignKeepSize),
            self.options_of(Balance), self.options_of(Preparation),
            self.options_of(ColorSpace), self.options_of(PrepResize), self.generators, self.filters,
            self.options_of(MaskMerge), (self.level,) if self.generators else (), self.cuts,
            self.options_of(Substacks), self.finals, self.backgrounds,
        ]  # fmt: skip
        texts = [str(op) for group in groups for op in group]
        texts += [f"--{name}" for name in ("revert", "layered") if getattr(self, name)]
        return " ".join(texts)


def check_recipe(recipe: Recipe) -> Recipe:
    """The recipe, once its options agree with each other; else a Refusal."""
    for kind in {type(op) for op in recipe.ops if op.once_only}:
        if len(recipe.options_of(kind)) > 1:
            raise Refusal(f"--{kind.name} is given {len(recipe.options_of(kind))} times, allowed is once")
    for op in recipe.generators:
        check_plane(op, op.C or recipe.working_space.space)
    if any(isinstance(op, CutLess) for op in recipe.cuts[1:]):
        raise Refusal("--cutless must be the first of the --cut* options and given once")
    mask_weights(recipe)
    return recipe


def is_automatic(recipe: Recipe) -> bool:
    """Whether a recipe asks for no picture and for nothing that is done to masks: the frames decide what is done."""
    masked = recipe.filters or recipe.cuts or any(isinstance(op, MaskMerge | MaskLevel) for op in recipe.ops)
    return not (recipe.generators or recipe.backgrounds or masked)


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


def substack_spans(recipe: Recipe, total: int) -> list[SliceRange]:
    """The substacks, first and last slice counted from 0; without ``--substacks`` the whole stack."""
    return [span for op in recipe.options_of(Substacks) for span in op.slice_ranges(total)] or [(0, total - 1)]
