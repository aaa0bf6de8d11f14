"""Parts of uncompressed TIFF pages, in strips or tiles: no more is read than the part, rounded up to rows of tiles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from io import FileIO
from typing import Any, NamedTuple, Protocol

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading.header import Header
from imfuse_tiles.imageio.reading.tiff_layout import Layout, layout_of
from imfuse_tiles.imageio.reading.tiff_pages import open_tiff, subpages
from imfuse_tiles.kernels import interleave, read_rows

#: Rows of a segment are read in whole where a part leaves out less of them than this share or so many bytes: what is
#: left out takes less time than asking for each row.
WHOLE_ROWS, LEFT_OUT = 0.5, 16 << 10
#: Bytes of rows that are read at once: they stay in the caches. A quarter of it costs two threads half as much again,
#: as they hand the interpreter's lock to and fro for every read.
ROWS_BYTES = 1 << 20


@frozen
class PlainPage:
    """Where the segments of an uncompressed page lie in its file. ``dtype``: with the file's byte order."""

    layout: Layout
    offsets: tuple[int, ...]
    dtype: str


class Readable(Protocol):
    """An open file."""

    def seek(self, place: int, /) -> int:
        """Go to a place."""
        ...

    def readinto(self, target: Any, /) -> int | None:
        """Fill memory, perhaps not all of it; how many bytes were read."""
        ...


class Piece(NamedTuple):
    """The part of a window that lies in one segment: rows and columns of the page, and the segment's numbers."""

    plane: int
    row: int
    column: int
    y0: int
    y1: int
    x0: int
    x1: int


@lru_cache(maxsize=256)
def plain_page(header: Header) -> PlainPage:
    """Where a page's samples lie, by its directory; kept, as windows of a frame are many."""
    with open_tiff(header.path) as file:
        page = file.pages[header.page]
        if header.subpage:
            page = subpages(page)[header.subpage - 1]
        layout = layout_of(page)
        start = header.plane * layout.image_bytes
        offsets = tuple(start + int(offset) for offset in page.dataoffsets)
        return PlainPage(layout, offsets, np.dtype(page.dtype).newbyteorder(file.byteorder).str)


class PlainWindows:
    """An open uncompressed page. `read_window` fills planes from a part of it; not to be shared between threads."""

    def __init__(self, header: Header) -> None:
        self._page, self._planes = plain_page(header), header.planes
        self._file = FileIO(header.path)

    def close(self) -> None:
        self._file.close()

    def read(self, y0: int, y1: int, out: np.ndarray) -> None:
        """Fill ``out`` (planes, y1 - y0, width), converting to its dtype."""
        self.read_window(y0, y1, 0, self._page.layout.width, out)

    def read_window(self, y0: int, y1: int, x0: int, x1: int, out: np.ndarray) -> None:
        """Fill ``out`` (planes, y1 - y0, x1 - x0), converting to its dtype. ValueError where the file ends early."""
        for piece in self._pieces(y0, y1, x0, x1):
            target = out[piece.plane :] if self._page.layout.planes > 1 else out
            count = (piece.y1 - piece.y0) * (piece.x1 - piece.x0)
            if read_rows.can_read(self._page.layout.samples, np.dtype(self._page.dtype), target, count):
                piece = piece._replace(y0=piece.y0 + self._read_colours(piece, target, (piece.y0 - y0, piece.x0 - x0)))
            for top, samples in self._samples(piece):
                interleave.separate(samples, target, (top - y0, piece.x0 - x0))

    def _read_colours(self, piece: Piece, target: np.ndarray, place: tuple[int, int]) -> int:
        """Rows of a piece that could be read into three planes from a place on."""
        layout, pixel = self._page.layout, self._page.layout.samples * self._page.layout.sample_bytes
        rows, columns = piece.y1 - piece.y0, piece.x1 - piece.x0
        segment = self._page.offsets[layout.index(piece.plane, piece.row, piece.column)]
        start = segment + (piece.y0 - piece.row * layout.tile_height) * layout.row_bytes
        if self._whole(piece) and columns < layout.tile_width and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file.fileno(), start, rows * layout.row_bytes, os.POSIX_FADV_WILLNEED)
        start += (piece.x0 - piece.column * layout.tile_width) * pixel
        return read_rows.read_rows(self._file.fileno(), start, layout.row_bytes, columns, layout.samples, target,
                                   place, rows)  # fmt: skip

    def _whole(self, piece: Piece) -> bool:
        """Whether rows of the segment are read in whole."""
        layout, width = self._page.layout, piece.x1 - piece.x0
        left_out = (layout.tile_width - width) * layout.samples * layout.sample_bytes
        return width >= WHOLE_ROWS * layout.tile_width or left_out <= LEFT_OUT

    def _pieces(self, y0: int, y1: int, x0: int, x1: int) -> Iterator[Piece]:
        """The parts of a window by the segments that they lie in."""
        layout = self._page.layout
        rows, columns = layout.tile_height, layout.tile_width
        for plane in range(min(layout.planes, self._planes)):
            for row in range(y0 // rows, (y1 - 1) // rows + 1):
                for column in range(x0 // columns, (x1 - 1) // columns + 1):
                    top, left = row * rows, column * columns
                    yield Piece(plane, row, column, max(y0, top), min(y1, top + rows), max(x0, left),
                                min(x1, left + columns))  # fmt: skip

    def _samples(self, piece: Piece) -> Iterator[tuple[int, np.ndarray]]:
        """Samples (rows, columns, samples) of a piece, a few rows at a time, with the first of these rows.

        They are overwritten when the next rows are asked for.
        """
        layout, width = self._page.layout, piece.x1 - piece.x0
        left, pixel = piece.x0 - piece.column * layout.tile_width, layout.samples * layout.sample_bytes
        whole = self._whole(piece)
        columns, first = (layout.tile_width, left) if whole else (width, 0)
        start = self._page.offsets[layout.index(piece.plane, piece.row, piece.column)] + (0 if whole else left * pixel)
        step = max(1, ROWS_BYTES // (columns * pixel))
        buffer = np.empty((min(step, piece.y1 - piece.y0), columns, layout.samples), self._page.dtype)
        for top in range(piece.y0, piece.y1, step):
            rows = buffer[: min(step, piece.y1 - top)]
            place = start + (top - piece.row * layout.tile_height) * layout.row_bytes
            self._read_rows(rows, place, whole)
            yield top, rows[:, first : first + width]

    def _read_rows(self, rows: np.ndarray, start: int, whole: bool) -> None:
        """Fill rows from a place in the file on, where they are ``whole`` or parts of longer ones."""
        if whole:
            fill(self._file, memoryview(rows).cast("B"), start)
            return
        for number, row in enumerate(rows):
            fill(self._file, memoryview(row).cast("B"), start + number * self._page.layout.row_bytes)


def fill(file: Readable, target: memoryview, start: int) -> None:
    """Fill memory from a place in a file. ValueError where that ends early."""
    file.seek(start)
    while target:
        count = file.readinto(target)
        if not count:
            raise ValueError("the file ended while reading")
        target = target[count:]
