"""How the arrays of a stage are cut: the blocks that compute them, the chunks and files that hold them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.storage.shards import CRC_BYTES, ShardGrid

#: How much lower than wide the chunks of the result are, which is exported in rows.
FLAT = 4
#: Bytes that file systems allocate at a time.
DISK_BLOCK = 4096


class Block(NamedTuple):
    """What one task computes: slices z0 <= z < z1 of one region; ``z_batch`` counts the batches of slices."""

    z_batch: int
    z0: int
    z1: int
    region: Region

    @property
    def name(self) -> str:
        return f"{self.z_batch}/{self.region.y0}/{self.region.x0}"


@frozen
class Layout:
    """How a stage is cut: chunk and block edge in pixels, slices to a block. Never part of a key."""

    chunk: int
    edge: int
    run: int

    def to_list(self) -> list[int]:
        """The layout as the metadata of arrays have it."""
        return [self.chunk, self.edge, self.run]

    @classmethod
    def of(cls, said: Any) -> Layout | None:
        """A layout as a journal has it; None when it is none."""
        if not isinstance(said, dict) or set(said) != {"chunk", "edge", "run"}:
            return None
        return cls(**said) if all(isinstance(each, int) and each > 0 for each in said.values()) else None


@frozen
class Output:
    """An array that a stage writes: ``lead`` dimensions before y and x, ``group`` their chunk lengths.

    ``by_run``: the array has one plane for each group of slices instead of ``lead``. ``level``: the array is
    smaller than the stage's frame, halved so many times, rounding up. ``folded``: each block writes all slices,
    though a chunk holds one. ``flat``: chunks have so many times fewer rows than columns, where that divides them:
    an array that is read in rows as wide as the frame then takes less memory. ``file_edge``: a file holds as many
    chunks as are at most so many pixels wide and high, where blocks do and they are not compressed; 0: one.
    """

    path: str
    lead: tuple[int, ...]
    group: tuple[int, ...]
    dtype: str
    by_run: bool = False
    level: int = 0
    folded: bool = False
    flat: int = 1
    file_edge: int = 0

    def halved(self, length: int) -> int:
        """A length or place in the frame as it is in the array."""
        return -(-length >> self.level)

    def shape(self, frame: Frame, runs: int) -> tuple[int, ...]:
        lead = (runs,) if self.by_run else self.lead
        return (*lead, *map(self.halved, frame))

    def chunks(self, frame: Frame, chunk: int) -> tuple[int, ...]:
        rows, columns = (self.halved(min(chunk, side)) for side in frame)
        return (*self.group, rows if rows % self.flat else rows // self.flat, columns)

    def per_file(self, frame: Frame, layout: Layout) -> tuple[int, int]:
        """How many chunks lie in a file, down and across."""
        wanted, within = self.file_edge // layout.chunk, layout.edge // layout.chunk
        count = next((count for count in range(wanted, 1, -1) if within % count == 0), 1)
        down, across = (min(count, -(-self.halved(side) // layout.chunk)) for side in frame)
        return down, across

    def grid(self, frame: Frame, runs: int, layout: Layout, compressed: bool = False) -> ShardGrid:
        """How the chunks of the array lie in files."""
        shape, chunks = self.shape(frame, runs), self.chunks(frame, layout.chunk)
        size = math.prod(chunks) * np.dtype(self.dtype).itemsize + CRC_BYTES
        counts = tuple(-(-a // b) for a, b in zip(shape, chunks, strict=True))
        return ShardGrid(counts, (1, 1) if compressed else self.per_file(frame, layout), size)

    def box(self, block: Block) -> list[tuple[int, int]]:
        """Start and stop in every dimension of what a block writes."""
        region, slices = Region(*map(self.halved, block.region)), (block.z0, block.z1)
        if self.by_run:
            lead = [(block.z_batch, block.z_batch + 1)]
        else:
            # One of length 1 may be that of the planes of a grey stack.
            lead = [
                slices if each == 1 < size and not self.folded else (0, size)
                for size, each in zip(self.lead, self.group, strict=True)
            ]
        return [*lead, (region.y0, region.y1), (region.x0, region.x1)]
