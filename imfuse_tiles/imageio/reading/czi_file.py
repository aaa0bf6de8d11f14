"""CZI files of Zeiss, by pylibCZIrw: scenes, times, channels and slices, read by bands of rows."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.reading.header import DType, FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.series import ChosenFrames, Series
from imfuse_tiles.imageio.reading.whole_frame import no_tags, refuse_level, whole_header

_TYPES: dict[str, tuple[DType, int]] = {
    "Gray8": ("uint8", 1), "Gray16": ("uint16", 1), "Gray32Float": ("float32", 1), "Bgr24": ("uint8", 3),
    "Bgr48": ("uint16", 3),
}  # fmt: skip
_AXES = "TCZ"
read_tags = no_tags
_BAND_ROWS = 256


def list_series(facts: FileFacts) -> list[Series]:
    """The scenes of a file, or its only one. Mosaics are put together where their tiles lie."""
    with _open(facts.path) as czi:
        shape = tuple(map(_extents(czi).get, _AXES))
        return [Series(_AXES, shape, f"scene {number + 1}") for number in range(max(1, len(_scenes(czi))))]  # type: ignore[arg-type]


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """Headers of the frames of a scene."""
    refuse_level(facts.path, level)
    from dataclasses import replace

    _check_segments(facts)
    with _open(facts.path) as czi:
        _, _, width, height = _rectangle(czi, chosen.series)
        headers = []
        for index, part in zip(chosen.indices, chosen.parts, strict=True):
            kind = czi.get_channel_pixel_type(max(0, index[1]))
            if kind not in _TYPES:
                raise refuse(facts.path, f"has pixels of type {kind}; allowed are {', '.join(_TYPES)}")
            dtype, samples = _TYPES[kind]
            if index[1] < 0 and samples == 3:
                raise refuse(facts.path, "has colours in each channel already; choose one by its number")
            samples = 3 if index[1] < 0 else samples
            header = whole_header(facts, "czi", (height, width), samples, dtype, decode_bytes=64 << 20)
            rows = min(_BAND_ROWS, height)
            headers.append(replace(header, rows_per_segment=rows, index=index, part=part, series=chosen.series,
                                   decode_bytes=(64 << 20) + 24 * rows * width))  # fmt: skip
        return headers


def open_rows(header: Header) -> CziRows:
    """The rows of a frame."""
    return CziRows(header)


class CziRows:
    """An open frame of a CZI file."""

    def __init__(self, header: Header) -> None:
        self._header, self._manager = header, _open(header.path)
        self._czi = self._manager.__enter__()
        self._corner = _rectangle(self._czi, header.series)[:2]

    def read(self, y0: int, y1: int, out: np.ndarray) -> None:
        """Fill ``out`` (planes, y1 - y0, width)."""
        time, channel, z = self._header.index
        channels = range(3) if channel < 0 else [channel]
        for top in range(y0, y1, _BAND_ROWS):
            bottom = min(y1, top + _BAND_ROWS)
            bands = [self._band(top, bottom, {"T": time, "C": number, "Z": z}) for number in channels]
            samples = np.concatenate(bands, axis=-1)
            out[:, top - y0 : bottom - y0] = np.moveaxis(samples, -1, 0)

    def close(self) -> None:
        self._manager.__exit__(None, None, None)

    def _band(self, y0: int, y1: int, plane: dict[str, int]) -> np.ndarray:
        """Rows of a plane, (rows, columns, samples), red first."""
        x, y = self._corner
        scenes = len(_scenes(self._czi))
        roi = (x, y + y0, self._header.width, y1 - y0)
        band = self._czi.read(roi=roi, plane=plane, scene=self._header.series if scenes else None)
        if band.shape[:2] != (y1 - y0, self._header.width) or band.dtype.name != self._header.dtype:
            raise ValueError(f"decoded to {band.shape} {band.dtype}, unlike its header")
        return band[..., ::-1] if band.shape[-1] == 3 else band


def read_pixel_size(path: Path, series: int) -> PhysicalSize:
    """The size of a pixel and the distance of slices, which the file says in metres."""
    with _open(path) as czi:
        text = czi.raw_metadata
    metres = dict(re.findall(r'<Distance Id="([XYZ])"[^>]*>\s*<Value>([0-9.eE+-]+)</Value>', text))
    x, y, z = (float(metres.get(axis, 0)) * 1e6 for axis in "XYZ")
    return PhysicalSize(x, y, z)


def _check_segments(facts: FileFacts) -> None:
    """Refuse blocks of pixels that claim more bytes than they have: libCZI would make room for them.

    A segment begins with its name (16 bytes), the bytes kept for it and those used; a block of pixels goes on with the
    bytes of its metadata, attachment and data.
    """
    with facts.path.open("rb") as file:
        place = 0
        while len(head := file.read(48)) == 48 and head.startswith((b"ZISRAW", b"DELETED")):
            kept, _, metadata, attached, data = struct.unpack("<qqiiq", head[16:])
            if not 0 <= kept <= facts.size - place - 32:
                raise refuse(facts.path, "is truncated: a block of CZI lies beyond its end")
            if head.startswith(b"ZISRAWSUBBLOCK\0") and not (
                min(metadata, attached, data) >= 0 and metadata + attached + data <= kept
            ):
                raise refuse(facts.path, "damaged CZI: a block of pixels claims more bytes than it has")
            place += 32 + kept
            file.seek(place)


def _open(path: Path) -> Any:
    from pylibCZIrw import czi

    return czi.open_czi(str(path))


def _scenes(czi: Any) -> dict[int, Any]:
    return dict(czi.scenes_bounding_rectangle)


def _extents(czi: Any) -> dict[str, int]:
    """The length of each axis of pictures, which must begin at 0."""
    box = czi.total_bounding_box
    return {axis: max(1, int(box[axis][1]) if axis in box else 1) for axis in _AXES}


def _rectangle(czi: Any, scene: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of a scene."""
    found = _scenes(czi)
    place = found[sorted(found)[scene]] if found else czi.total_bounding_rectangle
    return int(place[0]), int(place[1]), int(place[2]), int(place[3])
