"""Image files into the store, resampled on the way so that they lie over each other: no second copy is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.imageio.reading import FrameReader
from imfuse_tiles.imageio.stack import FULL, FrameWarp
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.ingest import IngestJob, band_rows
from imfuse_tiles.stages.source_windows import frame_of

#: Columns that are resampled at once.
PART = 2048


@frozen
class AlignJob(IngestJob):
    """As its parent, each frame warped by one of ``warps`` into ``size`` (height, width) pixels."""

    version: ClassVar[int] = 1

    warps: tuple[FrameWarp, ...] = ()
    size: Frame = (0, 0)

    def rows(self, frame: FrameReader, number: int, part: Region) -> tuple[np.ndarray, np.ndarray | None, int]:
        rows, seen, size = warped_rows(frame, self.warps[number], part)
        return rows, seen if self.coverage else None, size

    def for_block(self, block: Block) -> AlignJob:
        some = slice(block.z0, block.z1)
        return replace(self, headers=self.headers[some], warps=self.warps[some], first=block.z0)

    def memory(self, height: int, width: int) -> int:
        """As the parent, and the rows of the files that a band needs."""
        band = min(height, band_rows(frame_of(self.headers[0])))
        more = max(self._rows(number, band) for number in range(len(self.headers)))
        header = self.headers[0]
        return super().memory(height, width) + more * header.width * header.planes * 4

    def _rows(self, number: int, height: int) -> int:
        """Rows of a file that a band of so many rows needs at most."""
        header, matrix = self.headers[number], np.array(self.warps[number].matrix).reshape(3, 3)
        frame, most = (header.height, header.width), 0
        for y0 in (0, (self.size[0] - height) // 2, self.size[0] - height):
            y, y1, _, _ = kernels.warp.source_region(matrix, (y0, y0 + height, 0, self.size[1]), frame)
            most = max(most, y1 - y)
        return most


def warped_rows(frame: FrameReader, warp: FrameWarp, part: Region) -> tuple[np.ndarray, np.ndarray, int]:
    """A band of a resampled frame, (channels, y, x) of its own number type; where it has a picture, bool (y, x);
    and the bytes that were read for it."""
    whole, matrix = (frame.header.height, frame.header.width), np.array(warp.matrix).reshape(3, 3)
    y0, y1, _, _ = kernels.warp.source_region(matrix, part, whole)
    source = frame.rows(y0, y1)
    gains = np.array([*warp.gains, *[1] * bool(frame.header.coverage)], np.float32) if warp.gains else None
    out, seen = np.empty((len(source), *part.shape), source.dtype), np.empty(part.shape, np.bool_)
    for x0 in range(part.x0, part.x1, PART):
        piece = part._replace(x0=x0, x1=min(x0 + PART, part.x1))
        inside = piece.slices_in(part)
        out[(..., *inside)], seen[inside] = kernels.warp.warp(source, (y0, 0), whole, matrix, piece, gains)
    if not frame.header.coverage:
        return out, seen, source.nbytes
    # The weights of the kernel sum to 1, so half of full scale is the edge of the picture.
    return out[:-1], seen & (out[-1] > FULL[frame.header.dtype] / 2), source.nbytes
