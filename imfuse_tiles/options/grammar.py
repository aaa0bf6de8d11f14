"""What an option is: a frozen value whose fields are its arguments.

Declaring a subclass of :class:`Option` with a ``name`` registers it. Parsing, the canonical text, help, the
documentation table and the cache key all follow from the fields; there is no second list to forget.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, Field, field, fields, replace
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
    examples: ClassVar[tuple[str, ...]] = ("",)

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
                raise Refusal(f"--{self.name}: {item.name} is {value:g}, allowed is {_range_text(low, high)}")
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


def resolve_option_name(name: str, extra: Iterable[str] = ()) -> str:
    """The full name of an option given by a unique prefix; Refusal when there is none or more than one."""
    aliases = {alias: kind.name for kind in REGISTRY.values() for alias in kind.aliases}
    known = [*REGISTRY, *aliases, *extra]
    if name in known:
        return aliases.get(name, name)
    found = [full for full in known if full.startswith(name)]
    if len({aliases.get(full, full) for full in found}) == 1:
        return aliases.get(found[0], found[0])
    if found:
        raise Refusal(f"option --{name} is ambiguous: {', '.join('--' + full for full in sorted(found))}")
    import difflib  # only where a name is wrong

    near = difflib.get_close_matches(name, known, 3)
    hint = f"did you mean {' or '.join('--' + full for full in near)}?" if near else "see 'imfuse-tiles ops'"
    raise Refusal(f"unknown option --{name}; {hint}")


def parse_option(text: str) -> Option:
    """An option from its whole text, such as ``--blur=s1,S2``. Refusal on anything not allowed.

    >>> import imfuse_tiles.options
    >>> str(option("--wave=5%"))
    '--wavelet=p5'
    """
    if not text.startswith("--"):
        raise Refusal(f"{text} is no option; one begins with --")
    name, equals, said = text[2:].partition("=")
    return parse_arguments(resolve_option_name(name), said if equals else None)


def parse_arguments(name: str, text: str | None) -> Option:
    """An option from its name and the text after ``=`` (None without one). Refusal on anything not allowed."""
    kind = REGISTRY[name]
    known = {item.name: item for item in argument_fields(kind)}
    values: dict[str, Any] = {}
    for item in (text or "").split(","):
        if item.strip():
            _read_item(kind, known, values, item.strip())
    missing = [known[k].metadata["help"] for k in known if known[k].default is MISSING and k not in values]
    if missing:
        raise Refusal(f"--{name} needs an argument: {', '.join(missing)}")
    return kind(**values).normalised().validated()


def _read_item(kind: type[Option], known: dict[str, Field[Any]], values: dict[str, Any], item: str) -> None:
    """Read one item of the comma-separated list into ``values``."""
    letter, text = _split_item(item)
    if letter is None:
        letter = kind.word_fields[0] if kind.word_fields[0] not in values else kind.word_fields[-1]
    elif letter in values:
        letter = SECOND_VALUE.get(letter, letter)
    if letter not in known:
        raise Refusal(f"--{kind.name}: {item}: unknown argument; {_accepted_arguments(kind)}")
    if letter in values and letter not in kind.word_fields:
        raise Refusal(f"--{kind.name}: {item} gives {letter} a second value")
    if letter in values and letter in kind.comma_joined:
        text = f"{values[letter]},{text}"
    values[letter] = _convert(kind, known[letter], item, text)


#: So many words are listed in a refusal; longer lists are left to ``ops``.
LISTED = 24
FLAGS = {"neg", "diff", "level", "clut", "mask"}
LETTERS = set("wrRsSnNpPtTcCI") | FLAGS
ALIASES = {"W1": "word1", "W2": "word2", "WORD1": "word1", "WORD2": "word2", "%": "p"}


def _split_item(item: str) -> tuple[str | None, str]:
    """The letter an item speaks of (None for a word) and the text of its value."""
    if "=" in item:
        letter, text = item.split("=", 1)
        letter = ALIASES.get(letter, ALIASES.get(letter.upper(), letter))
        letter = letter.lower() if letter.lower() in FLAGS else letter
        if letter in LETTERS or letter in ("word1", "word2"):
            return letter, text
        return None, item
    written_bare = item.translate(str.maketrans("", "", "0123456789-+."))
    written_bare = written_bare[:-1] if written_bare.endswith("%") and written_bare != "%" else written_bare
    letter = ALIASES.get(written_bare, written_bare)
    if letter.lower() in FLAGS and item.lower() in FLAGS:
        return letter.lower(), "yes"
    if letter in LETTERS - FLAGS - {"I"} and any(sign.isdigit() for sign in item):
        return letter, item.replace(written_bare, "", 1) if written_bare != "%" else item
    return None, item


def _convert(kind: type[Option], item: Field[Any], said: str, text: str) -> Any:
    form = item.metadata["kind"]
    if form == "word":
        return _word(kind, item, said, text)
    if form == "flag":
        if text.lower() not in ("yes", "no"):
            raise Refusal(f"--{kind.name}: {said} is not allowed, {item.name} is yes or no")
        return text.lower() == "yes"
    try:
        value = float(text.replace("%", "").replace("+", ""))
    except ValueError:
        raise Refusal(f"--{kind.name}: {said} is no number for {item.name} ({item.metadata['help']})") from None
    if form == "share" and text.endswith("%"):
        if not 0 <= value <= 100:
            raise Refusal(f"--{kind.name}: {said} is not allowed, {item.name} is at most 100%")
        return f"{value:g}%"
    if form in ("integer", "share") and value != int(value):
        raise Refusal(f"--{kind.name}: {said} is not a whole number")
    return int(value) if form in ("integer", "share") else value


def _word(kind: type[Option], argument: Field[Any], item: str, text: str) -> str:
    """The canonical spelling of a word among an argument's choices; Refusal when it is none of them."""
    choices = argument.metadata["choices"]
    if choices is None:
        return text
    allowed = choices() if callable(choices) else choices
    spelled = {name.lower(): name for name in allowed}
    wanted = argument.metadata["aliases"].get(text.lower(), text).lower()
    if wanted in spelled:
        return spelled[wanted]
    names = ", ".join(allowed) if len(allowed) <= LISTED else argument.metadata["help"].partition(";")[0]
    if text == item:
        raise Refusal(f"--{kind.name}: {item}: unknown argument; {_accepted_arguments(kind, names)}")
    raise Refusal(f"--{kind.name}: {item}: unknown word; {item.partition('=')[0]} takes {names}{_see(kind)}")


def _accepted_arguments(kind: type[Option], names: str = "") -> str:
    """What an option takes, as the end of a refusal. ``names``: the words that it takes in that place."""
    known = [item.name for item in argument_fields(kind)]
    parts = [name for name in known if name not in ("word1", "word2")]
    if kind.word_fields[0] in known:
        parts.append(f"a word: {names}" if names else "a word")
    taken = " or ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)
    return f"--{kind.name} takes {taken or 'no argument'}{_see(kind)}"


def _see(kind: type[Option]) -> str:
    return f" (see: imfuse-tiles ops {kind.name})"


def changed(op: Option, **values: Any) -> Option:
    """The option with some arguments replaced."""
    return replace(op, **values)
