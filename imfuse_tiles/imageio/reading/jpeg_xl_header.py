"""The first bits of a JPEG XL codestream (ISO/IEC 18181-1, annex D): size, samples and colours of the picture."""

from __future__ import annotations

from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading.coded_colours import coded_profile, power_profile
from imfuse_tiles.imageio.reading.header import DType

CODESTREAM_START = b"\xff\x0a"
HEAD_BYTES = 4096
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_GREY, _ALPHA = 1, 0
_ENUM = ((0, 0), (0, 1), (4, 2), (6, 18))
_D65, _CUSTOM, _SRGB_PRIMARIES = 1, 2, 1
_LINEAR, _SRGB_CURVE, _DCI = 8, 13, 17
_LINEAR_SAMPLES = "linear samples"
#: By the number of primaries here: theirs in ITU-T H.273, and what they are called.
_PRIMARIES = {1: (1, ""), 9: (9, "primaries of Rec. 2100"), 11: (12, "primaries of P3")}
_SRGB_GAMMA = 2.2
EMBEDDED = "a colour profile"


@frozen
class Picture:
    """What the codestream tells: height and width, samples per pixel, number type, and how colours differ from sRGB.

    ``profile``: of colours that are told by numbers. ``colour_bit``: where the bits begin that tell the colours.
    ``end_bit``: where the bits end that were read, those of the transfer curve last.
    """

    size: tuple[int, int]
    samples: int
    dtype: DType
    colours: str = ""
    profile: bytes = b""
    colour_bit: int = 0
    end_bit: int = 0


def read_picture(head: bytes) -> Picture:
    """The picture by the bits behind the codestream's signature. ValueError, as "of ...", for what is not read."""
    bits = Bits(head)
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
    start = bits.place
    grey, colours, profile = _colours(bits, lossy, dtype)
    size = (width, height) if turned > 4 else (height, width)
    return Picture(size, (1 if grey else 3) + extra, dtype, colours, profile, start, bits.place)


def _colours(bits: Bits, lossy: bool, dtype: DType) -> tuple[bool, str, bytes]:
    """Whether the samples are grey, how their colours differ from sRGB in words, and the profile that numbers tell."""
    if bits.take(1):
        return False, "", b""
    has_profile, grey = bool(bits.take(1)), bits.choose(*_ENUM) == _GREY
    if has_profile:
        return grey, "" if lossy else EMBEDDED, b""  # lossy ones are decoded to sRGB
    white = bits.choose(*_ENUM)
    if white == _CUSTOM:
        return grey, "a white point of its own", b""
    primaries = _SRGB_PRIMARIES if grey else bits.choose(*_ENUM)
    if white != _D65 or primaries not in _PRIMARIES:
        return grey, "primaries of its own", b""
    if dtype == "float32":  # linear or not, they go to the result as they are
        return grey, _PRIMARIES[primaries][1], b""
    if bits.take(1):
        gamma = 1e7 / max(1, bits.take(24))
        return grey, *_by_gamma(_PRIMARIES[primaries], gamma, grey)
    return grey, *_by_curve(_PRIMARIES[primaries], bits.choose(*_ENUM), grey)


def _by_gamma(primaries: tuple[int, str], gamma: float, grey: bool) -> tuple[str, bytes]:
    """Colours in words, and their profile, by an exponent that makes light of samples."""
    code, name = primaries
    if not name and abs(gamma - _SRGB_GAMMA) < _SRGB_GAMMA / 20:
        return "", b""
    if not 0.1 < gamma < 10:
        return f"a gamma of {gamma:.2f}", b""
    return f"a gamma of {gamma:.2f}", power_profile(code, gamma, grey)


def _by_curve(primaries: tuple[int, str], curve: int, grey: bool) -> tuple[str, bytes]:
    """Colours in words, and their profile, by the number of a curve, which are those of ITU-T H.273."""
    code, name = primaries
    if curve == _DCI:
        return _by_gamma(primaries, 2.6, grey)
    try:
        profile = coded_profile(code, curve, grey)
    except ValueError as error:
        return str(error), b""
    return _LINEAR_SAMPLES if curve == _LINEAR else name or ("a curve of its own" if profile else ""), profile


def skip_colours(bits: Bits, start: int) -> None:
    """Read over what tells the colours by numbers, which begins at a bit."""
    bits.take(start)
    if bits.take(1):
        return
    bits.take(1)
    grey = bits.choose(*_ENUM) == _GREY
    for _ in range(1 if grey else 2):  # white and primaries
        bits.choose(*_ENUM)
    if bits.take(1):
        bits.take(24)
    else:
        bits.choose(*_ENUM)
    bits.choose(*_ENUM)  # what happens to colours that others cannot show


def tell_srgb_curve(stream: bytes) -> bytes:
    """A codestream that says that its samples have the curve of sRGB, where the library wrote that they are light."""
    head, rest = stream[:HEAD_BYTES], stream[HEAD_BYTES:]
    picture = read_picture(head[2:])
    if picture.colours != _LINEAR_SAMPLES:
        return stream
    # The numbers of both curves less 2 stand in 4 bits, the last that were read.
    place = 8 * len(CODESTREAM_START) + picture.end_bit - 4
    bits = int.from_bytes(head, "little") ^ (((_LINEAR - 2) ^ (_SRGB_CURVE - 2)) << place)
    return bits.to_bytes(len(head), "little") + rest


class Bits:
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


def _size(bits: Bits) -> tuple[int, int]:
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


def _depth(bits: Bits) -> DType:
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


def _extra_alpha(bits: Bits) -> None:
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
