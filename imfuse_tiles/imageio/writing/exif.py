"""EXIF blocks: directories of tags with their values behind them, as TIFF files have them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from fractions import Fraction

from imfuse_tiles.imageio.metadata import EXIF, GPS, Directory, Tags, Value
from imfuse_tiles.imageio.physical_size import RESOLUTION_UNIT, X_RESOLUTION, Y_RESOLUTION, PhysicalSize
from imfuse_tiles.imageio.writing.picture import Picture

ASCII, SHORT, LONG, RATIONAL, LONG8 = 2, 3, 4, 5, 16
#: Units of resolution: pixels an inch, pixels a centimetre.
INCH, CENTIMETRE = 2, 3


def texts_of(texts: Mapping[int, str]) -> Directory:
    """Texts by tag number as values: UTF-8 with a zero behind."""
    raw = {tag: text.encode("utf-8", "replace") + b"\0" for tag, text in texts.items()}
    return {tag: Value(ASCII, len(data), data) for tag, data in raw.items()}


def resolution_of(size: PhysicalSize) -> tuple[int, float, float] | None:
    """Unit and pixels to the unit, across and down, as tags hold them; None where nothing is known."""
    if size.x and size.y:
        return CENTIMETRE, *size.per_centimetre
    return (INCH, *size.dpi) if all(size.dpi) else None


def resolution_tags(size: PhysicalSize) -> Directory:
    """The tags of resolution."""
    found = resolution_of(size)
    if found is None:
        return {}
    ratios = [Fraction(each).limit_denominator(1 << 16) for each in found[1:]]
    if any(not 0 < each.numerator < 1 << 32 for each in ratios):
        return {}
    values = [Value(RATIONAL, 1, struct.pack("<II", each.numerator, each.denominator)) for each in ratios]
    unit = Value(SHORT, 1, struct.pack("<H", found[0]))
    return {X_RESOLUTION: values[0], Y_RESOLUTION: values[1], RESOLUTION_UNIT: unit}


def picture_block(picture: Picture, tags: Tags | None = None) -> bytes:
    """The EXIF block of a picture, empty where nothing is known of it. ``tags``: others than its own."""
    tags = picture.tags if tags is None else tags
    resolution = resolution_tags(picture.size)
    if not (picture.texts or tags.main or tags.exif or tags.gps or resolution):
        return b""
    return exif_block(picture.texts, Tags({**tags.main, **resolution}, tags.exif, tags.gps))


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
