"""Options as fields of a form, made from their declarations, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.grammar import REGISTRY, SECTIONS, Option, argument_fields
from imfuse_tiles.options.option_parser import parse_arguments
from imfuse_tiles.options.recipe import Recipe, check_recipe

#: Choices beyond this are typed, not chosen from a list.
MOST_CHOICES = 40
#: Sections of options that say how frames are read.
FIXED = SECTIONS[:2]


def declarations() -> list[dict[str, Any]]:
    """Every option by section: its name, what it does, its arguments.

    ``first``: it comes before the others of its section; ``fixed``: it cannot be changed without another run.
    """
    kinds = [kind for section in SECTIONS for kind in REGISTRY.values() if kind.section == section]
    return [
        {"name": kind.name, "section": kind.section.partition(" (")[0], "help": first_line(kind),
         "first": kind.goes_first, "fixed": is_fixed(kind),
         "fields": [field_form(item) for item in argument_fields(kind) if item.metadata["role"] != "none"]}
        for kind in kinds
    ]  # fmt: skip


def is_fixed(kind: type[Option]) -> bool:
    """Whether frames are read with it."""
    return kind.section in FIXED


def first_line(kind: type[Option]) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0]


def field_form(item: Field[Any]) -> dict[str, Any]:
    """One argument: how it is entered, its range, its default and what it means."""
    about = item.metadata
    choices = about.get("choices")
    words = [] if choices is None else list(choices() if callable(choices) else choices)
    default = None if item.default is MISSING else item.default
    low, high = about.get("low"), about.get("high")
    return {"name": item.name, "kind": about["kind"], "help": about["help"], "default": default,
            "low": low, "high": high, "slider": slider_range(about["kind"], default, low, high),
            "choices": words if len(words) <= MOST_CHOICES else []}  # fmt: skip


def slider_range(kind: str, default: Any, low: float | None, high: float | None) -> list[float] | None:
    """First and last value and step of a slider, None where a number is only typed."""
    if kind not in ("number", "integer") or isinstance(default, bool):
        return None
    start = low if low is not None else min(0.0, 2 * float(default or 0))
    if default is None and high is not None and high <= 100:
        return [start, high, 1 if kind == "integer" else slider_step(high - start)]
    stop = max(4 * abs(float(default or 0)), 100.0 if kind == "number" and (default or 0) >= 10 else 10.0)
    stop = min(stop, high) if high is not None else stop
    return [start, stop, 1 if kind == "integer" else slider_step(stop - start)]


def slider_step(span: float) -> float:
    """1, 2 or 5 with zeros: the smallest of which a span has at most 200."""
    power = 10 ** math.floor(math.log10(span / 200))
    return next(float(f"{step * power:.6g}") for step in (1, 2, 5, 10) if step * power * 200.001 >= span)


def form_of(recipe: Recipe) -> list[dict[str, Any]]:
    """The options of a recipe in their order, with the values of their arguments."""

    def values(op: Option) -> dict[str, Any]:
        return {item.name: getattr(op, item.name) for item in argument_fields(type(op))}

    return [{"name": op.name, "text": str(op), "values": values(op)} for op in recipe.ops]


def recipe_of(form: Sequence[Any], revert: bool = False) -> Recipe:
    """The recipe of a form: texts of options, or names with values. Refusal of anything else."""
    if not isinstance(form, list | tuple):
        raise Refusal("a form is a list of options")
    return check_recipe(Recipe(tuple(option_of(entry) for entry in form), revert))


def option_of(entry: Any) -> Option:
    """One option; values that are left empty are those by default."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str) or entry["name"] not in REGISTRY:
        raise Refusal("an option has a name and values")
    values = entry.get("values", {})
    if not isinstance(values, Mapping):
        raise Refusal(f"--{entry['name']}: values are names with values")
    known = [item.name for item in argument_fields(REGISTRY[entry["name"]])]
    parts = [f"{name}={argument_text(values[name])}" for name in known if values.get(name) not in (None, "")]
    return parse_arguments(entry["name"], ",".join(parts) if parts else None)


def argument_text(value: Any) -> str:
    """A value as the grammar reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.12g}" if isinstance(value, int | float) else str(value)
