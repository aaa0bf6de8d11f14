"""EXIF blocks: directories of tags with their values behind them, as TIFF files have them."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from imfuse_tiles.imageio.metadata import EXIF, GPS, Directory, Tags, Value

ASCII, LONG, LONG8 = 2, 4, 16


def texts_of(texts: Mapping[int, str]) -> Directory:
    """Texts by tag number as values: UTF-8 with a zero behind."""
    raw = {tag: text.encode("utf-8", "replace") + b"\0" for tag, text in texts.items()}
    return {tag: Value(ASCII, len(data), data) for tag, data in raw.items()}


def exif_block(texts: Mapping[int, str], tags: Tags | None = None) -> bytes:
    """An EXIF block, which is a little-endian TIFF without image: copied tags, and texts that replace their like."""
    tags = tags or Tags()
    main = {**tags.main, **texts_of(texts)}
    below = {number: entries for number, entries in ((EXIF, tags.exif), (GPS, tags.gps)) if entries}
    # The directories below come first, so that the main one, whose values are known then, can point to them.
    data = b"II*\0" + bytes(4)
    for number, entries in below.items():
        main[number] = Value(LONG, 1, struct.pack("<I", len(data)))
        data += directory(entries, len(data))
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + directory(main, len(data))


def directory(entries: Directory, start: int, big: bool = False) -> bytes:
    """A directory that begins at an even offset of its file, with its values behind it. ``big``: as BigTIFF has it."""
    head, entry, end, room = ("<Q", "<HHQ", "<Q", 8) if big else ("<H", "<HHI", "<I", 4)
    place = start + struct.calcsize(head) + len(entries) * (struct.calcsize(entry) + room) + room
    listed, values = [], b""
    for tag, value in sorted(entries.items()):
        data = value.data
        if len(data) > room:
            listed.append(struct.pack(entry, tag, value.kind, value.count) + struct.pack(end, place + len(values)))
            values += data + b"\0" * (len(data) % 2)  # values begin at even offsets
        else:
            listed.append(struct.pack(entry, tag, value.kind, value.count) + data.ljust(room, b"\0"))
    return struct.pack(head, len(entries)) + b"".join(listed) + struct.pack(end, 0) + values
