"""NumPy files (.npy) as stacks: (z, y, x) or (z, y, x, colours), read row by row."""

from __future__ import annotations

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading.array_frames import (
    ArrayAxes,
    ArrayRows,
    axes_of_shape,
    delivered_dtype,
    picture_planes,
)
from imfuse_tiles.imageio.reading.header import FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.series import ChosenFrames, Series
from imfuse_tiles.imageio.reading.whole_frame import no_tags

read_tags = no_tags
_READ_BYTES = 1 << 20


def list_series(facts: FileFacts) -> list[Series]:
    """The only series of a file."""
    return [_axes(facts).series()]


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """Headers of the frames of the array."""
    if level:
        raise refuse(facts.path, f"has no level {level}")
    axes = _axes(facts)
    return [_header(facts, axes, index, part) for index, part in zip(chosen.indices, chosen.parts, strict=True)]


def open_rows(header: Header) -> ArrayRows:
    """The rows of a frame, by a memory map of its file."""
    array = np.load(header.path, mmap_mode="r", allow_pickle=False)
    return ArrayRows(array, ArrayAxes(axes_of_shape(array.shape), array.shape, array.dtype.name), header)


def _header(facts: FileFacts, axes: ArrayAxes, index: tuple[int, ...], part: str) -> Header:
    channels, alpha = picture_planes(axes, index)
    return Header(
        path=facts.path, format="npy", height=axes.size("Y"), width=axes.size("X"), channels=channels,
        has_alpha=alpha, dtype=delivered_dtype(axes.dtype), rows_per_segment=1, decode_bytes=_READ_BYTES,
        size=facts.size, mtime_ns=facts.mtime_ns, index=index, part=part, windows=True,
    )  # fmt: skip


def _axes(facts: FileFacts) -> ArrayAxes:
    """The array of a file, all of which is there. Refusal for objects, which would run code, and other types."""
    with facts.path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        start = file.tell()
    try:
        delivered_dtype(dtype)
        axes = ArrayAxes(axes_of_shape(shape), tuple(shape), dtype.name)
    except Refusal as error:
        raise refuse(facts.path, str(error)) from None
    if min(shape) < 1:
        raise refuse(facts.path, f"has no pixels ({' x '.join(map(str, shape))})")
    need = dtype.itemsize
    for size in shape:
        need *= int(size)
    if facts.size < start + need:
        raise refuse(facts.path, f"is truncated: {start + need} bytes are needed, it has {facts.size}")
    return axes
