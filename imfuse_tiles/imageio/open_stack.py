"""From the names of image files to a stack: in order, every header checked, all of one kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading import check_stack, natural_order, read_header, source_digest
from imfuse_tiles.imageio.stack import Stack


def open_stack(images: Sequence[str | Path], revert: bool = False) -> Stack:
    """The stack of image files, front first, its headers checked. ``revert``: the last one is the front.

    Raises Refusal naming the first bad file.
    """
    if not images:
        raise Refusal("no images given")
    paths = natural_order(images)
    headers = [read_header(path) for path in (reversed(paths) if revert else paths)]
    check_stack(headers)
    return Stack(tuple(headers), source_digest(headers))
