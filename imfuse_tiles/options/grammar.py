"""What an option is: a frozen value whose fields are its arguments.

Declaring a subclass of :class:`Option` with a ``name`` registers it. Parsing, the canonical text, help, the
documentation table and the cache key all follow from the fields; there is no second list to forget.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import Field, field, fields, replace
from typing import Any, ClassVar, Self

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen

Choices = Sequence[str] | Callable[[], Sequence[str]]

# The fixed order in which the canonical text names arguments; words come without a letter.
ARGUMENT_ORDER = ("w", "r", "R", "s", "S", "n", "N", "p", "P", "I", "C", "c", "neg", "t", "T", "word1", "word2",
         "diff", "level", "clut", "mask")  # fmt: skip
WRITTEN_WITH_EQUALS = {"I", "C"}
SECOND_VALUE = {"r": "R", "s": "S", "n": "N", "p": "P", "t": "T"}


def _argument(kind: str, default: Any, help: str, **more: Any) -> Any:
    return field(default=default, kw_only=True, metadata={"kind": kind, "help": help, **more})


def number(default: float | None, help: str, *, low: float | None = None, high: float | None = None,
           quiet: bool = False, role: str = "work") -> Any:  # fmt: skip
    """A number. ``quiet``: left out of the canonical text while it has its default value."""
    return _argument("number", default, help, low=low, high=high, quiet=quiet, role=role)


def integer(default: int | None, help: str, *, low: float | None = None, high: float | None = None,
            quiet: bool = False, role: str = "work") -> Any:  # fmt: skip
    """A whole number."""
    return _argument("integer", default, help, low=low, high=high, quiet=quiet, role=role)


def count_or_percent(default: int | str | None, help: str, *, quiet: bool = False, role: str = "work") -> Any:
    """A whole number of at least 0, or a percentage, which is kept as text with its sign: 10%."""
    return _argument("share", default, help, low=0, high=None, quiet=quiet, role=role)


def flag(default: bool | None, help: str, *, role: str = "work") -> Any:
    """yes or no; a bare word means yes. None: the option decides in ``normalised``."""
    return _argument("flag", default, help, quiet=True, role=role)


def word(default: str | None, help: str, choices: Choices | None = None, *, aliases: dict[str, str] | None = None,
         quiet: bool = False, role: str = "work") -> Any:  # fmt: skip
    """A word, one of ``choices`` (any case) or free text when there are none."""
    return _argument("word", default, help, choices=choices, aliases=aliases or {}, quiet=quiet, role=role)


#: The groups of options, in the order in which a run meets them.
SECTIONS = (
    "Frames",
    "Preparation (in the order given)",
    "General",
    "Mask generators",
    "Mask filters (in the order given)",
    "Merging masks",
    "Cuts (in the order given)",
    "Substacks",
    "Final steps (in the order given)",
    "Backgrounds (in the order given)",
)


@frozen
class Option:
    """One option with its arguments. Immutable, hashable, comparable."""

    name: ClassVar[str] = ""
    section: ClassVar[str] = ""
    #: Raised when the values that the option computes change, so that old results are not reused.
    version: ClassVar[int] = 1
    #: May stand on the command line once only.
    once_only: ClassVar[bool] = False
    #: Comes before the others of its group, and is put there when it is added to a preset.
    goes_first: ClassVar[bool] = False
    #: Fields that take the first and second word where they are not called word1 and word2.
    word_fields: ClassVar[tuple[str, ...]] = ("word1", "word2")
    #: Fields that the canonical text names without their letter.
    written_bare: ClassVar[tuple[str, ...]] = ("word1",)
    #: Fields that keep all words given for them, with commas between.
    comma_joined: ClassVar[tuple[str, ...]] = ()
    aliases: ClassVar[tuple[str, ...]] = ()
    #: Says nothing alone: a word behind it on the command line is its value, not a frame.
    takes_next_word: ClassVar[bool] = False
    examples: ClassVar[tuple[str, ...]] = ("",)
    #: Nanoseconds that it takes a worker for a pixel of a slice, with its usual arguments, where nothing was measured
    #: yet: on the machine of ``planning/typical_rates.py`` (``python -m benchmarks ops``).
    typical_rate: ClassVar[float] = 5.0

    def __init_subclass__(cls, name: str = "", **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.name = name
        if name:
            assert cls.section in SECTIONS, f"--{name}: section is one of {SECTIONS}"
            REGISTRY[name] = cls

    def normalised(self) -> Self:
        """The option with every argument that depends on others filled in."""
        return self

    def validated(self) -> Self:
        """The option itself, once its numbers lie within their ranges; else a Refusal."""
        for item in argument_fields(type(self)):
            value = getattr(self, item.name)
            low, high = item.metadata.get("low"), item.metadata.get("high")
            if not isinstance(value, int | float) or isinstance(value, bool):
                continue
            if value != value or (low is not None and value < low) or (high is not None and value > high):
                raise Refusal(f"--{self.name}: {in_words(item)} is {value:g}, allowed is {_range_text(low, high)}")
        return self

    def record(self, *roles: str) -> dict[str, Any]:
        """What decides this option's values: name, version and the arguments of the given roles (all if none).

        A number is the same number whether it was given as 5 or as 5.0, by default or in words.
        """
        selected = {
            item.name: float(value) if item.metadata["kind"] == "number" and value is not None else value
            for item in argument_fields(type(self))
            if not roles or item.metadata["role"] in roles
            for value in [getattr(self, item.name)]
        }
        return {"op": self.name, "version": self.version, **selected}

    def __str__(self) -> str:
        texts = [_argument_text(self, item) for item in argument_fields(type(self))]
        said = ",".join(text for text in texts if text)
        return f"--{self.name}={said}" if said else f"--{self.name}"


REGISTRY: dict[str, type[Option]] = {}


def argument_fields(kind: type[Option]) -> list[Field[Any]]:
    """The fields of an option that are arguments, in canonical order."""
    return sorted(fields(kind), key=lambda item: ARGUMENT_ORDER.index(item.name))


def in_words(item: Field[Any]) -> str:
    """An argument in a message: its letter and what it is."""
    return f"{item.name} ({item.metadata['help'].partition(';')[0]})"


def _argument_text(op: Option, item: Field[Any]) -> str:
    value = getattr(op, item.name)
    if value is None or (item.metadata["quiet"] and value == item.default):
        return ""
    if item.metadata["kind"] == "flag":
        return item.name if value else f"{item.name}=no"
    if isinstance(value, str) and item.metadata["kind"] == "share":
        return f"{item.name}{value}"
    if item.metadata["kind"] == "word":
        return str(value) if item.name in op.written_bare else f"{'W2' if item.name == 'word2' else item.name}={value}"
    return f"{item.name}{'=' if item.name in WRITTEN_WITH_EQUALS else ''}{value:.12g}"


def _range_text(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"


def digest(value: Any) -> str:
    """A stable key of any JSON value: 16 hex digits of its SHA-256."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    import hashlib  # help does without, and it takes long to load

    return hashlib.sha256(text.encode()).hexdigest()[:16]


def changed(op: Option, **values: Any) -> Option:
    """The option with some arguments replaced."""
    return replace(op, **values)
