"""Boxes of ISO base media files (JPEG 2000, JPEG XL, AVIF): a length, a name of four letters, and content."""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator
from pathlib import Path
from typing import BinaryIO

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading.header import refuse

#: Boxes that are looked at in a file: one that has more is damaged or made to take long.
MOST_BOXES = 1000


@frozen
class Box:
    """A box: where its content begins in the file, and the bytes of it."""

    name: bytes
    start: int
    length: int


def walk_boxes(file: BinaryIO, path: Path, size: int, inside: Container[bytes] = ()) -> Iterator[Box]:
    """The boxes of a file of ``size`` bytes in their order; those in boxes whose names are ``inside`` come behind them.

    The file may be read from between two boxes. Refusal where one ends beyond the file.
    """
    place = 0
    for _ in range(MOST_BOXES):
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            return
        length, name = struct.unpack(">I4s", head[:8])
        extra = 8
        if length == 1 and len(head) == 16:
            (length,), extra = struct.unpack(">Q", head[8:]), 16
        length = length or size - place
        if length < extra or place + length > size:
            raise _cut(path)
        yield Box(name, place + extra, length - extra)
        place += extra if name in inside else length


def read_box(file: BinaryIO, box: Box, most: int) -> bytes:
    """The content of a box, ``most`` bytes of it at most."""
    file.seek(box.start)
    return file.read(min(box.length, most))


def _cut(path: Path) -> Refusal:
    return refuse(path, "is truncated (it ends inside a box)")
