"""JPEG: 8 bits, no alpha, the whole picture in memory, for looking at a result."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.writing.exif import picture_block
from imfuse_tiles.imageio.writing.picture import Picture, strips
from imfuse_tiles.kernels.eight_bits import eight_bits

_QUALITY = 95
_LARGEST_SEGMENT = 65_533
_START = b"\xff\xd8"


def write_jpeg(file: BinaryIO, picture: Picture, bands: Iterable[np.ndarray]) -> None:
    """Write bands of rows (rows, width, planes) of uint8, or uint16 rounded to 8 bits."""
    import imagecodecs

    whole = np.empty((picture.height, picture.width, picture.planes), np.uint8)
    top = 0
    for strip in strips(picture, bands, rows=64):
        whole[top : top + len(strip)] = eight_bits(strip)
        top += len(strip)
    pixels = whole[..., 0] if picture.planes == 1 else whole
    subsampling = None if picture.planes == 1 else "444"
    encoded = memoryview(imagecodecs.jpeg8_encode(pixels, level=_QUALITY, subsampling=subsampling))
    file.write(_START + _exif_segment(picture) + _profile_segments(picture))
    file.write(encoded[len(_START) :])


def with_profile(encoded: bytes | bytearray, picture: Picture) -> bytes:
    """A JPEG file with the picture's colour profile."""
    return _START + _profile_segments(picture) + bytes(encoded[len(_START) :])


def jpeg_bytes(picture: Picture) -> int:
    """Memory for writing: the pixels and, at worst, as much again encoded."""
    return 2 * picture.height * picture.width * picture.planes


def _exif_segment(picture: Picture) -> bytes:
    block = picture_block(picture)
    if len(block) + 6 > _LARGEST_SEGMENT:
        block = picture_block(picture, Tags())
    if not block or len(block) + 6 > _LARGEST_SEGMENT:
        return b""  # a description beyond 64 kB: better none than a broken one
    content = b"Exif\0\0" + block
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def _profile_segments(picture: Picture) -> bytes:
    """The colour profile in numbered pieces, as many as it needs."""
    size = _LARGEST_SEGMENT - 14
    pieces = [picture.profile[at : at + size] for at in range(0, len(picture.profile), size)]
    contents = [b"ICC_PROFILE\0" + bytes((number, len(pieces))) + piece for number, piece in enumerate(pieces, 1)]
    return b"".join(b"\xff\xe2" + struct.pack(">H", len(content) + 2) + content for content in contents)
