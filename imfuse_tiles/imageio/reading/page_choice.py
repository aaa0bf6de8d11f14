"""Which pages or planes of a file are frames: all, or those of a list such as 1-5,9."""

from __future__ import annotations

import re
from typing import Literal

from imfuse_tiles.errors import Refusal

#: "one": a file is one frame; "any": as many as it holds; "all": the same, because somebody asked for it.
PageChoice = Literal["one", "any", "all"] | tuple[int, ...]

_RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")
_MOST = 100_000


def parse_pages(text: str) -> PageChoice:
    """The pages that ``--pages`` asks for, counted from 1: "all", or numbers and ranges. Refusal for anything else.

    >>> parse_pages("1-3,9")
    (1, 2, 3, 9)
    """
    if text == "all":
        return "all"
    numbers: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if first < 1 or last < first or last - first >= _MOST:
            raise Refusal(f"--pages {text}: allowed is all, or numbers from 1 and ranges such as 1-5,9")
        numbers += range(first, last + 1)
    if len(set(numbers)) < len(numbers):
        raise Refusal(f"--pages {text}: names a page twice")
    return tuple(numbers)
