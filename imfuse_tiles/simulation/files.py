"""Uncompressed tiled TIFF files that are filled in any order: every window goes straight to its place."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import tifffile

#: edge of the tiles in the file; fixed, so that a file is the same whatever windows it was written in
TILE = 512


class TiledFile:
    """A picture (height, width) or (height, width, 3) on disk, uint8 or uint16, written window by window.

    It grows under a `.partial` name and takes its own with `finish`. Writing from several threads is fine
    as long as their windows do not overlap. `truth`: the file says that it is none of the frames.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype, truth: bool = False) -> None:
        self.path, self.shape, self.dtype = path, shape, np.dtype(dtype)
        self.partial = path.with_name(path.name + ".partial")
        size = file_size(shape, self.dtype)
        with tifffile.TiffWriter(self.partial, bigtiff=size > 2**32 - 2**25, byteorder="<") as tiff:
            tiff.write(
                None,
                shape=shape,
                dtype=self.dtype,
                tile=(TILE, TILE),
                metadata=None,
                photometric="rgb" if len(shape) == 3 else "minisblack",
                software="imfuse-tiles simulate: truth" if truth else "imfuse-tiles simulate",
            )
        with tifffile.TiffFile(self.partial) as tiff:
            self._offsets = tiff.pages[0].dataoffsets
        self._handle = os.open(self.partial, os.O_RDWR)

    def write(self, y0: int, x0: int, window: np.ndarray) -> None:
        """Put a window (height, width[, 3]) of the file's dtype at row y0, column x0."""
        high, wide = window.shape[:2]
        across = -(-self.shape[1] // TILE)
        for row in range(y0 // TILE, (y0 + high - 1) // TILE + 1):
            for column in range(x0 // TILE, (x0 + wide - 1) // TILE + 1):
                top, left = max(y0, row * TILE), max(x0, column * TILE)
                bottom, right = min(y0 + high, (row + 1) * TILE), min(x0 + wide, (column + 1) * TILE)
                part = window[top - y0 : bottom - y0, left - x0 : right - x0]
                self._put(self._offsets[row * across + column], top - row * TILE, left - column * TILE, part)

    def _put(self, offset: int, top: int, left: int, part: np.ndarray) -> None:
        pixel = self.dtype.itemsize * (3 if len(self.shape) == 3 else 1)
        if left == 0 and part.shape[1] == TILE:
            os.pwrite(self._handle, np.ascontiguousarray(part).data, offset + top * TILE * pixel)
            return
        for y, line in enumerate(part, top):
            os.pwrite(self._handle, np.ascontiguousarray(line).data, offset + (y * TILE + left) * pixel)

    def close(self) -> None:
        """Close the file; the unfinished one is left under its `.partial` name."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def finish(self) -> None:
        """Close the file and give it its name."""
        self.close()
        os.replace(self.partial, self.path)


def file_size(shape: tuple[int, ...], dtype: np.dtype) -> int:
    """Bytes of the pixels of such a file (edge tiles are stored whole)."""
    down, across = -(-shape[0] // TILE), -(-shape[1] // TILE)
    return down * across * TILE * TILE * int(np.prod(shape[2:])) * np.dtype(dtype).itemsize
