"""Any regions of a frame's file, resampled if it is to be, for rows that are read once where that is possible."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.imageio.reading import FrameReader, Header
from imfuse_tiles.imageio.stack import FULL, FrameWarp

#: Columns that are resampled at once.
PART = 2048


class SourceWindows:
    """Regions of an open frame, in rising order at best. ``warp``: how the frame is resampled, None: as it is.

    ``opacity``: the last plane says what of a region the frame shows, else it has its colours only.
    """

    def __init__(self, frame: FrameReader, warp: FrameWarp | None, opacity: bool = False) -> None:
        self._rows, self._header, self._warp, self.opacity = RollingRows(frame.rows), frame.header, warp, opacity

    def read(self, region: Region) -> np.ndarray:
        """Planes (c, y, x) of the file's number type."""
        planes, seen = self._colours(region)
        if not self.opacity:
            return planes
        full = planes.dtype.type(FULL[self._header.dtype])
        shown = np.full(region.shape, full) if seen is None else seen * full
        return np.concatenate([planes, shown[None].astype(planes.dtype)])

    def _colours(self, region: Region) -> tuple[np.ndarray, np.ndarray | None]:
        """Colours of a region, and bool (y, x) what of it the frame shows, None for all."""
        count, covers = self._header.channels, bool(self._header.coverage)
        if self._warp is None:
            planes = self._rows.read(region.y0, region.y1)[:, :, region.x0 : region.x1]
            return planes[:count], planes[-1] > 0 if covers else None
        whole, matrix = frame_of(self._header), np.array(self._warp.matrix).reshape(3, 3)
        gains = np.array([*self._warp.gains, *[1] * covers], np.float32) if self._warp.gains else None
        y0, y1 = source_rows(region, self._header, self._warp)
        rows = self._rows.read(y0, y1)[: count + covers]
        out, seen = np.empty((len(rows), *region.shape), rows.dtype), np.empty(region.shape, np.bool_)
        for x0 in range(region.x0, region.x1, PART):
            piece = region._replace(x0=x0, x1=min(x0 + PART, region.x1))
            inside = piece.slices_in(region)
            out[(..., *inside)], seen[inside] = kernels.warp.warp(rows, (y0, 0), whole, matrix, piece, gains)
        return out[:count], seen & (out[-1] > FULL[self._header.dtype] / 2) if covers else seen

    @property
    def bytes_read(self) -> int:
        """Bytes of the rows that were asked of the file."""
        return self._rows.bytes_read


class RollingRows:
    """Rows of a frame, of which those that the last ones asked for share with the next are kept."""

    def __init__(self, rows: Callable[[int, int], np.ndarray]) -> None:
        self._read, self._kept, self._first, self.bytes_read = rows, np.empty((0, 0, 0)), 0, 0

    def read(self, y0: int, y1: int) -> np.ndarray:
        """Rows y0..y1, (planes, y, x)."""
        last = self._first + self._kept.shape[1]
        if not self._first <= y0 < last:
            self._kept, self._first = self._fresh(y0, y1), y0
        elif y1 > last:
            self._kept = np.concatenate([self._kept[:, y0 - self._first :], self._fresh(last, y1)], axis=1)
            self._first = y0
        return self._kept[:, y0 - self._first : y1 - self._first]

    def _fresh(self, y0: int, y1: int) -> np.ndarray:
        rows = self._read(y0, y1)
        self.bytes_read += rows.nbytes
        return rows


def frame_of(header: Header) -> Frame:
    """Height and width of a frame."""
    return header.height, header.width


def source_rows(region: Region, header: Header, warp: FrameWarp | None) -> tuple[int, int]:
    """The first and last rows (not included) of a file that a region needs."""
    if warp is None:
        return region.y0, region.y1
    y0, y1, _, _ = kernels.warp.source_region(np.array(warp.matrix).reshape(3, 3), region, frame_of(header))
    return y0, y1
