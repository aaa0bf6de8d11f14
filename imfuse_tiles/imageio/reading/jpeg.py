"""JPEG: header by a walk over the markers, pixels by libjpeg-turbo.

libjpeg fills a file that ends early with grey and reports success, so the end marker is looked for here.
"""

from __future__ import annotations

import mmap
import re
import struct

import numpy as np

from imfuse_tiles.imageio.reading.exif import read_orientation
from imfuse_tiles.imageio.reading.header import FileFacts, Header, check_claim, refuse

_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}  # Huffman or arithmetic coding, sequential or progressive
_PROGRESSIVE = {0xC2, 0xCA}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}  # lossless, hierarchical, JPEG-LS
_SCAN, _END, _EXIF = 0xDA, 0xD9, 0xE1
_MOST_MARKERS = 10_000
# Within entropy-coded data 0xFF is followed by 0 (a plain 0xFF), a restart number or another 0xFF.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")


def read_jpeg_header(facts: FileFacts) -> Header:
    """Header of a JPEG file that has its end marker."""
    with facts.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        marker, frame, orientation, scan = _read_markers(facts, data)
        bits, height, width, components = struct.unpack(">BHHB", frame)
        if components not in (1, 3):
            kind = "CMYK" if components == 4 else f"{components} components"
            raise refuse(facts.path, f"is a JPEG of {kind}; convert it to grey or RGB")
        if bits != 8:
            raise refuse(facts.path, f"is a {bits}-bit JPEG; allowed: 8 bits")
        decoded = width * height * components
        check_claim(facts, width, height, decoded)
        if not has_end(data, scan):
            raise refuse(facts.path, "is truncated (JPEG without its end)")
    coefficients = 2 * decoded if marker in _PROGRESSIVE else 0  # kept whole by the decoder, 16 bits each
    return Header(
        path=facts.path, format="jpeg", height=height, width=width, channels=1 if components == 1 else 3,
        has_alpha=False, dtype="uint8", rows_per_segment=height,
        decode_bytes=decoded + coefficients + facts.size, size=facts.size, mtime_ns=facts.mtime_ns,
        orientation=orientation,
    )  # fmt: skip


def decode_jpeg(data: bytes) -> np.ndarray:
    """(height, width) or (height, width, 3) of uint8; raises on damaged data, but not on missing ends."""
    import imagecodecs

    return imagecodecs.jpeg8_decode(data)


def has_end(data: bytes | mmap.mmap, scan: int = 0) -> bool:
    """Whether the coded data from offset `scan` on run up to an end marker."""
    if bytes(data[-4096:]).rstrip(b"\0").endswith(b"\xff\xd9"):
        return True  # the usual case; otherwise a camera may have appended something
    position = scan
    while match := _MARKER.search(data, position):
        if match[1][0] == _END:
            return True
        if match.end() + 2 > len(data):
            return False
        position = match.end() + struct.unpack_from(">H", data, match.end())[0]
    return False


def _read_markers(facts: FileFacts, data: mmap.mmap) -> tuple[int, bytes, int, int]:
    """(kind of frame, its 6 bytes of geometry, orientation, offset of the first scan)."""
    marker, frame, orientation, position = 0, b"", 1, 2
    for _ in range(_MOST_MARKERS):
        while data[position : position + 2] == b"\xff\xff":  # fill bytes
            position += 1
        start = data[position : position + 4]
        if len(start) < 4:
            raise refuse(facts.path, "is truncated (JPEG ends in its header)")
        fill, code, length = struct.unpack(">BBH", start)
        if fill != 0xFF or length < 2:
            raise refuse(facts.path, f"damaged JPEG: no marker at byte {position}")
        if code in _OTHER_FRAMES:
            kind = f"unusual kind (marker 0x{code:02X})"
            raise refuse(facts.path, f"is a JPEG of an {kind}; allowed: baseline or progressive")
        if code in _FRAMES:
            marker, frame = code, data[position + 4 : position + 10]
        if code == _EXIF and data[position + 4 : position + 10] == b"Exif\0\0":
            orientation = read_orientation(data[position + 10 : position + 2 + length])
        if code == _SCAN:
            if len(frame) < 6:
                raise refuse(facts.path, "damaged JPEG: no frame header")
            return marker, frame, orientation, position + 2 + length
        position += 2 + length
    raise refuse(facts.path, f"has more than {_MOST_MARKERS} JPEG markers")
