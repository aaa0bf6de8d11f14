"""JPEG: header by a walk over the markers, pixels by libjpeg-turbo.

libjpeg goes on after damage and fills up what is missing: a warning of it is an error here, and the end marker is
looked for before. Nobody needs hundreds of scans; they would take minutes to decode.
"""

from __future__ import annotations

import itertools
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
_MOST_SCANS = 50  # photographs have about ten
_BLOCK = 32  # pixels: frames are padded to whole groups of blocks, at most so large
# Within entropy-coded data 0xFF is followed by 0 (a plain 0xFF), a restart number or another 0xFF.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_SCAN_START = re.compile(rb"\xff\xda\x00[\x06-\x0c][\x01-\x04]")
_COUNTED = 100_000


def read_jpeg_header(facts: FileFacts) -> Header:
    """Header of a JPEG file that has its end marker."""
    with facts.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        marker, frame, orientation, scan = _read_markers(facts, data)
        scans = count_scans(data, scan)
        if scans > _MOST_SCANS:
            raise refuse(facts.path, f"is a JPEG of {scans} scans, allowed are {_MOST_SCANS}: malicious or damaged")
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
    # The decoder keeps the coefficients of all scans together, 16 bits each.
    padded = (height + _BLOCK) * (width + _BLOCK) * components
    coefficients = 2 * padded if marker in _PROGRESSIVE or scans > 1 else 0
    return Header(
        path=facts.path, format="jpeg", height=height, width=width, channels=1 if components == 1 else 3,
        has_alpha=False, dtype="uint8", rows_per_segment=height,
        decode_bytes=decoded + coefficients + facts.size, size=facts.size, mtime_ns=facts.mtime_ns,
        orientation=orientation,
    )  # fmt: skip


def decode_jpeg(data: bytes) -> np.ndarray:
    """(height, width) or (height, width, 3) of uint8; ValueError on damaged data, also where a decoder would go on."""
    import imagecodecs
    import simplejpeg

    grey = simplejpeg.decode_jpeg_header(data)[2] == "Gray"
    try:
        decoded = simplejpeg.decode_jpeg(data, colorspace="GRAY" if grey else "RGB", strict=True)
    except ValueError as error:
        if "subsampling" not in str(error):
            raise
        return imagecodecs.jpeg8_decode(data)  # an unusual ratio of colour planes, which only this one reads
    return decoded[..., 0] if grey else decoded


def check_jpeg(data: bytes, width: int, height: int) -> None:
    """ValueError if a JPEG stream is damaged, has more scans than allowed, or is larger than ``width`` x ``height``."""
    import simplejpeg

    if count_scans(data, 0) > _MOST_SCANS:
        raise ValueError(f"JPEG data of more than {_MOST_SCANS} scans")
    rows, columns, *_ = simplejpeg.decode_jpeg_header(data, strict=False)
    if rows > height or columns > width:
        raise ValueError(f"JPEG data of {columns} x {rows} pixels where {width} x {height} belong")
    simplejpeg.decode_jpeg(data, colorspace="GRAY", strict=True)


def count_scans(data: bytes | mmap.mmap, first: int) -> int:
    """How many scans there are from offset ``first`` on, about: thumbnails in between count, too."""
    return 1 + sum(1 for _ in itertools.islice(_SCAN_START.finditer(data, first), _COUNTED))


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
