"""PNG: header by a walk over the chunks, pixels by libpng."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Literal

import numpy as np

from imfuse_tiles.imageio.reading.exif import read_orientation
from imfuse_tiles.imageio.reading.header import FileFacts, Header, check_claim, refuse

# Colour type -> (colour planes, alpha).
_COLOUR: dict[int, tuple[Literal[1, 3], bool]] = {0: (1, False), 2: (3, False), 4: (1, True), 6: (3, True)}
_PALETTE = 3
_MOST_CHUNKS = 1_000_000
_PIXELS = (b"IHDR", b"tRNS", b"IDAT", b"IEND")
_LONGEST_SIDE = 1_000_000  # libpng reads no more
_LARGEST_EXIF = 1 << 20


def read_png_header(facts: FileFacts) -> Header:
    """Header of a PNG file whose chunks are all there, from IHDR to IEND."""
    chunks = _read_chunks(facts)
    if b"IHDR" not in chunks or b"IDAT" not in chunks:
        raise refuse(facts.path, "is a PNG without image data")
    width, height, bits, colour, *methods = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if methods not in ([0, 0, 0], [0, 0, 1]):  # compression, filter, interlacing
        raise refuse(facts.path, f"damaged PNG: unknown methods {methods}")
    channels, alpha = _check_pixels(facts, bits, colour)
    alpha = alpha or b"tRNS" in chunks  # one colour is transparent: libpng gives it as alpha
    if b"acTL" in chunks and struct.unpack(">I", chunks[b"acTL"][:4])[0] > 1:
        raise refuse(facts.path, "is an animated PNG; a frame must be a single image")
    decoded = width * height * (channels + alpha) * (bits // 8)
    check_claim(facts, width, height, decoded)
    if max(width, height) > _LONGEST_SIDE:
        raise refuse(facts.path, f"is {width} x {height}; PNG is read up to {_LONGEST_SIDE} pixels a side")
    return Header(
        path=facts.path, format="png", height=height, width=width, channels=channels, has_alpha=alpha,
        dtype="uint8" if bits == 8 else "uint16", rows_per_segment=height,
        decode_bytes=decoded + facts.size, size=facts.size, mtime_ns=facts.mtime_ns,
        orientation=read_orientation(chunks.get(b"eXIf", b"")),
    )  # fmt: skip


def decode_png(data: bytes | bytearray) -> np.ndarray:
    """(height, width) or (height, width, samples) of uint8 or uint16; raises on damaged data."""
    import imagecodecs

    return imagecodecs.png_decode(data)


def png_pixels(path: Path) -> bytearray:
    """A PNG file without what is no pixel: libpng unpacks texts and profiles however large, and many of them."""
    content = bytearray(path.read_bytes())
    position = end = 8
    while position + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, position)
        if content[position + 4 : position + 8] in _PIXELS:
            if end < position:
                content[end : end + 12 + length] = content[position : position + 12 + length]
            end += 12 + length
        position += 12 + length
    del content[end:]
    return content


def _check_pixels(facts: FileFacts, bits: int, colour: int) -> tuple[Literal[1, 3], bool]:
    if colour == _PALETTE:
        raise refuse(facts.path, "has a palette; convert it to grey or RGB")
    if colour not in _COLOUR:
        raise refuse(facts.path, f"damaged PNG: colour type {colour}")
    if bits not in (8, 16):
        raise refuse(facts.path, f"has {bits} bit{'s' * (bits > 1)} per sample; allowed in PNG: 8 or 16")
    return _COLOUR[colour]


def _read_chunks(facts: FileFacts) -> dict[bytes, bytes]:
    """Contents of the few chunks that matter, by name; every chunk must lie within the file."""
    chunks: dict[bytes, bytes] = {}
    position = 8
    with facts.path.open("rb", buffering=0) as file:  # unbuffered: only 8 bytes of each chunk are needed
        for _ in range(_MOST_CHUNKS):
            file.seek(position)
            start = file.read(8)
            if len(start) < 8:
                raise refuse(facts.path, "is truncated (PNG without its end)")
            length, name = struct.unpack(">I4s", start)
            if position + 12 + length > facts.size:
                raise refuse(facts.path, f"is truncated (PNG ends inside its chunk {name.decode('latin-1')!r})")
            if name == b"IEND":
                return chunks
            if not name.isalpha():
                raise refuse(facts.path, f"damaged PNG: chunk name {name.decode('latin-1')!r}")
            if name in (b"IHDR", b"acTL", b"eXIf"):
                chunks[name] = file.read(min(length, _LARGEST_EXIF))
            else:
                chunks.setdefault(name, b"")
            position += 12 + length
    raise refuse(facts.path, f"has more than {_MOST_CHUNKS} PNG chunks")
