"""The tiles of an image pyramid, one after the other: level 0 is the picture, each further one half as large.

Tiles are made in an order in which every tile comes after all those that it is made of, and those of one level row by
row. So whoever has the tiles of a row on disk has all below them, too, and can go on from there. In memory are, of each
level but the first, at most one row of tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region, tile_region
from imfuse_tiles.kernels.halve import halve

#: How the samples of a region are had, as (planes, y, x).
ReadRegion = Callable[[Region], np.ndarray]


class TileIndex(NamedTuple):
    """Which tile of a pyramid."""

    level: int
    row: int
    column: int


class KnownTiles(Protocol):
    """Tiles that an earlier run made."""

    def has(self, tile: TileIndex) -> bool:
        """Whether a tile is there."""

    def read(self, tile: TileIndex) -> np.ndarray:
        """Its samples, (planes, y, x)."""


@frozen
class Pyramid:
    """A picture of ``frame`` = (height, width) in ``levels`` levels of square tiles of ``edge`` pixels (even)."""

    frame: Frame
    planes: int
    dtype: str
    edge: int
    levels: int

    def size(self, level: int) -> Frame:
        """Height and width of a level."""
        height, width = self.frame
        return -(-height >> level), -(-width >> level)

    def grid(self, level: int) -> Frame:
        """Rows and columns of tiles of a level."""
        height, width = self.size(level)
        return -(-height // self.edge), -(-width // self.edge)

    def region(self, tile: TileIndex) -> Region:
        """What a tile covers of its level."""
        return tile_region(self.size(tile.level), self.edge, tile.row, tile.column)

    def row_of(self, level: int, row: int) -> list[TileIndex]:
        """The tiles of a row."""
        return [TileIndex(level, row, column) for column in range(self.grid(level)[1])]

    @property
    def memory(self) -> int:
        """Bytes at most while the tiles are made: rows of tiles of the smaller levels, and halves of such rows."""
        return 3 * self.planes * (self.edge // 2) * self.frame[1] * np.dtype(self.dtype).itemsize


def levels_to(frame: Frame, smallest: int) -> int:
    """Levels of a pyramid whose last one has no side longer than ``smallest`` pixels."""
    longest, levels = max(frame), 1
    while longest > smallest:
        longest, levels = -(-longest // 2), levels + 1
    return levels


def pyramid_tiles(
    pyramid: Pyramid, read: ReadRegion, known: KnownTiles | None = None
) -> Iterator[tuple[TileIndex, np.ndarray]]:
    """Every tile with its samples (planes, y, x), but those that are ``known``; ``read``: regions of the picture."""
    top = pyramid.levels - 1
    for row in range(pyramid.grid(top)[0]):
        yield from _tiles_below(pyramid, read, known, top, row)


Rows = Generator[tuple[TileIndex, np.ndarray], None, np.ndarray]


def _tiles_below(pyramid: Pyramid, read: ReadRegion, known: KnownTiles | None, level: int, row: int) -> Rows:
    """The tiles that a row of a level is made of, then its own; returns the row at half the size."""
    tiles = pyramid.row_of(level, row)
    if known and all(map(known.has, tiles)):
        return _half_row(pyramid, tiles, known.read)
    if level == 0:
        half = _new_half(pyramid, tiles[0])
        for tile in tiles:
            samples = read(pyramid.region(tile))
            _place_half(pyramid, tile, samples, half)
            yield tile, samples
        return half
    parts = []
    for below in range(2 * row, min(2 * row + 2, pyramid.grid(level - 1)[0])):
        parts.append((yield from _tiles_below(pyramid, read, known, level - 1, below)))
    band = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    parts.clear()  # while the tiles of the band are written nothing else of its width is kept
    cut = lambda tile: band[..., tile.column * pyramid.edge : (tile.column + 1) * pyramid.edge]  # noqa: E731
    for tile in tiles:
        yield tile, cut(tile)
    return _half_row(pyramid, tiles, cut)


def _half_row(pyramid: Pyramid, tiles: list[TileIndex], samples: Callable[[TileIndex], np.ndarray]) -> np.ndarray:
    half = _new_half(pyramid, tiles[0])
    if tiles[0].level < pyramid.levels - 1:
        for tile in tiles:
            _place_half(pyramid, tile, samples(tile), half)
    return half


def _new_half(pyramid: Pyramid, first: TileIndex) -> np.ndarray:
    """Room for a row of tiles at half the size; none of the last level's."""
    if first.level == pyramid.levels - 1:
        return np.empty((pyramid.planes, 0, 0), pyramid.dtype)
    rows, width = pyramid.region(first).shape[0], pyramid.size(first.level)[1]
    return np.empty((pyramid.planes, -(-rows // 2), -(-width // 2)), pyramid.dtype)


def _place_half(pyramid: Pyramid, tile: TileIndex, samples: np.ndarray, half: np.ndarray) -> None:
    if half.size:
        small = halve(samples)
        start = tile.column * pyramid.edge // 2
        half[:, :, start : start + small.shape[2]] = small
