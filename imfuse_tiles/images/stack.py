"""What the frames of one stack must have in common, and the stack's fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from imfuse_tiles.errors import Refusal
from imfuse_tiles.images.header import Header, refuse, shown

_COLOURS = {1: "grey", 3: "RGB"}


def check_stack(headers: Sequence[Header]) -> None:
    """Refuse a stack that is empty or whose frames differ in size, colour planes or sample type.

    The message names the first frame that differs from the first one. Alpha may come and go, as it is not
    read.
    """
    if not headers:
        raise Refusal("no images given")
    first = headers[0]
    for header in headers[1:]:
        difference = _difference(header, first)
        if difference:
            raise refuse(header.path, f"{difference} like {shown(first.path)}; all frames must agree")


def source_digest(headers: Sequence[Header]) -> str:
    """SHA-256 (hex) over the listing of the frames in the order given: name, size, time of change.

    The folder does not enter, so a stack that is moved as a whole keeps its digest.
    """
    listing = hashlib.sha256()
    for header in headers:
        line = f"{header.path.name}\0{header.size}\0{header.mtime_ns}\n"
        listing.update(line.encode("utf-8", "surrogateescape"))
    return listing.hexdigest()


def content_digest(header: Header) -> str:
    """SHA-256 (hex) of a file's content."""
    with header.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _difference(header: Header, first: Header) -> str:
    if (header.width, header.height) != (first.width, first.height):
        return f"is {header.width} x {header.height} pixels, not {first.width} x {first.height}"
    if header.channels != first.channels:
        return f"is {_COLOURS[header.channels]}, not {_COLOURS[first.channels]}"
    if header.dtype != first.dtype:
        return f"has {header.dtype} samples, not {first.dtype}"
    return ""
