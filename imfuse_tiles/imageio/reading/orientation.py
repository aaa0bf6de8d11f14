"""Frames as every viewer shows them: turned and mirrored as their orientation tag (1 to 8) says."""

from __future__ import annotations

from typing import Protocol

import numpy as np

_ACROSS = (5, 6, 7, 8)  # rows and columns change places
_FLIP_ROWS = (3, 4, 7, 8)
_FLIP_COLUMNS = (2, 3, 6, 7)


class Rows(Protocol):
    """An open file whose rows can be read."""

    def read(self, y0: int, y1: int, out: np.ndarray) -> None:
        """Fill ``out`` (planes, y1 - y0, width)."""
        ...

    def close(self) -> None: ...


def turned_size(height: int, width: int, turn: int) -> tuple[int, int]:
    """Height and width after a turn."""
    return (width, height) if turn in _ACROSS else (height, width)


def turned(planes: np.ndarray, turn: int) -> np.ndarray:
    """Whole planes (..., height, width) upright; a view."""
    upright = np.swapaxes(planes, -1, -2) if turn in _ACROSS else planes
    return upright[..., :: -1 if turn in _FLIP_ROWS else 1, :: -1 if turn in _FLIP_COLUMNS else 1]


class TurnedRows:
    """Rows of a turned picture. Where its rows are columns of the file, the whole picture is kept."""

    def __init__(self, stored: Rows, turn: int, shape: tuple[int, int, int], dtype: str) -> None:
        """``shape``: (planes, height, width) in the file."""
        self._stored, self._turn, self._shape, self._dtype = stored, turn, shape, dtype
        self._whole: np.ndarray | None = None

    def read(self, y0: int, y1: int, out: np.ndarray) -> None:
        """Fill `out` (planes, y1 - y0, width) with upright rows."""
        if self._turn in _ACROSS:
            if self._whole is None:
                self._whole = np.empty(self._shape, self._dtype)
                self._stored.read(0, self._shape[1], self._whole)
            out[:] = turned(self._whole, self._turn)[:, y0:y1]
            return
        first, last = (self._shape[1] - y1, self._shape[1] - y0) if self._turn in _FLIP_ROWS else (y0, y1)
        band = np.empty_like(out)
        self._stored.read(first, last, band)
        out[:] = turned(band, self._turn)

    def close(self) -> None:
        self._whole = None
        self._stored.close()
