"""JPEG XL: header by reading the first bits of the codestream (ISO/IEC 18181-1, annex D), pixels by libjxl."""

from __future__ import annotations

import struct
from pathlib import Path

from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.exif_tags import block_tags
from imfuse_tiles.imageio.reading.header import DType, FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.series import ChosenFrames
from imfuse_tiles.imageio.reading.whole_frame import WholeFrame, refuse_level, single_picture, whole_header

list_series = single_picture
_START = b"\xff\x0a"
_HEAD_BYTES = 4096
_MOST_BOXES = 1000
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_LARGEST_NOTE = 16 << 20
_GREY, _ALPHA = 1, 0


@frozen
class Picture:
    """What the codestream tells: height and width, samples per pixel, number type."""

    size: tuple[int, int]
    samples: int
    dtype: DType


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """The header of the picture, upright as libjxl delivers it. Refusal for animations and unusual samples."""
    refuse_level(facts.path, level)
    boxes = _boxes(facts.path, facts.size)
    if not boxes["codestream"].startswith(_START):
        raise refuse(facts.path, "damaged JPEG XL: no codestream")
    try:
        picture = read_picture(boxes["codestream"][2:])
    except ValueError as error:
        raise refuse(facts.path, f"is JPEG XL {error}; convert it to TIFF") from error
    pixels = picture.size[0] * picture.size[1] * picture.samples
    return [whole_header(facts, "jpegxl", picture.size, picture.samples, picture.dtype, decode_bytes=12 * pixels)]


def open_rows(header: Header) -> WholeFrame:
    """The rows of the picture."""
    import imagecodecs

    return WholeFrame(header, lambda: imagecodecs.jpegxl_decode(header.path.read_bytes()))


def read_tags(path: Path) -> Tags:
    """The camera's tags; the profile lies in the coded data, and samples are taken as sRGB."""
    exif = _boxes(path, path.stat().st_size)["Exif"]
    start = 4 + int.from_bytes(exif[:4], "big") if len(exif) > 4 else 0
    return block_tags(exif[start:], b"")


def read_picture(head: bytes) -> Picture:
    """The picture by the bits behind the codestream's signature. ValueError, as "of ...", for what is not read."""
    bits = _Bits(head)
    height, width = _size(bits)
    if bits.take(1):  # everything as usual
        return Picture((height, width), 3, "uint8")
    turned = 0
    if bits.take(1):
        turned = bits.take(3) + 1
        if bits.take(1):
            _size(bits)
        if bits.take(1) or bits.take(1):
            raise ValueError("of several pictures (preview or animation)")
    dtype = _depth(bits)
    bits.take(1)
    extra = bits.choose((0, 0), (0, 1), (4, 2), (12, 1))
    if extra > 1:
        raise ValueError(f"of {extra} extra channels")
    if extra and not bits.take(1):
        _extra_alpha(bits)
    bits.take(1)  # how the colours are coded
    grey = False
    if not bits.take(1):
        bits.take(1)  # whether there is a profile
        grey = bits.choose((0, 0), (0, 1), (4, 2), (6, 18)) == _GREY
    size = (width, height) if turned > 4 else (height, width)
    return Picture(size, (1 if grey else 3) + extra, dtype)


class _Bits:
    """Bits of bytes, lowest first."""

    def __init__(self, data: bytes) -> None:
        self.value, self.left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self.left:
            raise ValueError("that is truncated")
        taken = self.value & ((1 << count) - 1)
        self.value >>= count
        self.left -= count
        return taken

    def choose(self, *ways: tuple[int, int]) -> int:
        """A number as one of four (bits, offset)."""
        count, offset = ways[self.take(2)]
        return offset + self.take(count)


def _size(bits: _Bits) -> tuple[int, int]:
    """Height and width."""
    small = bits.take(1)

    def length() -> int:
        return 8 * (bits.take(5) + 1) if small else bits.choose((9, 1), (13, 1), (18, 1), (30, 1))

    height = length()
    ratio = bits.take(3)
    if not ratio:
        return height, length()
    across, down = _RATIOS[ratio - 1]
    return height, height * across // down


def _depth(bits: _Bits) -> DType:
    """The number type of samples."""
    if bits.take(1):
        depth = bits.choose((0, 32), (0, 16), (0, 24), (6, 1))
        bits.take(4)
        if depth not in (16, 32):
            raise ValueError(f"of {depth}-bit floating-point samples")
        return "float32"
    depth = bits.choose((0, 8), (0, 10), (0, 12), (6, 1))
    if depth not in (8, 16):
        raise ValueError(f"of {depth} bits a sample")
    return "uint8" if depth == 8 else "uint16"


def _extra_alpha(bits: _Bits) -> None:
    """Read over an extra channel. ValueError if it is no opacity of full size."""
    kind = bits.choose((0, 0), (0, 1), (4, 2), (6, 18))
    _depth(bits)
    shift = bits.choose((0, 0), (0, 3), (0, 4), (3, 1))
    name = bits.choose((0, 0), (4, 0), (5, 16), (10, 48))
    for _ in range(name):
        bits.take(8)
    if kind != _ALPHA or shift:
        raise ValueError("of an extra channel that is no opacity")
    bits.take(1)  # whether colours are stored times their opacity


def _boxes(path: Path, size: int) -> dict[str, bytes]:
    """The beginning of the codestream, and the EXIF block, in a file with or without boxes."""
    found = {"codestream": b"", "Exif": b""}
    with path.open("rb") as file:
        if file.read(2) == _START:
            file.seek(0)
            return found | {"codestream": file.read(_HEAD_BYTES)}
        place = 0
        for _ in range(_MOST_BOXES):
            file.seek(place)
            head = file.read(16)
            if len(head) < 8:
                break
            length, name = struct.unpack(">I4s", head[:8])
            extra = 8
            if length == 1 and len(head) == 16:
                (length,), extra = struct.unpack(">Q", head[8:]), 16
            length = length or size - place
            if length < extra or place + length > size:
                raise refuse(path, "is truncated (JPEG XL ends inside a box)")
            file.seek(place + extra)
            if name in (b"jxlc", b"jxlp") and not found["codestream"]:
                content = file.read(min(length - extra, _HEAD_BYTES))
                found["codestream"] = content[4:] if name == b"jxlp" else content
            elif name == b"Exif" and not found["Exif"]:
                found["Exif"] = file.read(min(length - extra, _LARGEST_NOTE))
            place += length
    return found
