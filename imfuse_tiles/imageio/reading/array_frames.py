"""Frames that are parts of an array of many axes: NumPy files, Zarr arrays, and what readers of microscopes give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading.header import DType, Header
from imfuse_tiles.imageio.reading.series import THREE_COLOURS, WITH_OPACITY, Index, Series

_DTYPES: dict[str, DType] = {
    "uint8": "uint8", "uint16": "uint16", "float16": "float32", "float32": "float32", "float64": "float32",
}  # fmt: skip
_ALLOWED = "allowed are uint8, uint16, float16, float32, float64"


@frozen
class ArrayAxes:
    """An array of pictures. ``axes``: a letter for each axis; Y, X and S (colours and alpha) are the picture's."""

    axes: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def leading(self) -> str:
        """The axes that are not the picture's."""
        return leading_axes(self.axes)

    def size(self, axis: str) -> int:
        """The length of an axis, 1 where there is none."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1

    def series(self, name: str = "", channels: Sequence[str] = (), is_rgb: bool = False) -> Series:
        """The array as a series of pictures."""
        return Series(self.leading, tuple(map(self.size, self.leading)), name, tuple(channels), is_rgb)


def leading_axes(axes: str) -> str:
    """The axes of an array that are not those of its pictures."""
    return "".join(axis for axis in axes if axis not in "YXS")


def axes_of_shape(shape: Sequence[int]) -> str:
    """The axes of an array that tells of none: (y, x), (y, x, colours), (z, y, x), (z, y, x, colours).

    >>> axes_of_shape((9, 480, 640)), axes_of_shape((480, 640, 3)), axes_of_shape((9, 480, 640, 3))
    ('ZYX', 'YXS', 'ZYXS')

    Raises Refusal for others.
    """
    colours = len(shape) > 2 and shape[-1] in (1, 3, 4) and min(shape[-3:-1]) > 4
    axes = {(2, False): "YX", (3, False): "ZYX", (3, True): "YXS", (4, True): "ZYXS"}.get((len(shape), colours))
    if axes is None:
        text = " x ".join(map(str, shape))
        raise Refusal(f"an array of {text} is no stack; allowed are (z, y, x) and (z, y, x, colours)")
    return axes


def delivered_dtype(dtype: Any) -> DType:
    """The number type that samples are read as. Refusal for one that is not read."""
    name = np.dtype(dtype).name
    if name not in _DTYPES:
        raise Refusal(f"has {name} samples; {_ALLOWED}")
    return _DTYPES[name]


def picture_planes(axes: ArrayAxes, index: Index) -> tuple[Literal[1, 3], bool]:
    """Colour planes of a frame, and whether it has alpha. Refusal for another number of samples."""
    if WITH_OPACITY in index:
        return (3 if axes.size("C") == 4 else 1), True
    if THREE_COLOURS in index:
        return 3, False
    samples = axes.size("S")
    if samples not in (1, 2, 3, 4):
        raise Refusal(f"has {samples} samples per pixel; allowed are 1 to 4")
    return (3 if samples > 2 else 1), samples in (2, 4)


def joined_channels(place: int) -> slice:
    """The channels that an index below 0 stands for."""
    return slice(0, 3) if place == THREE_COLOURS else slice(None)


class ArrayRows:
    """Rows of a frame in an array that is indexed like one of NumPy. ``step``: rows that are read together."""

    def __init__(self, array: Any, axes: ArrayAxes, header: Header, step: int = 1) -> None:
        self._array, self._axes, self._header, self._step = array, axes, header, step
        self._cached: tuple[int, np.ndarray] | None = None

    def read(self, y0: int, y1: int, out: np.ndarray) -> None:
        """Fill ``out`` (planes, y1 - y0, width), converting to its dtype."""
        if self._step == 1:
            out[:] = self._rows(y0, y1)[: len(out)]
            return
        for number in range(y0 // self._step, (y1 - 1) // self._step + 1):
            top = number * self._step
            first, last = max(y0, top), min(y1, top + self._step)
            out[:, first - y0 : last - y0] = self._block(number)[: len(out), first - top : last - top]

    def read_window(self, y0: int, y1: int, x0: int, x1: int, out: np.ndarray) -> None:
        """Fill ``out`` (planes, y1 - y0, x1 - x0) from the chunks that a part touches."""
        out[:] = self._rows(y0, y1, slice(x0, x1))[: len(out)]

    def close(self) -> None:
        self._cached = self._array = None

    def _block(self, number: int) -> np.ndarray:
        """Rows that can only be read together; the last ones used are kept, as bands may end within them."""
        if self._cached is None or self._cached[0] != number:
            self._cached = None  # before reading, so that never two are held
            top = number * self._step
            self._cached = number, self._rows(top, min(top + self._step, self._axes.size("Y")))
        return self._cached[1]

    def _rows(self, y0: int, y1: int, columns: slice = slice(None)) -> np.ndarray:
        """Rows, or columns of them, as (planes, rows, columns), of the array's own type."""
        places: dict[str, int | slice] = {"Y": slice(y0, y1), "X": columns}
        for axis, place in zip(self._axes.leading, self._header.index, strict=True):
            places[axis] = place if place >= 0 else joined_channels(place)
        rows = np.asarray(self._array[tuple(places.get(axis, slice(None)) for axis in self._axes.axes)])
        left = [axis for axis in self._axes.axes if isinstance(places.get(axis, slice(None)), slice)]
        colours = next((axis for axis in left if axis not in "YX"), None)
        order = [left.index(axis) for axis in ([colours] if colours else []) + ["Y", "X"]]
        planes = rows.transpose(order)
        return planes if colours else planes[None]
