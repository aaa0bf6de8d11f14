"""Arrays that a program holds, of NumPy, Zarr or dask, as stacks: what is asked for is read, nothing is copied."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, product
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading.array_frames import (
    ArrayAxes,
    ArrayRows,
    axes_of_shape,
    delivered_dtype,
    picture_planes,
)
from imfuse_tiles.imageio.reading.header import FileFacts, Header
from imfuse_tiles.imageio.reading.series import ChosenFrames, Series
from imfuse_tiles.imageio.reading.whole_frame import no_tags

read_tags = no_tags
_BAND_ROWS = 512
_OPEN: dict[int, Any] = {}
_NUMBERS = count(1)


@contextmanager
def array_headers(array: Any) -> Iterator[list[Header]]:
    """Headers of the frames of an array (z, y, x) or (z, y, x, colours); they can be read within the block.

    The whole array is read once: a frame is known by its content. Raises Refusal for other shapes and types.
    """
    number = next(_NUMBERS)
    _OPEN[number] = _as_numpy_reads(array)
    try:
        yield _headers(_OPEN[number], number)
    finally:
        del _OPEN[number]


def list_series(facts: FileFacts) -> list[Series]:
    """Refused: an array is no file."""
    raise Refusal("an array is no file")


def read_frame_headers(facts: FileFacts, chosen: ChosenFrames, level: int) -> list[Header]:
    """Refused: an array is no file."""
    raise Refusal("an array is no file")


def open_rows(header: Header) -> ArrayRows:
    """The rows of a frame. Refusal in another process than that which holds the array."""
    if header.series not in _OPEN:
        raise Refusal("an array is fused in the process that holds it, while fuse_stack runs")
    return _rows(_OPEN[header.series], header)


def _headers(array: Any, number: int) -> list[Header]:
    axes = _axes(array)
    channels, alpha = picture_planes(axes, ())
    dtype, step = delivered_dtype(array.dtype), _step(array, axes)
    indices = list(product(*map(range, map(axes.size, axes.leading))))
    headers = []
    for index in indices:
        part = f"slice {index[0] + 1}" if index else ""
        header = Header(
            path=Path("array"), format="array", height=axes.size("Y"), width=axes.size("X"), channels=channels,
            has_alpha=alpha, dtype=dtype, rows_per_segment=step, decode_bytes=_decode_bytes(array, axes, step),
            size=0, mtime_ns=0, series=number, index=index, part=part, with_alpha=alpha,
        )  # fmt: skip
        headers.append(_with_content(array, header))
    return headers


def _with_content(array: Any, header: Header) -> Header:
    """The header with the digest of the frame's samples, alpha among them."""
    digest, rows = hashlib.sha256(repr((header.shape, header.dtype)).encode()), _rows(array, header)
    step = min(_BAND_ROWS, header.height)
    for y0 in range(0, header.height, step):
        band = np.empty((header.planes, min(step, header.height - y0), header.width), header.dtype)
        rows.read(y0, y0 + band.shape[1], band)
        digest.update(band)
    return replace(header, content=digest.hexdigest(), with_alpha=False)


def _rows(array: Any, header: Header) -> ArrayRows:
    axes = _axes(array)
    return ArrayRows(array, axes, header, _step(array, axes))


def _axes(array: Any) -> ArrayAxes:
    shape = tuple(map(int, array.shape))
    if min(shape, default=0) < 1:
        raise Refusal(f"an array of {' x '.join(map(str, shape)) or 'no axes'} has no pixels")
    return ArrayAxes(axes_of_shape(shape), shape, np.dtype(array.dtype).name)


def _chunk(array: Any) -> tuple[int, ...]:
    """What is read together of an array, as far as that is known: one sample of one of NumPy."""
    chunk = getattr(array, "chunks", None) or (1,) * len(array.shape)
    return tuple(max(size) if isinstance(size, tuple) else size for size in chunk)


def _step(array: Any, axes: ArrayAxes) -> int:
    return min(_chunk(array)[axes.axes.index("Y")], axes.size("Y"))


def _decode_bytes(array: Any, axes: ArrayAxes, step: int) -> int:
    """Bytes of a row of chunks, twice: as they are read and put together."""
    depth = _chunk(array)[0] if axes.leading else 1
    return 2 * depth * step * axes.size("X") * axes.size("S") * np.dtype(array.dtype).itemsize + (1 << 20)


def _as_numpy_reads(array: Any) -> Any:
    """The array itself, or one of dask that computes what is indexed in threads, whatever client there is."""
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        raise Refusal(f"a stack is an array of NumPy, Zarr or dask, not {type(array).__name__}")
    return _Computed(array) if hasattr(array, "compute") else array


class _Computed:
    """A dask array, parts of which are computed as they are indexed."""

    def __init__(self, array: Any) -> None:
        self.array, self.shape, self.dtype, self.chunks = array, array.shape, array.dtype, array.chunks

    def __getitem__(self, index: Any) -> np.ndarray:
        part: np.ndarray = self.array[index].compute(scheduler="threads")
        return part
