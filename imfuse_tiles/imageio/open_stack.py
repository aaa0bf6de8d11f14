"""From the names of image files to a stack: in order, every header checked, all of one kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading import (
    Header,
    PageChoice,
    check_stack,
    natural_order,
    parse_pages,
    read_headers,
    source_digest,
)
from imfuse_tiles.imageio.reading.header import shown
from imfuse_tiles.imageio.stack import Stack


def open_stack(images: Sequence[str | Path], revert: bool = False, *, pages: str | None = None) -> Stack:
    """The stack of image files, front first, its headers checked. ``revert``: the last one is the front.

    ``pages``: which pages of every TIFF file are frames, "all" or numbers such as "1-5,9"; without it a file is one
    frame, but all of them if it is the only one. Raises Refusal naming the first bad file.
    """
    if not images:
        raise Refusal("no images given")
    paths, notices = natural_order(images), []
    headers: list[Header] = []
    choice: PageChoice = parse_pages(pages) if pages else "any" if len(paths) == 1 else "one"
    for path in paths:
        frames, note = read_headers(path, choice)
        headers += frames
        if note and choice == "any":
            notices.append(f"{shown(path)}: {note}")
    if revert:
        headers.reverse()
    check_stack(headers)
    return Stack(tuple(headers), source_digest(headers), tuple(notices))
