"""Rows of a TIFF page, decoding no more than the strips or tiles they touch."""

from __future__ import annotations

from typing import Any

import numpy as np

from imfuse_tiles.imageio.reading.header import Header
from imfuse_tiles.imageio.reading.jpeg import check_jpeg
from imfuse_tiles.imageio.reading.plain_tiff import fill
from imfuse_tiles.imageio.reading.tiff_header import JPEG
from imfuse_tiles.imageio.reading.tiff_layout import READ_BYTES, Layout, layout_of, segment_sizes
from imfuse_tiles.imageio.reading.tiff_pages import open_tiff, subpages
from imfuse_tiles.kernels import interleave, read_rows

_NOTHING = np.empty((0, 0, 0), np.uint8)


class TiffRows:
    """An open TIFF frame. `read` fills planes from rows y0..y1; not to be shared between threads."""

    def __init__(self, header: Header) -> None:
        self._file = open_tiff(header.path)
        page: Any = self._file.pages[header.page]
        self._page = subpages(page)[header.subpage - 1] if header.subpage else page
        self._layout: Layout = layout_of(self._page)
        self._sizes = segment_sizes(self._page, self._layout, header.size)
        self._start = header.plane * self._layout.image_bytes  # of this plane, behind that of the first one
        self._planes = header.planes
        self._cached_row = -1
        self._cached = _NOTHING

    def close(self) -> None:
        self._file.close()
        self._forget()

    def read(self, y0: int, y1: int, out: np.ndarray) -> None:
        """Fill `out` (planes, y1 - y0, width), converting to its dtype."""
        if self._layout.plain:
            self._read_plain(y0, y1, out)
            return
        step = self._layout.tile_height
        for row in range(y0 // step, (y1 - 1) // step + 1):
            top = row * step
            first, last = max(y0, top), min(y1, top + step)
            out[:, first - y0 : last - y0] = self._row_of_segments(row)[:, first - top : last - top]

    def read_window(self, y0: int, y1: int, x0: int, x1: int, out: np.ndarray) -> None:
        """Fill `out` (planes, y1 - y0, x1 - x0), decoding no other tiles than those that it touches."""
        layout, step = self._layout, self._layout.tile_height
        if layout.plain or layout.across == 1:
            rows = np.empty((self._planes, y1 - y0, layout.width), out.dtype)
            self.read(y0, y1, rows)
            out[:] = rows[..., x0:x1]
            return
        columns = range(x0 // layout.tile_width, (x1 - 1) // layout.tile_width + 1)
        left = columns.start * layout.tile_width
        for row in range(y0 // step, (y1 - 1) // step + 1):
            top = row * step
            first, last = max(y0, top), min(y1, top + step)
            planes = self._decode(row, columns)
            out[:, first - y0 : last - y0] = planes[:, first - top : last - top, x0 - left : x1 - left]

    def _row_of_segments(self, row: int) -> np.ndarray:
        """Planes of one row of segments; the last one used is kept, as bands may end within it."""
        if row != self._cached_row:
            self._forget()  # before decoding, so that never two rows are held
            self._cached = self._decode(row, range(self._layout.across))
            self._cached_row = row
        return self._cached

    def _forget(self) -> None:
        self._cached_row = -1
        self._cached = _NOTHING

    def _decode(self, row: int, columns: range) -> np.ndarray:
        """Planes of neighbouring segments of a row."""
        layout, start = self._layout, columns.start * self._layout.tile_width
        rows = min(layout.tile_height, layout.height - row * layout.tile_height)
        end = min(columns.stop * layout.tile_width, layout.width)
        planes = np.empty((self._planes, rows, end - start), self._page.dtype)
        for plane in range(min(layout.planes, self._planes)):
            for column in columns:
                left = column * layout.tile_width - start
                width = min(layout.tile_width, end - start - left)
                segment = self._segment(layout.index(plane, row, column))[:rows, :width]
                target = planes[:, :, left : left + width]
                if layout.planes > 1:
                    target[plane] = segment[..., 0]
                else:
                    target[:] = np.moveaxis(segment, -1, 0)[: self._planes]
        return planes

    def _segment(self, index: int) -> np.ndarray:
        """One decoded strip or tile, (rows, columns, samples)."""
        page = self._page
        encoded = self._read_bytes(page.dataoffsets[index], self._sizes[index])
        if page.compression == JPEG:
            # The decoder takes a segment that ends early for a grey one. Padding may follow the end marker.
            if b"\xff\xd9" not in encoded[-16:]:
                raise ValueError(f"strip or tile {index} ends early")
            tables = (page.jpegtables or b"\xff\xd8\xff\xd9")[:-2]
            check_jpeg(tables + encoded[2:], self._layout.tile_width, self._layout.tile_height)
            decoded = page.decode(encoded, index, jpegtables=page.jpegtables, jpegheader=page.jpegheader)[0]
        else:
            decoded = page.decode(encoded, index)[0]
        return decoded[0]

    @property
    def _dtype(self) -> np.dtype:
        return np.dtype(self._page.dtype).newbyteorder(self._file.byteorder)

    def _plain_start(self, plane: int, y: int) -> int:
        """Where an uncompressed row begins in the file."""
        strip, within = divmod(y, self._layout.tile_height)
        offset: int = self._page.dataoffsets[self._layout.index(plane, strip, 0)]
        return self._start + offset + within * self._layout.row_bytes

    def _read_plain(self, y0: int, y1: int, out: np.ndarray) -> None:
        layout, dtype = self._layout, self._dtype
        portion = max(1, READ_BYTES // layout.row_bytes)
        for plane in range(min(layout.planes, self._planes)):
            top = y0
            while top < y1:
                bottom = min(y1, top + portion, (top // layout.tile_height + 1) * layout.tile_height)
                target, start = out[plane:], self._plain_start(plane, top)
                if read_rows.can_read(layout.samples, dtype, target, (bottom - top) * layout.width):
                    top += read_rows.read_rows(
                        self._file.filehandle.fileno(), start, layout.row_bytes, layout.width, layout.samples, target,
                        (top - y0, 0), bottom - top,
                    )  # fmt: skip
                if top < bottom:
                    rows = np.empty((bottom - top, layout.width, layout.samples), dtype)
                    fill(self._file.filehandle, memoryview(rows).cast("B"), self._plain_start(plane, top))
                    interleave.separate(rows, target, (top - y0, 0))
                top = bottom

    def _read_bytes(self, start: int, size: int) -> bytes:
        file = self._file.filehandle
        file.seek(start)
        encoded: bytes = file.read(size)
        if len(encoded) < size:
            raise ValueError("the file ended while reading")
        return encoded
