"""JPEG XL: header by reading the first bits of the codestream (ISO/IEC 18181-1, annex D), pixels by libjxl."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.boxes import read_box, walk_boxes
from imfuse_tiles.imageio.reading.exif_tags import block_tags
from imfuse_tiles.imageio.reading.header import DType, FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.series import ChosenFrames
from imfuse_tiles.imageio.reading.whole_frame import WholeFrame, refuse_level, single_picture, whole_header

list_series = single_picture
_START = b"\xff\x0a"
_HEAD_BYTES = 4096
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_LARGEST_NOTE = 16 << 20
_GREY, _ALPHA = 1, 0
_ENUM = ((0, 0), (0, 1), (4, 2), (6, 18))
_D65, _CUSTOM, _SRGB_PRIMARIES = 1, 2, 1
_LINEAR, _SRGB_CURVE = 8, 13
_LINEAR_SAMPLES = "linear samples"
_SRGB_GAMMA = 4_545_455  # 1 / 2.2 in steps of 1e-7


@frozen
class Picture:
    """What the codestream tells: height and width, samples per pixel, number type, and how colours differ from sRGB.

    ``end_bit``: where the bits end that were read, those of the transfer curve last.
    """

    size: tuple[int, int]
    samples: int
    dtype: DType
    colours: str = ""
    end_bit: int = 0


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
    header = whole_header(facts, "jpegxl", picture.size, picture.samples, picture.dtype, decode_bytes=12 * pixels)
    told = f"has {picture.colours}, which of JPEG XL is not read: taken as sRGB" if picture.colours else ""
    return [replace(header, notice=told)]


def open_rows(header: Header) -> WholeFrame:
    """The rows of the picture."""
    import imagecodecs

    return WholeFrame(header, lambda: imagecodecs.jpegxl_decode(header.path.read_bytes()))


def read_tags(path: Path) -> Tags:
    """The camera's tags; the profile lies in the coded data, and samples are taken as sRGB."""
    return block_tags(read_exif(path), b"")


def read_exif(path: Path) -> bytes:
    """The EXIF block; empty if there is none."""
    exif = _boxes(path, path.stat().st_size)["Exif"]
    return exif[4 + int.from_bytes(exif[:4], "big") :] if len(exif) > 4 else b""


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
    lossy = bool(bits.take(1))
    grey, colours = _colours(bits, lossy, dtype)
    size = (width, height) if turned > 4 else (height, width)
    return Picture(size, (1 if grey else 3) + extra, dtype, colours, bits.place)


def _colours(bits: _Bits, lossy: bool, dtype: DType) -> tuple[bool, str]:
    """Whether the samples are grey, and how their colours differ from sRGB in words, empty if they do not."""
    if bits.take(1):
        return False, ""
    has_profile, grey = bool(bits.take(1)), bits.choose(*_ENUM) == _GREY
    if has_profile:
        return grey, "" if lossy else "a colour profile"  # lossy ones are decoded to sRGB
    white = bits.choose(*_ENUM)
    if white == _CUSTOM:
        return grey, "a white point of their own"
    primaries = _SRGB_PRIMARIES if grey else bits.choose(*_ENUM)
    if (white, primaries) != (_D65, _SRGB_PRIMARIES):
        return grey, {9: "primaries of Rec. 2100", 11: "primaries of P3"}.get(primaries, "primaries of their own")
    if dtype == "float32":  # linear or not, they go to the result as they are
        return grey, ""
    if bits.take(1):
        gamma = bits.take(24)
        return grey, "" if abs(gamma - _SRGB_GAMMA) < _SRGB_GAMMA // 20 else f"a gamma of {1e7 / max(1, gamma):.2f}"
    curve = bits.choose(*_ENUM)
    return grey, {
        _LINEAR: _LINEAR_SAMPLES,
        16: "samples for HDR (PQ)",
        17: "a gamma of 2.6",
        18: "samples for HDR (HLG)",
    }.get(curve, "")


def tell_srgb_curve(stream: bytes) -> bytes:
    """A codestream that says that its samples have the curve of sRGB, where the library wrote that they are light."""
    head, rest = stream[:_HEAD_BYTES], stream[_HEAD_BYTES:]
    picture = read_picture(head[2:])
    if picture.colours != _LINEAR_SAMPLES:
        return stream
    # The numbers of both curves less 2 stand in 4 bits, the last that were read.
    place = 8 * len(_START) + picture.end_bit - 4
    bits = int.from_bytes(head, "little") ^ (((_LINEAR - 2) ^ (_SRGB_CURVE - 2)) << place)
    return bits.to_bytes(len(head), "little") + rest


class _Bits:
    """Bits of bytes, lowest first."""

    def __init__(self, data: bytes) -> None:
        self.value, self.left = int.from_bytes(data, "little"), 8 * len(data)
        self.place = 0

    def take(self, count: int) -> int:
        if count > self.left:
            raise ValueError("that is truncated")
        taken = self.value & ((1 << count) - 1)
        self.value >>= count
        self.left -= count
        self.place += count
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
    kind = bits.choose(*_ENUM)
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
        for box in walk_boxes(file, path, size):
            if box.name in (b"jxlc", b"jxlp") and not found["codestream"]:
                found["codestream"] = read_box(file, box, _HEAD_BYTES)[4 if box.name == b"jxlp" else 0 :]
            elif box.name == b"Exif" and not found["Exif"]:
                found["Exif"] = read_box(file, box, _LARGEST_NOTE)
    return found
