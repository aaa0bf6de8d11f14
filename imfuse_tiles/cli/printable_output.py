"""What is printed to a terminal: control characters in names of files, in their tags or in stores show as escapes.

They could clear the screen, change its title or type for the user. Output that goes to a file or pipe stays as it is.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing takes longer to load than all that --help prints
if TYPE_CHECKING:
    from typing import Any, TextIO

#: Control characters that text consists of.
_TEXT = "\n\t"


def escape_controls(text: str) -> str:
    """The text with every control character as Python writes it: ``\\x1b`` for the one that begins commands."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in _TEXT else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


class PrintableStream:
    """A terminal to which no control character is written. ``terminal``: the stream behind it, for progress bars."""

    def __init__(self, terminal: TextIO) -> None:
        self.terminal = terminal

    def write(self, text: str) -> int:
        """Write escaped text."""
        self.terminal.write(escape_controls(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.terminal, name)


def guard_terminals() -> None:
    """From now on, print only printable characters to terminals."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and stream.isatty():
            setattr(sys, name, PrintableStream(stream))
