"""Copied tags in a TIFF file: those of the main directory, and the EXIF and GPS directories behind the picture.

The writer of the file takes no pointers to further directories, so two numbers that nobody uses stand in for
them and are changed when the file is complete.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from imfuse_tiles.imageio.metadata import EXIF, GPS, Directory, Tags, Value
from imfuse_tiles.imageio.writing.exif import LONG, LONG8, directory, texts_of
from imfuse_tiles.imageio.writing.picture import Picture

#: The number that stands in for a pointer; between the same neighbours, as directories are sorted.
STAND_IN = {EXIF: EXIF - 1, GPS: GPS - 1}


def below(tags: Tags) -> dict[int, Directory]:
    """The directories that the main one points to, by the pointer's number."""
    return {number: entries for number, entries in ((EXIF, tags.exif), (GPS, tags.gps)) if entries}


def main_tags(picture: Picture) -> Directory:
    """The tags of a picture's main directory: copied ones, its texts, and stand-ins for pointers."""
    pointers = {STAND_IN[number]: Value(LONG, 1, bytes(4)) for number in below(picture.tags)}
    return {**picture.tags.main, **texts_of(picture.texts), **pointers}


def bytes_of(tags: Tags) -> int:
    """Room for copied tags, at most."""
    every = [*tags.main.values(), *tags.exif.values(), *tags.gps.values()]
    return len(tags.profile) + sum(32 + len(value.data) for value in every)


def append_directories(file: BinaryIO, tags: Tags) -> None:
    """Write the EXIF and GPS directories at the end of a complete file and let its first page point to them."""
    for number, entries in below(tags).items():
        entry, big = _entry(file, STAND_IN[number])
        file.seek(0, 2)
        file.write(bytes(-file.tell() % 8))
        start = file.tell()
        file.write(directory(entries, start, big))
        file.seek(entry)
        form, kind = ("<HHQQ", LONG8) if big else ("<HHII", LONG)
        file.write(struct.pack(form, number, kind, 1, start))
    file.seek(0, 2)


def _entry(file: BinaryIO, tag: int) -> tuple[int, bool]:
    """Where the first page's entry of a tag begins, and whether the file is a BigTIFF."""
    file.seek(0)
    header = file.read(16)
    big = header[2] == 43
    (start,) = struct.unpack_from("<Q" if big else "<I", header, 8 if big else 4)
    file.seek(start)
    (count,) = struct.unpack("<Q" if big else "<H", file.read(8 if big else 2))
    size, first = (20, start + 8) if big else (12, start + 2)
    for place in range(first, first + size * count, size):
        file.seek(place)
        if struct.unpack("<H", file.read(2))[0] == tag:
            return place, big
    raise ValueError(f"the file has no tag {tag}")
