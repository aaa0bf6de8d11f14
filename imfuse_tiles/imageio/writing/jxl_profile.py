"""A colour profile put into the head of a JPEG XL codestream (ISO/IEC 18181-1, annexes C, D and E).

The library that codes the samples takes no profiles. Behind the metadata of the picture stands the profile: its first
128 bytes less what they are expected to be, then the others as they are. Each byte is a symbol of 8 bits in a prefix
code of 256 symbols of equal length.
"""

from __future__ import annotations

from imfuse_tiles.imageio.reading.jpeg_xl_header import CODESTREAM_START, HEAD_BYTES, Bits, read_picture, skip_colours

_HEADER = 128
_INSERT = 1
_REVERSED = [int(f"{byte:08b}"[::-1], 2) for byte in range(256)]
#: Expected bytes of a profile's header, by their places.
_EXPECTED = {8: b"\4", 12: b"mntrRGB XYZ ", 36: b"acsp", 68: b"\0\0\xf6\xd6\0\1\0\0\0\0\xd3\x2d"}
#: What follows the first letter, or the first two, of the platform at byte 40.
_PLATFORMS = {b"A": b"PPL", b"M": b"SFT", b"SG": b"I ", b"SU": b"NW"}


def put_profile(stream: bytes, profile: bytes, grey: bool) -> bytes:
    """A codestream as libjxl writes it without loss, with a colour profile instead of what tells its colours."""
    head = stream[len(CODESTREAM_START) : HEAD_BYTES]
    start = read_picture(head).colour_bit
    bits = Bits(head)
    skip_colours(bits, start)
    written = _Writer()
    written.put(int.from_bytes(head, "little") & ((1 << start) - 1), start)
    written.put(0b10 | grey << 2, 4)  # told in its own way, by a profile, of grey or coloured samples
    if bits.take(3) != 0b100:  # no extensions, the usual transforms
        raise ValueError("a head of other fields")
    written.put(0b100, 3)
    _put_coded(written, _residuals(profile))
    frames = len(CODESTREAM_START) + -(-bits.place // 8)
    return CODESTREAM_START + written.bytes() + stream[frames:]


def _residuals(profile: bytes) -> bytes:
    """A profile as it is coded: its length, commands, and bytes."""
    header = bytearray(_HEADER)
    header[:4] = len(profile).to_bytes(4, "big")
    for place, expected in _EXPECTED.items():
        header[place : place + len(expected)] = expected
    header[80:84] = profile[4:8]
    for known, following in _PLATFORMS.items():
        if profile[40:44].startswith(known):
            header[40 + len(known) : 44] = following
    first = bytes((byte - expected) & 255 for byte, expected in zip(profile, header, strict=False))
    rest = profile[_HEADER:]
    commands = bytes((0, _INSERT)) + _varint(len(rest)) if rest else b"\0"  # no list of tags
    return _varint(len(profile)) + _varint(len(commands)) + commands + first + rest


def _varint(number: int) -> bytes:
    """A number in groups of 7 bits, lowest first."""
    groups = bytearray()
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes((*groups, number))


class _Writer:
    """Bits, lowest first."""

    def __init__(self) -> None:
        self.value, self.place = 0, 0

    def put(self, value: int, count: int) -> None:
        self.value |= value << self.place
        self.place += count

    def bytes(self) -> bytes:
        return self.value.to_bytes(-(-self.place // 8), "little")


def _put_coded(written: _Writer, content: bytes) -> None:
    """The length, the code, and the symbols of some bytes."""
    _put_length(written, len(content))
    written.put(0, 1)  # nothing refers to earlier symbols
    written.put(0b001, 3)  # one distribution for all contexts
    written.put(1, 1)  # by prefixes
    written.put(8, 12)  # symbols of 8 bits stand for themselves
    written.put(1 | 7 << 1 | 127 << 5, 12)  # 1 + 2^7 + 127 symbols
    # The lengths of the code that tells lengths: only 8, in place 10 of their order, occurs.
    written.put(0, 2)
    written.put(1 << 20, 36)
    symbols = bytes(_REVERSED[byte] for byte in content)
    written.put(int.from_bytes(symbols, "little"), 8 * len(symbols))


def _put_length(written: _Writer, length: int) -> None:
    """A number of up to 64 bits: 12 of them, then 8 at a time."""
    written.put(3, 2)
    written.put(length & 0xFFF, 12)
    length >>= 12
    while length:
        written.put(1, 1)
        written.put(length & 0xFF, 8)
        length >>= 8
    written.put(0, 1)
