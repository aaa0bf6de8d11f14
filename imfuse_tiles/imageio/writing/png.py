"""PNG, written with the memory of a few strips.

Every row is predicted by the average of its neighbours left and above, and deflate only looks for runs: on
photographs that is as small as trying all filters row by row, at ten times the speed. Each strip is packed on
its own up to a byte boundary, so that strips can be packed at the same time and still form one stream.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np

from imfuse_tiles.imageio.writing.encode import in_order, strip_rows
from imfuse_tiles.imageio.writing.exif import picture_block
from imfuse_tiles.imageio.writing.picture import Picture, strips

_COLOUR = {1: 0, 2: 4, 3: 2, 4: 6}
_AVERAGE = 3
_METRE, _LARGEST_DENSITY = 1, (1 << 31) - 1
_LEVEL = 6
_STREAM_START = b"\x78\x01"


def write_png(file: BinaryIO, picture: Picture, bands: Iterable[np.ndarray], workers: int = 2) -> None:
    """Write bands of rows (rows, width, planes) of uint8 or uint16; texts go into an EXIF chunk."""
    bits = 8 * np.dtype(picture.dtype).itemsize
    file.write(b"\x89PNG\r\n\x1a\n")
    header = struct.pack(">IIBBBBB", picture.width, picture.height, bits, _COLOUR[picture.planes], 0, 0, 0)
    _write_chunk(file, b"IHDR", header)
    if picture.profile:
        _write_chunk(file, b"iCCP", b"profile\0\0" + zlib.compress(picture.profile))
    if any(density := [round(100 * each) for each in picture.size.per_centimetre]):
        _write_chunk(file, b"pHYs", struct.pack(">IIB", *(min(each, _LARGEST_DENSITY) for each in density), _METRE))
    if block := picture_block(picture):
        _write_chunk(file, b"eXIf", block)
    checksum = zlib.adler32(b"")
    _write_chunk(file, b"IDAT", _STREAM_START)
    for packed, filtered in in_order(_pack, _filtered(picture, bands), workers):
        checksum = zlib.adler32(filtered, checksum)
        _write_chunk(file, b"IDAT", packed)
    _write_chunk(file, b"IDAT", b"\x03\x00" + struct.pack(">I", checksum))  # an empty last block, the sum
    _write_chunk(file, b"IEND", b"")


def _filtered(picture: Picture, bands: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Rows of bytes as PNG stores them: the filter's number, then differences from the prediction."""
    pixel = picture.row_bytes // picture.width
    above = np.zeros((1, picture.row_bytes), np.uint8)
    for strip in strips(picture, bands, strip_rows(picture)):
        rows = strip.astype(strip.dtype.newbyteorder(">")).view(np.uint8).reshape(len(strip), -1)
        up = np.concatenate([above, rows[:-1]])
        # floor((left + up) / 2) without leaving 8 bits; there is nothing to the left of the first pixel.
        average = up >> 1
        average[:, pixel:] += (rows[:, :-pixel] >> 1) + (up[:, pixel:] & rows[:, :-pixel] & 1)
        filtered = np.empty((len(rows), 1 + picture.row_bytes), np.uint8)
        filtered[:, 0] = _AVERAGE
        np.subtract(rows, average, out=filtered[:, 1:])
        above = rows[-1:].copy()
        yield filtered


def _pack(filtered: np.ndarray) -> tuple[bytes, np.ndarray]:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return packer.compress(filtered) + packer.flush(zlib.Z_SYNC_FLUSH), filtered


def _write_chunk(file: BinaryIO, name: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + name + content)
    file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(name))))
