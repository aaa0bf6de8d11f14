"""Rows of a frame with transparent parts: these get the colours of the nearest pixels that are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from imfuse_tiles import kernels

if TYPE_CHECKING:
    from imfuse_tiles.kernels.nearest_fill import ColumnEnds

#: Rows that are looked at together. What is kept of each band is a row of colours and two of numbers.
BAND = 64

ReadRows = Callable[[int, int], np.ndarray]


class CoveredRows:
    """Rows whose last plane says where the frame has a picture: full scale there, 0 elsewhere.

    ``read`` gives rows y0 to y1 (colours and that plane, y, x) of a frame of ``height`` rows. The frame is gone
    through once before the first rows are filled.
    """

    def __init__(self, height: int, read: ReadRows) -> None:
        self._height, self._read = height, read
        self._above: list[ColumnEnds] = []
        self._below: list[ColumnEnds] = []
        self.any, self.all = False, True

    def rows(self, y0: int, y1: int) -> np.ndarray:
        """Rows y0 to y1, every pixel with a colour unless the frame has none at all."""
        if not self._above:
            self._look()
        if self.all or not self.any:
            return self._read(y0, y1)
        top = y0 // BAND * BAND
        parts = [self._filled(start, min(start + BAND, self._height)) for start in range(top, y1, BAND)]
        return np.ascontiguousarray(np.concatenate(parts, axis=1)[:, y0 - top : y1 - top])

    def _look(self) -> None:
        """What every band must know of those above and below it."""
        fill = kernels.nearest_fill
        first, last = [], []
        for y0 in range(0, self._height, BAND):
            *colours, covered = self._read(y0, min(y0 + BAND, self._height))
            first.append(fill.first_covered(np.stack(colours), covered > 0, y0))
            last.append(fill.last_covered(np.stack(colours), covered > 0, y0))
            self.any, self.all = self.any or bool(covered.any()), self.all and bool(covered.all())
        none = fill.ColumnEnds(np.full_like(first[0].rows, -1), first[0].colours)
        self._above, self._below = [none], [none]
        for ends in last[:-1]:
            self._above.append(fill.nearer_ends(ends, self._above[-1]))
        for ends in first[:0:-1]:
            self._below.insert(0, fill.nearer_ends(ends, self._below[0]))

    def _filled(self, y0: int, y1: int) -> np.ndarray:
        planes, band = self._read(y0, y1), y0 // BAND
        covered = planes[-1] > 0
        if not covered.all():
            kernels.nearest_fill.fill(planes[:-1], covered, y0, self._above[band], self._below[band])
        return planes


def bytes_needed(height: int, width: int, channels: int, sample_bytes: int) -> int:
    """Bytes that are kept of a frame, and those of a band that is being filled."""
    kept = 2 * -(-height // BAND) * width * (8 + channels * sample_bytes)
    return kept + BAND * width * (16 + 3 * (channels + 1) * sample_bytes)
