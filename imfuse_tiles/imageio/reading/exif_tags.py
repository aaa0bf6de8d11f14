"""Tags of TIFF files and EXIF blocks, which have the same form, byte for byte."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Container
from contextlib import suppress

import numpy as np

from imfuse_tiles.imageio.metadata import EXIF, GPS, PROFILE, Directory, Tags, Value

#: Bytes of a value by its type number.
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8, 17: 8}
#: Tags of the main directory that describe the picture and not the file.
DESCRIPTIVE = {
    269, 270, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, 33434, 33437, 33723, 34850, 34855, 36867, 36868,
    37377, 37378, 37379, 37380, 37381, 37382, 37383, 37384, 37385, 37386, 40091, 40092, 40093, 40094, 40095, 42016,
}  # fmt: skip
#: Tags of the EXIF directory about the coded image, and pointers to further directories.
ABOUT_THE_FILE = {37121, 37122, 40962, 40963, 40965}
_COLOUR_SPACE, _INTEROPERABILITY = 40961, 40965
MOST_TAGS, LARGEST = 1000, 16 << 20


def block_tags(data: bytes | mmap.mmap, profile: bytes, colour_notice: str = "", *, told: bool = False) -> Tags:
    """The tags of a TIFF file or of an EXIF block, which has the same form.

    What they tell of colours counts where there is no profile, unless the file itself has ``told`` them.
    """
    with suppress(struct.error, IndexError):
        order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
        version = struct.unpack_from(order + "H", data, 2)[0] if order else 0
        if version not in (42, 43):
            return Tags(profile=profile, colour_notice=colour_notice)
        reader = _Reader(data, order, version == 43)
        every = reader.directory(reader.start, DESCRIPTIVE | {EXIF, GPS, PROFILE})
        chosen = {tag: value for tag, value in every.items() if tag in DESCRIPTIVE}
        below = reader.below(every, EXIF)
        exif = {tag: value for tag, value in below.items() if tag not in ABOUT_THE_FILE}
        profile = every[PROFILE].data if PROFILE in every else profile
        if not (profile or told):
            profile, colour_notice = _colours(below, reader.below(below, _INTEROPERABILITY))
        return Tags(chosen, exif, reader.below(every, GPS), profile, colour_notice)
    return Tags(profile=profile, colour_notice=colour_notice)


def _colours(exif: Directory, interoperability: Directory) -> tuple[bytes, str]:
    """The colour profile by EXIF tags, and what they tell instead of one."""
    from imfuse_tiles.imageio.reading.coded_colours import exif_profile

    space = int.from_bytes(exif[_COLOUR_SPACE].data[:2], "little") if _COLOUR_SPACE in exif else 0
    try:
        return exif_profile(space, interoperability[1].data if 1 in interoperability else b""), ""
    except ValueError as error:
        return b"", str(error)


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
