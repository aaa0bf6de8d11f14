"""AVIF: header by Pillow, samples of all their bits by libavif."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.exif import read_orientation
from imfuse_tiles.imageio.reading.exif_tags import block_tags
from imfuse_tiles.imageio.reading.header import FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.series import ChosenFrames
from imfuse_tiles.imageio.reading.whole_frame import WholeFrame, refuse_level, single_picture, whole_header

list_series = single_picture
#: Bytes in which the properties of pictures lie, before the samples.
_HEAD_BYTES = 1 << 20
_HIGH_DEPTH, _TWELVE_BITS, _GREY = 0x40, 0x20, 0x10


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """The header of the picture. Refusal for an animation."""
    refuse_level(facts.path, level)
    with _open(facts.path) as picture:
        if getattr(picture, "n_frames", 1) > 1:
            raise refuse(facts.path, "is an animated AVIF; a frame must be a single image")
        (width, height), alpha = picture.size, picture.mode.endswith("A")
        orientation = read_orientation(_exif(picture))
    flags = _sample_flags(facts.path)
    samples = (1 if flags & _GREY else 3) + alpha
    dtype = "uint16" if flags & _HIGH_DEPTH else "uint8"
    return [whole_header(facts, "avif", (height, width), samples, dtype, orientation=orientation,  # type: ignore[arg-type]
                         decode_bytes=12 * height * width * samples + facts.size)]  # fmt: skip


def open_rows(header: Header) -> WholeFrame:
    """The rows of the picture."""
    return WholeFrame(header, lambda: _decode(header))


def read_tags(path: Path) -> Tags:
    """The camera's tags and the colour profile."""
    with _open(path) as picture:
        return block_tags(_exif(picture), picture.info.get("icc_profile") or b"")


def read_exif(path: Path) -> bytes:
    """The EXIF block; empty if there is none."""
    with _open(path) as picture:
        return _exif(picture)


def _decode(header: Header) -> np.ndarray:
    """The samples, those of 10 and 12 bits as 16."""
    import imagecodecs

    samples: np.ndarray = imagecodecs.avif_decode(header.path.read_bytes())
    if samples.dtype == np.uint16:
        full = 4095 if _sample_flags(header.path) & _TWELVE_BITS else 1023
        samples = ((samples.astype(np.uint32) * 65535 + full // 2) // full).astype(np.uint16)
    return samples


def _sample_flags(path: Path) -> int:
    """The third byte of the property that tells of the coded samples: their bits, and whether there are colours."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    place = head.find(b"av1C")
    if place < 0 or place + 7 > len(head):
        raise refuse(path, "damaged AVIF: nothing tells of its samples")
    return head[place + 6]


def _exif(picture: Any) -> bytes:
    block: bytes = picture.info.get("exif") or b""
    return block.removeprefix(b"Exif\0\0")


def _open(path: Path) -> Any:
    """The picture, not yet decoded."""
    from PIL import Image, features

    if not features.check("avif"):
        raise refuse(path, "is AVIF; reading it needs Pillow 11.3 or later (pip install -U Pillow)")
    # From memory, so that no decoder keeps the file open.
    return Image.open(io.BytesIO(path.read_bytes()), formats=["AVIF"])
