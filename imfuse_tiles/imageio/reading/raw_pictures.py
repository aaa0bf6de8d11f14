"""Camera raw files, developed by LibRaw (rawpy): one white balance for all frames, no automatic brightness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.header import FileFacts, Header
from imfuse_tiles.imageio.reading.series import ChosenFrames, Series
from imfuse_tiles.imageio.reading.whole_frame import WholeFrame, refuse_level, single_picture, whole_header

#: Bytes of a pixel while it is developed: as read, in four colours, and as delivered.
_BYTES = 24
_SRGB = (2.4, 12.92)
_ACROSS = (5, 6)  # values of LibRaw's flip: a quarter turn


def read_raw_header(facts: FileFacts) -> Header:
    """The header of a raw file, upright, with the white balance of its camera."""
    with _open(facts.path) as raw:
        height, width = raw.sizes.iheight, raw.sizes.iwidth
        size = (width, height) if raw.sizes.flip in _ACROSS else (height, width)
        samples = 1 if raw.num_colors == 1 else 3
        if samples == 3 and not (raw.rgb_xyz_matrix.any() or raw.color_matrix.any()):
            raise ValueError("a camera whose colours are not known")
        balance = list(raw.camera_whitebalance)
        if not balance[0]:
            balance = list(raw.daylight_whitebalance)
    balance[3] = balance[3] or balance[1]
    if not all(0 < factor < 1e6 for factor in balance):
        balance = [1.0] * 4
    header = whole_header(facts, "raw", size, samples, "uint16", decode_bytes=_BYTES * height * width)
    return replace(header, white_balance=tuple(float(factor) for factor in balance), ctime_ns=facts.ctime_ns)


def in_one_white_balance(headers: Sequence[Header], notices: list[str]) -> list[Header]:
    """The frames with the white balance of the front one, where they are raw files."""
    raw = [header for header in headers if header.white_balance]
    if not raw:
        return list(headers)
    balance = raw[0].white_balance
    notices.append(f"raw files are developed with the white balance of {raw[0].name}, without automatic brightness")
    return [replace(header, white_balance=balance) if header.white_balance else header for header in headers]


def list_series(facts: FileFacts) -> list[Series]:
    """The series of a file that is one picture."""
    return single_picture(facts)


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """The header of the picture."""
    refuse_level(facts.path, level)
    return [read_raw_header(facts)]


def open_rows(header: Header) -> WholeFrame:
    """The rows of the developed picture, in sRGB."""
    return WholeFrame(header, lambda: _develop(header))


def read_tags(path: Path) -> Tags:
    """None: the tags of raw files that are TIFF files are read as such."""
    return Tags()


def _develop(header: Header) -> np.ndarray:
    import rawpy

    with _open(header.path) as raw:
        developed: np.ndarray = raw.postprocess(
            user_wb=list(header.white_balance), output_bps=16, no_auto_bright=True, adjust_maximum_thr=0.0,
            gamma=_SRGB, output_color=rawpy.ColorSpace.sRGB,
        )  # fmt: skip
    return developed


def _open(path: Path) -> Any:
    import rawpy

    return rawpy.imread(str(path))
