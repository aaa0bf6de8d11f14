"""Parts of uncompressed TIFF pages, in strips or tiles: no more is read than the part, rounded up to rows of tiles."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from io import FileIO
from typing import NamedTuple

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading.header import Header
from imfuse_tiles.imageio.reading.tiff_layout import Layout, layout_of
from imfuse_tiles.imageio.reading.tiff_pages import open_tiff, subpages

#: A part of at least this share of a segment's width is cut out of whole rows; of a smaller one each row is read alone.
WHOLE_ROWS = 0.5


@frozen
class PlainPage:
    """Where the segments of an uncompressed page lie in its file. ``dtype``: with the file's byte order."""

    layout: Layout
    offsets: tuple[int, ...]
    dtype: str


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
            place = slice(piece.y0 - y0, piece.y1 - y0), slice(piece.x0 - x0, piece.x1 - x0)
            samples = np.moveaxis(self._samples(piece), -1, 0)
            target = out[piece.plane :] if self._page.layout.planes > 1 else out
            count = min(len(target), len(samples))
            target[(slice(count), *place)] = samples[:count]

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

    def _samples(self, piece: Piece) -> np.ndarray:
        """Samples (rows, columns, samples) of a piece."""
        layout, dtype = self._page.layout, np.dtype(self._page.dtype)
        left = piece.x0 - piece.column * layout.tile_width
        count, width = piece.y1 - piece.y0, piece.x1 - piece.x0
        start = self._page.offsets[layout.index(piece.plane, piece.row, piece.column)]
        start += (piece.y0 - piece.row * layout.tile_height) * layout.row_bytes
        if width >= WHOLE_ROWS * layout.tile_width:
            rows = np.empty((count, layout.tile_width, layout.samples), dtype)
            self._fill(memoryview(rows).cast("B"), start)
            return rows[:, left : left + width]
        part = np.empty((count, width, layout.samples), dtype)
        target, size = memoryview(part).cast("B"), width * layout.samples * layout.sample_bytes
        start += left * layout.samples * layout.sample_bytes
        for row in range(count):
            self._fill(target[row * size : (row + 1) * size], start + row * layout.row_bytes)
        return part

    def _fill(self, target: memoryview, start: int) -> None:
        """Fill memory from a place in the file."""
        self._file.seek(start)
        while target:
            count = self._file.readinto(target)
            if not count:
                raise ValueError("the file ended while reading")
            target = target[count:]
