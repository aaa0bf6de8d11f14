"""ND2 files of Nikon, by nd2: positions, times, channels and slices. A frame is read with all its channels."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.reading.array_frames import delivered_dtype
from imfuse_tiles.imageio.reading.header import FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.series import ChosenFrames, Series
from imfuse_tiles.imageio.reading.whole_frame import no_tags, refuse_level, whole_header, whole_rows

_PICTURE = ("C", "Y", "X", "S")


def list_series(facts: FileFacts) -> list[Series]:
    """The positions of a file, or its only one."""
    with _open(facts.path) as nd2:
        sizes = dict(nd2.sizes)
        axes = _axes(sizes)
        names = tuple(channel.channel.name for channel in (nd2.metadata.channels or ()))
        names = names if len(names) == sizes.get("C", 1) else ()
        shape = tuple(sizes.get(axis, 1) for axis in axes)
        return [Series(axes, shape, f"position {number + 1}", names) for number in range(sizes.get("P", 1))]


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """Headers of the frames of a position."""
    refuse_level(facts.path, level)
    with _open(facts.path) as nd2:
        sizes = dict(nd2.sizes)
        axes, dtype = _axes(sizes), delivered_dtype(nd2.dtype)
        if dtype != nd2.dtype.name:
            raise refuse(facts.path, f"has {nd2.dtype.name} samples; allowed are uint8, uint16, float32")
    samples, channels = sizes.get("S", 1), sizes.get("C", 1)
    headers = []
    for index, part in zip(chosen.indices, chosen.parts, strict=True):
        rgb = index[axes.index("C")] < 0
        header = whole_header(facts, "nd2", (sizes["Y"], sizes["X"]), 3 if rgb else samples, dtype)
        headers.append(replace(header, index=index, part=part, series=chosen.series,
                               decode_bytes=(channels + 1) * header.decode_bytes))  # fmt: skip
    return headers


def _decode(header: Header) -> np.ndarray:
    """A frame, (y, x) or (y, x, samples)."""
    with _open(header.path) as nd2:
        sizes = dict(nd2.sizes)
        axes = _axes(sizes)
        place = {axis: number for axis, number in zip(axes, header.index, strict=True) if axis in sizes}
        place["P"] = header.series
        loops = [axis for axis in sizes if axis not in _PICTURE]
        number = 0
        for axis in loops:
            number = number * sizes[axis] + place[axis]
        picture = np.array(nd2.read_frame(number))
    picture = picture.reshape([sizes[axis] for axis in _PICTURE if axis in sizes])
    if "C" not in sizes:
        return picture
    return np.moveaxis(picture[:3], 0, -1) if place["C"] < 0 else picture[place["C"]]


read_tags = no_tags
open_rows = whole_rows(_decode)


def read_pixel_size(path: Path, series: int) -> PhysicalSize:
    """The size of a pixel and the distance of slices."""
    with _open(path) as nd2:
        volume = nd2.metadata.channels[0].volume
        known = zip(volume.axesCalibration, volume.axesCalibrated, strict=True)
        x, y, z = (float(size) if is_known else 0.0 for size, is_known in known)
    return PhysicalSize(x, y, z)


def _axes(sizes: dict[str, int]) -> str:
    """The axes of a series, slowest first: those of the file but positions and the picture's own, and channels."""
    return "".join(axis for axis in sizes if axis not in ("P", *_PICTURE)) + "C"


class _Bounded(io.FileIO):
    """A file that gives what is left of it where more is asked for: chunks may claim more than memory holds."""

    def read(self, size: int | None = -1, /) -> bytes:
        asked = -1 if size is None else size
        left = os.fstat(self.fileno()).st_size - self.tell()
        return super().read(-1 if asked > left else asked) or b""


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    import nd2

    with _Bounded(path) as file, nd2.ND2File(file) as opened:
        yield opened
