"""JPEG XL without loss: 8 or 16 bits, opacity, EXIF; the whole picture in memory."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from imfuse_tiles.imageio.writing.exif import picture_block
from imfuse_tiles.imageio.writing.picture import Picture, strips

#: 3 of 9: a third larger than the smallest at ten times the speed.
_EFFORT = 3


def write_jxl(file: BinaryIO, picture: Picture, bands: Iterable[np.ndarray], workers: int = 2) -> None:
    """Write bands of rows (rows, width, planes) of uint8 or uint16."""
    import imagecodecs

    whole = np.empty((picture.height, picture.width, picture.planes), picture.dtype)
    top = 0
    for strip in strips(picture, bands, rows=64):
        whole[top : top + len(strip)] = strip
        top += len(strip)
    pixels = whole[..., 0] if picture.planes == 1 else whole
    file.write(imagecodecs.jpegxl_encode(pixels, lossless=True, effort=_EFFORT, usecontainer=True, numthreads=workers))
    if block := picture_block(picture):
        content = bytes(4) + block  # the EXIF block begins 0 bytes behind this number
        file.write(struct.pack(">I4s", 8 + len(content), b"Exif") + content)


def jxl_bytes(picture: Picture) -> int:
    """Memory for writing: the pixels, and what the library makes of them (floats, and the file)."""
    return 7 * picture.height * picture.row_bytes
