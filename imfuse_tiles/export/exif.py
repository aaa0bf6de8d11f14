"""EXIF blocks of texts, for formats that have no tags of their own."""

from __future__ import annotations

import struct

_ASCII = 2


def text_block(texts: dict[int, str]) -> bytes:
    """An EXIF block (a little-endian TIFF without image) of UTF-8 texts by tag number."""
    values = {tag: text.encode("utf-8", "replace") + b"\0" for tag, text in sorted(texts.items())}
    entries, data = [], b""
    data_start = 8 + 2 + 12 * len(values) + 4
    for tag, value in values.items():
        where = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", data_start + len(data))
        if len(value) > 4:
            data += value + b"\0" * (len(value) % 2)  # values begin at even offsets
        entries.append(struct.pack("<HHI", tag, _ASCII, len(value)) + where)
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", 8) + directory + data
