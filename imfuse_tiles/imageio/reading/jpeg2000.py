"""JPEG 2000: header by a walk over the boxes to the codestream's marker SIZ, pixels by OpenJPEG."""

from __future__ import annotations

import struct
from pathlib import Path

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.boxes import read_box, walk_boxes
from imfuse_tiles.imageio.reading.header import DType, FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.series import ChosenFrames
from imfuse_tiles.imageio.reading.whole_frame import WholeFrame, refuse_level, single_picture, whole_header

list_series = single_picture
_START, _SIZE = b"\xff\x4f", b"\xff\x51"
_SYCC = 18  # a number of colour spaces in the box colr
_LARGEST_PROFILE = 16 << 20


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """The header of the picture. Refusal for samples that are signed or of more than 16 bits."""
    refuse_level(facts.path, level)
    start, colours = _codestream(facts.path, facts.size)
    with facts.path.open("rb") as file:
        file.seek(start)
        head = file.read(42)
        depths = file.read(3 * 16)
    if len(head) < 42 or head[:4] != _START + _SIZE:
        raise refuse(facts.path, "damaged JPEG 2000: no codestream")
    right, bottom, left, top = struct.unpack(">4I", head[8:24])
    tile_width, tile_height = struct.unpack(">2I", head[24:32])
    (count,) = struct.unpack(">H", head[40:42])
    if not 0 < count <= 4 or len(depths) < 3 * count or right <= left or bottom <= top:
        raise refuse(facts.path, f"is JPEG 2000 of {count} components; allowed are 1 to 4")
    parts = [depths[3 * number : 3 * number + 3] for number in range(count)]
    if len({bytes(part) for part in parts}) > 1 or parts[0][1:] != b"\1\1" or parts[0][0] & 0x80:
        raise refuse(facts.path, "is JPEG 2000 of components that differ or are signed; convert it to TIFF")
    bits = parts[0][0] + 1
    if bits > 16 or colours == _SYCC or min(tile_width, tile_height) < 16:
        raise refuse(facts.path, f"is JPEG 2000 of {bits} bits in an unusual form; convert it to TIFF")
    dtype: DType = "uint8" if bits <= 8 else "uint16"
    size = (bottom - top, right - left)
    # OpenJPEG keeps 32 bits of each sample.
    return [whole_header(facts, "jpeg2000", size, count, dtype, decode_bytes=7 * size[0] * size[1] * count)]


def open_rows(header: Header) -> WholeFrame:
    """The rows of the picture."""
    import imagecodecs

    return WholeFrame(header, lambda: imagecodecs.jpeg2k_decode(header.path.read_bytes()))


def read_tags(path: Path) -> Tags:
    """The colour profile."""
    with path.open("rb") as file:
        if file.read(2) == _START:
            return Tags()
        for box in walk_boxes(file, path, path.stat().st_size, inside=(b"jp2h",)):
            content = read_box(file, box, _LARGEST_PROFILE) if box.name == b"colr" else b""
            if content[:1] == b"\2":  # an ICC profile behind three bytes
                return Tags(profile=content[3:])
            if box.name == b"jp2c":
                break
    return Tags()


def _codestream(path: Path, size: int) -> tuple[int, int]:
    """Where the codestream begins, and the number of the colour space."""
    colours = 0
    with path.open("rb") as file:
        if file.read(2) == _START:
            return 0, 0
        for box in walk_boxes(file, path, size, inside=(b"jp2h",)):
            if box.name == b"jp2c":
                return box.start, colours
            content = read_box(file, box, 7) if box.name == b"colr" else b""
            if len(content) == 7 and content[0] == 1:
                colours = int.from_bytes(content[3:], "big")
    raise refuse(path, "is truncated (JPEG 2000 without its codestream)")
