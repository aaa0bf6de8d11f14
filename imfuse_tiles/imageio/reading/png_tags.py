"""The tags and colours that the chunks of a PNG file tell of (PNG, third edition, 4.3)."""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.coded_colours import chromatic_profile, coded_profile
from imfuse_tiles.imageio.reading.exif_tags import LARGEST, block_tags
from imfuse_tiles.imageio.reading.profiles import gamma_profile

_SRGB_GAMMA = 45_455  # in a PNG's gAMA chunk: 1 / 2.2
_WANTED = (b"IHDR", b"eXIf", b"iCCP", b"cICP", b"sRGB", b"gAMA", b"cHRM")
_GREY = (0, 4)


def png_tags(data: mmap.mmap) -> Tags:
    """The camera's tags and the colour profile of a PNG file, made of numbers where it has no other."""
    chunks: dict[bytes, bytes] = {}
    for name, start, length in _chunks(data):
        if name in _WANTED and name not in chunks:  # a thousand more would take minutes to unpack
            chunks[name] = bytes(data[start : start + length]) if length <= LARGEST else b""
    profile, notice = b"", ""
    try:
        profile = _profile(chunks)
    except ValueError as error:
        notice = str(error)
    told = any(name in chunks for name in (b"cICP", b"sRGB", b"gAMA", b"cHRM"))
    return block_tags(chunks.get(b"eXIf", b""), profile, notice, told=told)


def _profile(chunks: dict[bytes, bytes]) -> bytes:
    """The colour profile by the first of cICP, iCCP, sRGB, gAMA with cHRM. Raises ValueError like coded_profile."""
    grey = len(chunks.get(b"IHDR", b"")) == 13 and chunks[b"IHDR"][9] in _GREY
    coded = chunks.get(b"cICP", b"")
    if len(coded) == 4:
        if coded[2] or not coded[3]:
            raise ValueError("colours as video codes them, not RGB of full range")
        return coded_profile(coded[0], coded[1], grey)
    if profile := _unpacked(chunks.get(b"iCCP", b"")):
        return profile
    if b"sRGB" in chunks:
        return b""
    gamma = int.from_bytes(chunks.get(b"gAMA", b""), "big") if len(chunks.get(b"gAMA", b"")) == 4 else 0
    usual = not gamma or abs(gamma - _SRGB_GAMMA) <= _SRGB_GAMMA // 20
    exponent = 0.0 if usual else round(100_000 / gamma, 4)
    if len(chunks.get(b"cHRM", b"")) == 32 and not grey:
        white_x, white_y, *primaries = (value / 100_000 for value in struct.unpack(">8I", chunks[b"cHRM"]))
        return chromatic_profile((white_x, white_y), primaries, exponent)
    return gamma_profile(exponent, grey) if exponent else b""


def _unpacked(content: bytes) -> bytes:
    """The profile in a chunk iCCP; empty where it is damaged."""
    _, _, packed = content.partition(b"\0")
    with suppress(zlib.error):
        return zlib.decompressobj().decompress(packed[1:], LARGEST) if packed else b""
    return b""


def _chunks(data: mmap.mmap) -> Iterator[tuple[bytes, int, int]]:
    place = 8
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        yield name, place + 8, length
        place += 12 + length
