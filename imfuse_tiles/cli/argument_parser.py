"""Argparse whose refusals are one plain line that names the option and says what is allowed."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from imfuse_tiles.errors import Refusal

#: What argparse says, and what is said instead.
MESSAGES = (
    (r"unrecognized arguments: ([^-\s].*)", r"too many arguments: \1"),
    (r"unrecognized arguments: (\S+).*", r"unknown option \1"),
    (r"argument (?:-\w/)?(\S+): expected one argument", r"\1 needs a value"),
    (r"argument (?:-\w/)?(\S+): ignored explicit argument .*", r"\1 takes no value"),
    (r"argument (?:-\w/)?(\S+): (.*)", r"\1 \2"),
    (r"the following arguments are required: (.*)", r"missing: \1"),
)


class Parser(argparse.ArgumentParser):
    """Argparse that raises a Refusal."""

    def error(self, message: str) -> NoReturn:
        for option in self._option_string_actions.values():  # what is missing with the form of its value
            if option.required and isinstance(option.metavar, str):
                name = "/".join(option.option_strings)
                message = re.sub(rf"(required: .*){re.escape(name)}(?=,|$)", rf"\1{name} {option.metavar}", message)
        wrong = re.fullmatch(
            r"argument (?:-\w/)?(\S+): invalid choice: '(.*)' \(choose from (.*)\)", message, re.DOTALL
        )
        if wrong:
            name, value, choices = wrong.groups()
            raise Refusal(f"{name} {value}: allowed is {' or '.join(choices.replace(chr(39), '').split(', '))}")
        word = message.removeprefix("unrecognized arguments: ").partition(" ")[0]
        if word != message and Path(word).is_file():
            raise Refusal(f"{word}: begins like an option; the image of this name is written ./{word}")
        for pattern, text in MESSAGES:
            if found := re.fullmatch(pattern, message, re.DOTALL):
                raise Refusal(found.expand(text))
        raise Refusal(message)


def whole_number(low: int, high: int | None = None) -> Callable[[str], int]:
    """A converter for argparse: a whole number from ``low`` to ``high``."""
    allowed = f"a whole number from {low}" + ("" if high is None else f" to {high}")

    def convert(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or int(text) < low or (high is not None and int(text) > high):
            raise argparse.ArgumentTypeError(f"{text}: allowed is {allowed}")
        return int(text)

    return convert


def number(low: float, unit: str = "") -> Callable[[str], float]:
    """A converter for argparse: a finite number from ``low``."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text}: allowed is a number{unit} from {low:g}")
        return value

    return convert


def bits(text: str) -> int:
    """A converter for argparse: bits of a sample."""
    if text not in ("8", "16"):
        raise argparse.ArgumentTypeError(f"{text}: allowed is 8 or 16")
    return int(text)


def value_text(action: argparse.Action) -> str:
    """An option's value as help shows it: `` FILE``, ``[=FILE]`` where it may be left out, or nothing."""
    name = action.metavar or "|".join(action.choices or ())
    if not name or not action.option_strings:
        return ""
    return f"[={name}]" if action.nargs == "?" else f" {name}"
