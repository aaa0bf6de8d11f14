"""JPEG XL without loss: 8 or 16 bits, opacity, EXIF, colour profile; the whole picture in memory."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import BinaryIO

import numpy as np

from imfuse_tiles.imageio.reading.jpeg_xl_header import tell_srgb_curve
from imfuse_tiles.imageio.writing.exif import picture_block
from imfuse_tiles.imageio.writing.jxl_profile import put_profile
from imfuse_tiles.imageio.writing.picture import Picture, strips

#: 3 of 9: a third larger than the smallest at ten times the speed.
_EFFORT = 3
_CODESTREAM = b"jxlc"  # name of its box, behind those for signature and level


def write_jxl(file: BinaryIO, picture: Picture, bands: Iterable[np.ndarray], workers: int = 2) -> None:
    """Write bands of rows (rows, width, planes) of uint8 or uint16."""
    whole = np.empty((picture.height, picture.width, picture.planes), picture.dtype)
    top = 0
    for strip in strips(picture, bands, rows=64):
        whole[top : top + len(strip)] = strip
        top += len(strip)
    pixels = whole[..., 0] if picture.planes == 1 else whole
    boxes = _encoded(pixels, picture.profile if holds_profile(picture) else b"", workers)
    for box in boxes:
        file.write(box)
    if block := picture_block(picture):
        content = bytes(4) + block  # the EXIF block begins 0 bytes behind this number
        file.write(struct.pack(">I4s", 8 + len(content), b"Exif") + content)


def holds_profile(picture: Picture) -> bool:
    """Whether the picture has a colour profile, with which libjxl reads the file; damaged ones it refuses."""
    return bool(picture.profile) and _is_read(picture.profile, picture.planes, picture.dtype)


@lru_cache(maxsize=8)
def _is_read(profile: bytes, planes: int, dtype: str) -> bool:
    """Whether a file with a profile is read."""
    import imagecodecs

    pixels = np.arange(planes, dtype=dtype).reshape(1, 1, planes)
    pixels = pixels[..., 0] if planes == 1 else pixels
    try:
        return np.array_equal(imagecodecs.jpegxl_decode(b"".join(_encoded(pixels, profile, 1))), pixels)
    except (RuntimeError, ValueError):
        return False


def _encoded(pixels: np.ndarray, profile: bytes, workers: int) -> tuple[bytes, bytes, bytes]:
    """The boxes before the codestream, its own length and name, and itself."""
    import imagecodecs

    encode = imagecodecs.jpegxl_encode
    boxes = bytes(encode(pixels, lossless=True, effort=_EFFORT, usecontainer=True, numthreads=workers))
    start = boxes.index(_CODESTREAM) - 4
    stream = boxes[start + 8 :]
    grey = profile[16:20] == b"GRAY"
    stream = put_profile(stream, profile, grey) if profile else tell_srgb_curve(stream)
    return boxes[:start], struct.pack(">I4s", 8 + len(stream), _CODESTREAM), stream


def jxl_bytes(picture: Picture) -> int:
    """Memory for writing: the pixels, and what the library makes of them (floats, and the file)."""
    return 7 * picture.height * picture.row_bytes
