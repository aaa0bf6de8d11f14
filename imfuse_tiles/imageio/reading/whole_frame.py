"""Frames of formats that can only be decoded as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.header import DType, FileFacts, Header, check_claim, refuse
from imfuse_tiles.imageio.reading.series import Series


class WholeFrame:
    """A frame that ``decode`` gives as (height, width) or (height, width, samples), kept until it is closed."""

    def __init__(self, header: Header, decode: Callable[[], np.ndarray]) -> None:
        self._header = header
        self._decode = decode
        self._frame: np.ndarray | None = None

    def read(self, y0: int, y1: int, out: np.ndarray) -> None:
        """Fill ``out`` (planes, y1 - y0, width)."""
        if self._frame is None:
            self._frame = self._decoded()
        out[:] = np.moveaxis(self._frame[y0:y1], -1, 0)[: self._header.planes]

    def close(self) -> None:
        self._frame = None

    def _decoded(self) -> np.ndarray:
        header = self._header
        frame = self._decode()
        frame = frame.reshape(*frame.shape[:2], -1)
        height, width, samples = frame.shape
        if (height, width, frame.dtype.name) != (*header.stored_shape[1:], header.dtype):
            raise ValueError(f"decoded to {width} x {height} {frame.dtype}, unlike its header")
        if samples < header.planes:
            raise ValueError(f"decoded to {samples} samples per pixel, unlike its header")
        return frame


def whole_rows(decode: Callable[[Header], np.ndarray]) -> Callable[[Header], WholeFrame]:
    """What opens the rows of a frame that ``decode`` gives as a whole."""
    return lambda header: WholeFrame(header, lambda: decode(header))


def no_tags(path: Path) -> Tags:
    """None: metadata of a microscope are no tags of a camera, and arrays have none."""
    return Tags()


def single_picture(facts: FileFacts) -> list[Series]:
    """The series of a file that is one picture."""
    return [Series("", ())]


def whole_header(
    facts: FileFacts, name: str, size: tuple[int, int], samples: int, dtype: DType, *, decode_bytes: int = 0,
    orientation: int = 1,
) -> Header:  # fmt: skip
    """The header of a picture that is decoded as a whole. ``size``: height and width, ``samples``: 1 to 4 a pixel."""
    height, width = size
    if samples not in (1, 2, 3, 4):
        raise refuse(facts.path, f"has {samples} samples per pixel; allowed are 1 to 4")
    decoded = height * width * samples * {"uint8": 1, "uint16": 2, "float32": 4}[dtype]
    check_claim(facts, width, height, decoded)
    return Header(
        path=facts.path, format=name, height=height, width=width, channels=3 if samples > 2 else 1,
        has_alpha=samples in (2, 4), dtype=dtype, rows_per_segment=height,
        decode_bytes=max(decode_bytes, 2 * decoded + facts.size), size=facts.size, mtime_ns=facts.mtime_ns,
        orientation=orientation,
    )  # fmt: skip


def refuse_level(path: Path, level: int) -> None:
    """Refuse a level of a file that has only the full size."""
    if level:
        raise refuse(path, f"has no level {level}, only the full size")
