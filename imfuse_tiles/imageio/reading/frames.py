"""Pixels of one frame, band by band."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading.covered_rows import CoveredRows
from imfuse_tiles.imageio.reading.file_facts import file_facts
from imfuse_tiles.imageio.reading.formats import FORMATS
from imfuse_tiles.imageio.reading.header import Header, damaged, refuse, refuse_frame
from imfuse_tiles.imageio.reading.jpeg import decode_jpeg
from imfuse_tiles.imageio.reading.normalise_samples import check_finite, scale_to_white, take_coverage
from imfuse_tiles.imageio.reading.orientation import Rows, TurnedRows
from imfuse_tiles.imageio.reading.png import decode_png, png_pixels
from imfuse_tiles.imageio.reading.profiles import converted
from imfuse_tiles.imageio.reading.whole_frame import WholeFrame
from imfuse_tiles.imageio.reading.zarr_facts import frame_facts


@runtime_checkable
class Windows(Protocol):
    """Rows of which parts can be read."""

    def read_window(self, y0: int, y1: int, x0: int, x1: int, out: np.ndarray) -> None:
        """Fill ``out`` (planes, y1 - y0, x1 - x0)."""
        ...


class FrameReader:
    """An open frame. Bands are cheapest from top to bottom; one reader must not be shared by threads."""

    def __init__(self, header: Header, source: Rows) -> None:
        self.header = header
        self._source = source
        self._covered = CoveredRows(header.height, self._plain_rows) if header.coverage else None

    def rows(self, y0: int, y1: int) -> np.ndarray:
        """Rows y0..y1 as stored: C-contiguous (planes, y1 - y0, width) of `header.dtype`; without alpha unless veiled.

        Integers span 0..255 or 0..65535, floating-point samples nominally 0..1. With `header.coverage` the last plane
        is full scale where the frame has a picture and 0 elsewhere, where colours are those of the nearest pixel that
        has one. Raises Refusal for data that turn out damaged or short, and for NaN or infinite samples; ValueError
        for rows outside the frame.
        """
        if self._covered is None:
            return self._plain_rows(y0, y1)
        rows = self._covered.rows(y0, y1)
        if not self._covered.any and self.header.crop is None:
            raise refuse_frame(self.header, "is wholly transparent; --ignore-alpha takes the colours as they are")
        return rows

    def alpha(self, y0: int, y1: int) -> np.ndarray:
        """Rows y0..y1 of the opacity of a veiled frame as stored, (y1 - y0, width)."""
        return self._stored_rows(y0, y1)[-1]

    def _plain_rows(self, y0: int, y1: int) -> np.ndarray:
        """Rows of which nothing is filled."""
        return self._finished(self._stored_rows(y0, y1), y0, y1)

    def _stored_rows(self, y0: int, y1: int) -> np.ndarray:
        """Rows of the planes as they are in the file."""
        header = self.header
        if not 0 <= y0 < y1 <= header.height:
            raise ValueError(f"rows {y0}..{y1} of a frame of height {header.height}")
        top, left, _, width = header.crop or (0, 0, header.height, header.width)
        band = np.empty((header.planes, y1 - y0, width), header.dtype)
        with _named(header), np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite: refused
            self._source.read(top + y0, top + y1, band)
        return np.ascontiguousarray(band[..., left : left + header.width])

    def window(self, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        """Columns x0..x1 of rows y0..y1, as :meth:`rows` gives them; where windows can be read little else is."""
        header, top, left = self.header, *(self.header.crop or (0, 0))[:2]
        if not (header.turn == 1 and not header.coverage and isinstance(self._source, Windows)):
            return np.ascontiguousarray(self.rows(y0, y1)[..., x0:x1])
        if not (0 <= y0 < y1 <= header.height and 0 <= x0 < x1 <= header.width):
            raise ValueError(f"rows {y0}..{y1}, columns {x0}..{x1} of {header.height} x {header.width}")
        band = np.empty((header.planes, y1 - y0, x1 - x0), header.dtype)
        with _named(header), np.errstate(over="ignore"):
            self._source.read_window(top + y0, top + y1, left + x0, left + x1, band)
        return self._finished(band, y0, y1)

    def _finished(self, band: np.ndarray, y0: int, y1: int) -> np.ndarray:
        """Samples as read from rows y0..y1 become those of the stack, in place."""
        header = self.header
        if header.coverage:
            take_coverage(header, band[:-1], band[-1])
        if header.inverted:
            colours = band[: header.channels]
            np.subtract(np.iinfo(band.dtype).max, colours, out=colours)
        if header.dtype == "float32":
            check_finite(header, y0, y1, band)
        scale_to_white(header, band[: header.channels])
        if header.profiles:
            self._convert(band[: header.channels], *header.profiles)
        return band

    def _convert(self, colours: np.ndarray, profile: bytes, target: bytes) -> None:
        """Colours (channels, rows, columns) of one profile to those of another, in place."""
        pixels = colours[0] if len(colours) == 1 else np.moveaxis(colours, 0, -1)
        with _named(self.header):
            pixels = converted(pixels, profile, target)
        colours[:] = pixels if len(colours) == 1 else np.moveaxis(pixels, -1, 0)


@contextmanager
def open_frame(header: Header, windows: bool = False) -> Iterator[FrameReader]:
    """A reader of the frame's rows, closed with the block; ``windows``: small parts of them are what is wanted.

    TIFFs hold one row of strips or tiles decoded; PNG and JPEG are decoded whole at the first rows asked for
    and kept until the end of the block (`header.decode_bytes` in either case). Raises Refusal when the file
    is gone or is no longer the one whose header was read, at the beginning and again at the end.
    """
    _check_unchanged(header)
    with _named(header):
        source = _open_windows(header) if windows and header.window_access else _open_rows(header)
    try:
        yield FrameReader(header, source)
        _check_unchanged(header)
    finally:
        source.close()


def _check_unchanged(header: Header) -> None:
    if header.format == "array":
        return
    facts = frame_facts(header) if header.format == "zarr" else file_facts(header.path)
    if (facts.size, facts.mtime_ns, facts.ctime_ns) != (header.size, header.mtime_ns, header.ctime_ns):
        raise refuse(header.path, "was changed while in use")


def is_unchanged(header: Header) -> bool:
    """Whether the file of a frame is the one whose header was read, by its size and times."""
    try:
        _check_unchanged(header)
    except Refusal:
        return False
    return True


def read_rows(header: Header, y0: int, y1: int) -> np.ndarray:
    """One band, see FrameReader.rows; to read several, keep the frame open."""
    with open_frame(header) as frame:
        return frame.rows(y0, y1)


def _open_windows(header: Header) -> Rows:
    """Rows of which parts are read."""
    if header.format != "tiff":
        return _open_rows(header)
    from imfuse_tiles.imageio.reading.plain_tiff import PlainWindows

    return PlainWindows(header)


def _open_rows(header: Header) -> Rows:
    stored = _stored_rows(header)
    return stored if header.turn == 1 else TurnedRows(stored, header.turn, header.stored_shape, header.dtype)


def _stored_rows(header: Header) -> Rows:
    if header.format == "tiff":
        from imfuse_tiles.imageio.reading.tiff_rows import TiffRows

        return TiffRows(header)
    if header.format in FORMATS:
        return FORMATS[header.format].reader(header.path).open_rows(header)
    if header.format == "png":
        return WholeFrame(header, lambda: decode_png(png_pixels(header.path)))
    return WholeFrame(header, lambda: decode_jpeg(header.path.read_bytes()))


@contextmanager
def _named(header: Header) -> Iterator[None]:
    """Turn whatever a decoder raises on bad data into a Refusal that names the file."""
    try:
        yield
    except (Refusal, MemoryError):
        raise
    except Exception as error:  # decoders raise their own types, down to RuntimeError
        raise damaged(header.path, header.format.upper(), error) from error
