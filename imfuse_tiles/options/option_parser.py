"""Options from what stands on the command line: their names, arguments and refusals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, Field
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.grammar import REGISTRY, SECOND_VALUE, Option, argument_fields, in_words


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
    >>> str(parse_option("--wave=5%"))
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
    if letter == "p" and letter not in known and item[0] not in "pP":  # 5% is a word where no argument is a percentage
        letter = None
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
        raise Refusal(f"--{kind.name}: {said} is no number for {in_words(item)}") from None
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
