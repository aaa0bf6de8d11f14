"""The descriptive tags of an image file, byte for byte.

Tags about size, compression, orientation and resolution are left out: they are the file's own. So are notes in
forms of their own (XMP, Photoshop), which repeat such numbers.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.detect import facts_and_format
from imfuse_tiles.imageio.reading.exif_tags import LARGEST, block_tags
from imfuse_tiles.imageio.reading.formats import FORMATS
from imfuse_tiles.imageio.reading.profiles import gamma_profile
from imfuse_tiles.imageio.reading.raw import RawRefusal

_SRGB_GAMMA = 45_455  # in a PNG's gAMA chunk: 1 / 2.2


def read_tags(path: str | Path) -> Tags:
    """The tags of an image file; those that are damaged are left out. Refusal when it is no image."""
    try:
        facts, kind = facts_and_format(Path(path))
    except RawRefusal:
        return Tags()  # raw files that are no TIFF files
    if kind in FORMATS:
        return FORMATS[kind].reader(facts.path).read_tags(facts.path)
    try:
        with facts.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if kind == "tiff":
                return block_tags(data, b"")
            blocks, profile = _in_png(data) if kind == "png" else _in_jpeg(data)
            return block_tags(blocks, profile)
    except OSError as error:
        raise Refusal(f"{path}: cannot be read: {error.strerror or error}") from None


def _in_png(data: mmap.mmap) -> tuple[bytes, bytes]:
    """The EXIF block and the colour profile of a PNG file, made of its gamma if it has no other."""
    block = profile = b""
    gamma, plain, grey = 0, False, False
    seen: set[bytes] = set()
    for name, start, length in _chunks(data):
        if name == b"eXIf" and length <= LARGEST and name not in seen:
            block = bytes(data[start : start + length])
        if name == b"iCCP" and length <= LARGEST and name not in seen:
            _, _, packed = bytes(data[start : start + length]).partition(b"\0")
            with suppress(zlib.error):
                profile = zlib.decompressobj().decompress(packed[1:], LARGEST)
        if name in (b"iCCP", b"eXIf"):
            seen.add(name)  # a thousand more would take minutes to unpack
        if name == b"gAMA" and length == 4:
            (gamma,) = struct.unpack_from(">I", data, start)
        plain = plain or name == b"sRGB"
        grey = grey or (name == b"IHDR" and length == 13 and data[start + 9] in (0, 4))
    if gamma and not profile and not plain and abs(gamma - _SRGB_GAMMA) > _SRGB_GAMMA // 20:
        profile = gamma_profile(round(100_000 / gamma, 4), grey)
    return block, profile


def _chunks(data: mmap.mmap) -> Iterator[tuple[bytes, int, int]]:
    place = 8
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        yield name, place + 8, length
        place += 12 + length


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
