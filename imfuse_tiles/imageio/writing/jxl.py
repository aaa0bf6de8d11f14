"""JPEG XL without loss: 8 or 16 bits, opacity, EXIF; the whole picture in memory."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from imfuse_tiles.imageio.reading.jpeg_xl import tell_srgb_curve
from imfuse_tiles.imageio.writing.exif import picture_block
from imfuse_tiles.imageio.writing.picture import Picture, strips

#: 3 of 9: a third larger than the smallest at ten times the speed.
_EFFORT = 3
_CODESTREAM = b"jxlc"  # name of its box, behind those for signature and level


def write_jxl(file: BinaryIO, picture: Picture, bands: Iterable[np.ndarray], workers: int = 2) -> None:
    """Write bands of rows (rows, width, planes) of uint8 or uint16."""
    import imagecodecs

    whole = np.empty((picture.height, picture.width, picture.planes), picture.dtype)
    top = 0
    for strip in strips(picture, bands, rows=64):
        whole[top : top + len(strip)] = strip
        top += len(strip)
    pixels = whole[..., 0] if picture.planes == 1 else whole
    encode = imagecodecs.jpegxl_encode
    boxes = bytes(encode(pixels, lossless=True, effort=_EFFORT, usecontainer=True, numthreads=workers))
    start = boxes.index(_CODESTREAM) + len(_CODESTREAM)
    file.write(boxes[:start] + tell_srgb_curve(boxes[start:]))
    if block := picture_block(picture):
        content = bytes(4) + block  # the EXIF block begins 0 bytes behind this number
        file.write(struct.pack(">I4s", 8 + len(content), b"Exif") + content)


def jxl_bytes(picture: Picture) -> int:
    """Memory for writing: the pixels, and what the library makes of them (floats, and the file)."""
    return 7 * picture.height * picture.row_bytes
