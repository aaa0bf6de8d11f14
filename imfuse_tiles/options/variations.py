"""Variations of a recipe: every combination of the values that some of its options may take."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.options.grammar import Option
from imfuse_tiles.options.option_parser import parse_arguments, resolve_option_name
from imfuse_tiles.options.recipe import Recipe, check_recipe

#: What stands for leaving an option out.
LEFT_OUT = "none"
MOST = 256


@frozen
class Variation:
    """An option's name and the options that take its place, None: none. ``texts``: as they were written."""

    name: str
    choices: tuple[Option | None, ...]
    texts: tuple[str, ...]


@frozen
class Combination:
    """A recipe, and what of it is varied: one text for each variation."""

    recipe: Recipe
    varied: tuple[str, ...]


def parse_variation(text: str) -> Variation:
    """A variation such as ``--cutless=p10|p20|none``. Refusal of anything that is no option with several values.

    >>> parse_variation("--cutmax=p10|none").choices
    (CutMax(p=10.0), None)
    """
    values = values_of(text)
    name = resolve_option_name(text.partition("=")[0][2:])
    choices = tuple(None if each == LEFT_OUT else parse_arguments(name, each or None) for each in values)
    twice = next((value for n, value in enumerate(values) if choices[n] in choices[:n]), None)
    if twice is not None:
        raise Refusal(f"--vary {text}: {twice or 'nothing'} is the same as a value before it, allowed is each once")
    return Variation(name, choices, tuple(_text(name, value) for value in values))


def _text(name: str, value: str) -> str:
    """An option in words, as it was written."""
    if value == LEFT_OUT:
        return f"without --{name}"
    return f"--{name}={value}" if value else f"--{name}"


def values_of(text: str) -> list[str]:
    """The values of a variation. Refusal of anything that is no option with several values."""
    name, equals, values = text.partition("=")
    found = values.split("|")
    if not name.startswith("--") or not equals or len(found) < 2:
        raise Refusal(f"--vary {text}: allowed is an option and its values, such as --cutless=p10|p20|none")
    return found


def total_of(variations: Sequence[Variation], count: int = 1) -> int:
    """How many combinations there are, of ``count`` recipes. Refusal of too many."""
    for variation in variations:
        count *= len(variation.choices)
    if count > MOST:
        raise Refusal(f"--vary: these are {count} combinations, allowed are {MOST}")
    return count


def combinations(
    recipe: Recipe, variations: Sequence[Variation], complete: Callable[[Recipe], Recipe] = check_recipe
) -> list[Combination]:
    """All combinations, the last variation changing fastest. Refusal of too many, and of those that do not agree.

    ``complete``: puts the options of a recipe that would make no picture into others; it adds none that is left out.
    """
    total_of(variations)
    names = [variation.name for variation in variations]
    if len(set(names)) < len(names):
        raise Refusal(f"--vary: --{max(names, key=names.count)} is varied twice, allowed is once")
    return [
        Combination(
            _varied(recipe, {name: op for name, (op, _) in zip(names, chosen, strict=True)}, complete),
            tuple(text for _, text in chosen),
        )
        for chosen in itertools.product(*(zip(one.choices, one.texts, strict=True) for one in variations))
    ]


def _varied(recipe: Recipe, choices: dict[str, Option | None], complete: Callable[[Recipe], Recipe]) -> Recipe:
    """The recipe with options in the place of those of the same name, or behind all others."""
    ops: list[Option] = []
    left = dict(choices)
    for op in recipe.ops:
        if op.name not in choices:
            ops.append(op)
        elif op.name in left and (choice := left.pop(op.name)) is not None:
            ops.append(choice)
    new = [op for op in left.values() if op is not None]
    ops = [*(op for op in new if op.goes_first), *ops, *(op for op in new if not op.goes_first)]
    whole = complete(Recipe(tuple(ops), recipe.revert, recipe.layered))
    left_out = {name for name, choice in choices.items() if choice is None}
    ops = [op for op in whole.ops if op.name not in left_out]
    return check_recipe(Recipe(tuple(ops), recipe.revert, recipe.layered))
