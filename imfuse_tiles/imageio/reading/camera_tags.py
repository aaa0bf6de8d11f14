"""The descriptive tags of an image file, byte for byte.

Tags about size, compression, orientation and resolution are left out: they are the file's own. So are notes in
forms of their own (XMP, Photoshop), which repeat such numbers.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.detect import facts_and_format
from imfuse_tiles.imageio.reading.exif_tags import block_tags
from imfuse_tiles.imageio.reading.formats import FORMATS
from imfuse_tiles.imageio.reading.header import damaged
from imfuse_tiles.imageio.reading.png_tags import png_tags
from imfuse_tiles.imageio.reading.raw import RawRefusal


def read_tags(path: str | Path) -> Tags:
    """The tags of an image file; those that are damaged are left out. Refusal when it is no image."""
    try:
        facts, kind = facts_and_format(Path(path))
    except RawRefusal:
        return Tags()  # raw files that are no TIFF files
    if kind in FORMATS:
        try:
            return FORMATS[kind].reader(facts.path).read_tags(facts.path)
        except (Refusal, MemoryError):
            raise
        except Exception as error:  # libraries raise their own types
            raise damaged(facts.path, kind.upper(), error) from error
    try:
        with facts.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if kind == "tiff":
                return block_tags(data, b"")
            return png_tags(data) if kind == "png" else block_tags(*_in_jpeg(data))
    except OSError as error:
        raise Refusal(f"{path}: cannot be read: {error.strerror or error}") from None


def _in_jpeg(data: mmap.mmap) -> tuple[bytes, bytes]:
    """The EXIF block and the colour profile of a JPEG file."""
    block, parts, place = b"", {}, 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, place + 2)
        content = bytes(data[place + 4 : place + 2 + length])
        if data[place + 1] == 0xE1 and content.startswith(b"Exif\0\0"):
            block = block or content[6:]
        if data[place + 1] == 0xE2 and content.startswith(b"ICC_PROFILE\0") and len(content) > 14:
            parts[content[12]] = content[14:]
        place += 2 + length
    return block, b"".join(parts[number] for number in sorted(parts))
