"""WebP: header by a walk over the chunks, pixels by libwebp."""

from __future__ import annotations

import struct
from pathlib import Path

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.exif import read_orientation
from imfuse_tiles.imageio.reading.exif_tags import block_tags
from imfuse_tiles.imageio.reading.header import FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.series import ChosenFrames
from imfuse_tiles.imageio.reading.whole_frame import WholeFrame, refuse_level, single_picture, whole_header

list_series = single_picture
_LARGEST_NOTE = 16 << 20
_MOST_CHUNKS = 1000
_ALPHA, _ANIMATED = 0x10, 0x02


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """The header of the picture. Refusal for an animation and a file that ends early."""
    refuse_level(facts.path, level)
    chunks = _chunks(facts.path, facts.size)
    if "VP8X" in chunks and chunks["VP8X"][0] & _ANIMATED:
        raise refuse(facts.path, "is an animated WebP; a frame must be a single image")
    if "VP8L" in chunks:
        (bits,) = struct.unpack("<I", chunks["VP8L"][1:5])
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    elif "VP8 " in chunks:
        width, height = (size & 0x3FFF for size in struct.unpack("<HH", chunks["VP8 "][6:10]))
        alpha = "VP8X" in chunks and bool(chunks["VP8X"][0] & _ALPHA)
    else:
        raise refuse(facts.path, "is a WebP without image data")
    orientation = read_orientation(chunks.get("EXIF", b"").removeprefix(b"Exif\0\0"))
    return [whole_header(facts, "webp", (height, width), 3 + alpha, "uint8", orientation=orientation)]


def open_rows(header: Header) -> WholeFrame:
    """The rows of the picture."""
    import imagecodecs

    return WholeFrame(header, lambda: imagecodecs.webp_decode(header.path.read_bytes(), hasalpha=header.has_alpha))


def read_tags(path: Path) -> Tags:
    """The camera's tags and the colour profile."""
    chunks = _chunks(path, path.stat().st_size)
    return block_tags(_exif(chunks), chunks.get("ICCP", b""))


def read_exif(path: Path) -> bytes:
    """The EXIF block; empty if there is none."""
    return _exif(_chunks(path, path.stat().st_size))


def _exif(chunks: dict[str, bytes]) -> bytes:
    return chunks.get("EXIF", b"").removeprefix(b"Exif\0\0")


def _chunks(path: Path, size: int) -> dict[str, bytes]:
    """Notes as a whole and the beginnings of pixels, by name; every chunk must lie within the file."""
    chunks: dict[str, bytes] = {}
    with path.open("rb") as file:
        place = 12
        while place + 8 <= size and len(chunks) < _MOST_CHUNKS:
            file.seek(place)
            name, length = struct.unpack("<4sI", file.read(8))
            if place + 8 + length > size:
                raise refuse(path, f"is truncated (WebP ends inside its chunk {name.decode('latin-1')!r})")
            kept = length if name in (b"EXIF", b"ICCP") else 16
            chunks.setdefault(name.decode("latin-1"), file.read(min(kept, length, _LARGEST_NOTE)))
            place += 8 + length + length % 2
    return chunks
