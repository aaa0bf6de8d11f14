"""The descriptive tags of an image file, byte for byte.

Tags about size, compression, orientation and resolution are left out: they are the file's own. So are notes in
forms of their own (XMP, Photoshop), which repeat such numbers.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Container, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from imfuse_tiles.imageio.metadata import EXIF, GPS, PROFILE, Directory, Tags, Value
from imfuse_tiles.imageio.reading.detect import facts_and_format
from imfuse_tiles.imageio.reading.formats import FORMATS
from imfuse_tiles.imageio.reading.profiles import gamma_profile

#: Bytes of a value by its type number.
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8, 17: 8}
#: Tags of the main directory that describe the picture and not the file.
DESCRIPTIVE = {
    269, 270, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, 33434, 33437, 33723, 34850, 34855, 36867, 36868,
    37377, 37378, 37379, 37380, 37381, 37382, 37383, 37384, 37385, 37386, 40091, 40092, 40093, 40094, 40095, 42016,
}  # fmt: skip
#: Tags of the EXIF directory about the coded image, and pointers to further directories.
ABOUT_THE_FILE = {37121, 37122, 40962, 40963, 40965}
_SRGB_GAMMA = 45_455  # in a PNG's gAMA chunk: 1 / 2.2
MOST_TAGS, LARGEST = 1000, 16 << 20


def read_tags(path: str | Path) -> Tags:
    """The tags of an image file; those that are damaged are left out. Refusal when it is no image."""
    facts, kind = facts_and_format(Path(path))
    if kind in FORMATS:
        return FORMATS[kind].reader(facts.path).read_tags(facts.path)
    with facts.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if kind == "tiff":
            return block_tags(data, b"")
        blocks, profile = _in_png(data) if kind == "png" else _in_jpeg(data)
        return block_tags(blocks, profile)


def block_tags(data: bytes | mmap.mmap, profile: bytes) -> Tags:
    """The tags of a TIFF file or of an EXIF block, which has the same form."""
    with suppress(struct.error, IndexError):
        order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
        version = struct.unpack_from(order + "H", data, 2)[0] if order else 0
        if version not in (42, 43):
            return Tags(profile=profile)
        reader = _Reader(data, order, version == 43)
        every = reader.directory(reader.start, DESCRIPTIVE | {EXIF, GPS, PROFILE})
        chosen = {tag: value for tag, value in every.items() if tag in DESCRIPTIVE}
        exif = {tag: value for tag, value in reader.below(every, EXIF).items() if tag not in ABOUT_THE_FILE}
        profile = every[PROFILE].data if PROFILE in every else profile
        return Tags(chosen, exif, reader.below(every, GPS), profile)
    return Tags(profile=profile)


def main_values(data: bytes | mmap.mmap, wanted: Container[int]) -> Directory:
    """Some tags of the main directory of a TIFF file or EXIF block; what is damaged is left out."""
    with suppress(struct.error, IndexError):
        order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
        version = struct.unpack_from(order + "H", data, 2)[0] if order else 0
        if version in (42, 43):
            reader = _Reader(data, order, version == 43)
            return reader.directory(reader.start, wanted)
    return {}


class _Reader:
    """Directories of a TIFF structure. Whatever lies outside the data is left out."""

    def __init__(self, data: bytes | mmap.mmap, order: str, big: bool) -> None:
        self.data, self.order, self.big = data, order, big
        self.left = LARGEST  # bytes of all values together: many may point to the same
        self.start = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]

    def directory(self, start: int, wanted: Container[int] | None = None) -> Directory:
        """The values of a directory, or those of some tags."""
        found: Directory = {}
        head, entry = ("Q", "HHQ8s") if self.big else ("H", "HHI4s")
        with suppress(struct.error):
            (count,) = struct.unpack_from(self.order + head, self.data, start)
            place, step = start + struct.calcsize(head), struct.calcsize(self.order + entry)
            for index in range(min(count, MOST_TAGS)):
                tag, kind, values, raw = struct.unpack_from(self.order + entry, self.data, place + step * index)
                value = self.value(kind, values, raw) if wanted is None or tag in wanted else None
                if value is not None:
                    found.setdefault(tag, value)
        return found

    def value(self, kind: int, count: int, raw: bytes) -> Value | None:
        size = SIZES.get(kind, 0) * count
        if not 0 < size <= self.left:
            return None
        self.left -= size
        if size > len(raw):
            (start,) = struct.unpack(self.order + ("Q" if self.big else "I"), raw)
            raw = bytes(self.data[start : start + size])
        return Value(kind, count, _little(kind, raw[:size], self.order)) if len(raw) >= size else None

    def below(self, every: Directory, tag: int) -> Directory:
        """The directory that a tag points to."""
        value = every.get(tag)
        return self.directory(int.from_bytes(value.data, "little")) if value else {}


def _little(kind: int, raw: bytes, order: str) -> bytes:
    """A value's bytes in little-endian order."""
    width = {3: 2, 8: 2, 4: 4, 9: 4, 5: 4, 10: 4, 11: 4, 12: 8, 16: 8, 17: 8}.get(kind, 1)
    if order == "<" or width == 1:
        return raw
    return np.frombuffer(raw, f">u{width}").astype(f"<u{width}").tobytes()


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
