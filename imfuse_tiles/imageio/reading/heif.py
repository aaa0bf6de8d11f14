"""HEIF pictures of phones and cameras (HEIC), by pillow-heif, turned upright as libheif delivers them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.coded_colours import coded_profile
from imfuse_tiles.imageio.reading.exif_tags import block_tags
from imfuse_tiles.imageio.reading.header import FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.series import ChosenFrames
from imfuse_tiles.imageio.reading.whole_frame import WholeFrame, refuse_level, single_picture, whole_header

list_series = single_picture


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """The header of the main picture."""
    refuse_level(facts.path, level)
    picture = _open(facts.path)
    mode, (width, height) = picture.mode, picture.size
    samples = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}.get(mode.partition(";")[0])
    if samples is None:
        raise refuse(facts.path, f"is HEIF of mode {mode}; convert it to TIFF")
    return [whole_header(facts, "heif", (height, width), samples, "uint16" if mode.endswith("16") else "uint8",
                         decode_bytes=8 * height * width * samples)]  # fmt: skip


def open_rows(header: Header) -> WholeFrame:
    """The rows of the picture."""
    return WholeFrame(header, lambda: np.asarray(_open(header.path)))


def read_tags(path: Path) -> Tags:
    """The camera's tags and the colour profile."""
    picture = _open(path)
    profile, coded, notice = picture.info.get("icc_profile") or b"", picture.info.get("nclx_profile") or {}, ""
    if coded and not profile:
        try:
            profile = coded_profile(coded["color_primaries"], coded["transfer_characteristics"], picture.mode[0] == "L")
        except ValueError as error:
            notice = str(error)
    return block_tags(_exif(picture), profile, notice, told=bool(coded))


def read_exif(path: Path) -> bytes:
    """The EXIF block; empty if there is none."""
    return _exif(_open(path))


def _exif(picture: Any) -> bytes:
    block: bytes = picture.info.get("exif") or b""
    return block.removeprefix(b"Exif\0\0")


def _open(path: Path) -> Any:
    """The main picture, not yet decoded; 10 and 12 bits are scaled to 16."""
    import pillow_heif

    return pillow_heif.open_heif(path, convert_hdr_to_8bit=False)
