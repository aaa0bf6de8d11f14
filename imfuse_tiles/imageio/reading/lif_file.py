"""LIF files of Leica, by liffile: images, times, channels and slices, frame by frame."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.reading.array_frames import delivered_dtype
from imfuse_tiles.imageio.reading.header import FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.series import ChosenFrames, Series
from imfuse_tiles.imageio.reading.whole_frame import no_tags, refuse_level, whole_header, whole_rows

_PICTURE = ("Y", "X", "S")


def list_series(facts: FileFacts) -> list[Series]:
    """The images of a file that are pictures."""
    with _open(facts.path) as lif:
        return [_series(image) for image in _images(lif)]


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """Headers of the frames of an image."""
    refuse_level(facts.path, level)
    with _open(facts.path) as lif:
        image = _images(lif)[chosen.series]
        sizes, dtype = dict(image.sizes), delivered_dtype(image.dtype)
        if dtype != image.dtype.name:
            raise refuse(facts.path, f"has {image.dtype.name} samples; allowed are uint8, uint16, float32")
    headers = []
    for index, part in zip(chosen.indices, chosen.parts, strict=True):
        samples = 3 if -1 in index else sizes.get("S", 1)
        header = whole_header(facts, "lif", (sizes["Y"], sizes["X"]), samples, dtype)
        headers.append(replace(header, index=index, part=part, series=chosen.series))
    return headers


def _decode(header: Header) -> np.ndarray:
    """A frame, (y, x) or (y, x, samples)."""
    with _open(header.path) as lif:
        image = _images(lif)[header.series]
        axes = _series(image).axes
        if -1 not in header.index:
            return np.array(image.frames[header.index] if axes else image.asarray())
        place = axes.index("C")
        indices = [(*header.index[:place], channel, *header.index[place + 1 :]) for channel in range(3)]
        return np.stack([image.frames[index] for index in indices], axis=-1)


read_tags = no_tags
open_rows = whole_rows(_decode)


def read_pixel_size(path: Path, series: int) -> PhysicalSize:
    """The size of a pixel and the distance of slices: the steps of an image's coordinates, which are in metres."""
    with _open(path) as lif:
        coords = _images(lif)[series].coords
    lengths = [np.asarray(coords.get(axis, ()), float) for axis in "XYZ"]
    x, y, z = (abs(float(np.ptp(at))) / (len(at) - 1) * 1e6 if len(at) > 1 else 0.0 for at in lengths)
    return PhysicalSize(x, y, z)


def _images(lif: Any) -> list[Any]:
    return [image for image in lif.images if {"Y", "X"} <= set(image.dims) and not image.is_flim]


def _series(image: Any) -> Series:
    axes = [axis for axis in image.dims if axis not in _PICTURE]
    if any(len(axis) != 1 for axis in axes):
        raise ValueError(f"axes {', '.join(axes)}")
    return Series("".join(axes), tuple(image.sizes[axis] for axis in axes), image.name)


def _check_lengths(path: Path) -> None:
    """ValueError for texts longer than the file, which liffile would make room for."""
    left = path.stat().st_size
    with path.open("rb") as file:
        _, _, _, length = struct.unpack("<IIBI", file.read(13))
        if 2 * length > left:
            raise ValueError("a text longer than the file")
        version = re.search(r'Version="(\d)"', file.read(2 * length).decode("utf-16-le", "replace")[:1000])
        form = "<IIBIBI" if version and version[1] == "1" else "<IIBQBI"
        while len(head := file.read(struct.calcsize(form))) == struct.calcsize(form):
            *_, size, _, length = struct.unpack(form, head)
            if 2 * length > left or size > left:
                raise ValueError("a block longer than the file")
            file.seek(2 * length + size, 1)


def _open(path: Path) -> Any:
    import liffile

    _check_lengths(path)
    lif = liffile.LifFile(path)
    if lif.type is not liffile.LifFileType.LIF:  # the others lead to further files
        lif.close()
        raise ValueError(f"it is {lif.type.name}, which is not read")
    return lif
