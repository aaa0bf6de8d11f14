"""Chunked arrays on disk: zarr v3, little-endian, uncompressed, a crc32c behind every chunk.

zarr-python writes the metadata and can read every byte of it. The chunks themselves are read and written
here, in the thread that needs them: zarr-python passes all of a process's chunks through one event loop.
A chunk is written under a temporary name and moved; a missing one is an error and never silently zeros.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path

import crc32c
import numpy as np

from imfuse_tiles.storage.files import Bytes, Files
from imfuse_tiles.storage.open_files import files_of

Box = Sequence[tuple[int, int]]
Kept = dict[tuple[int, ...], np.ndarray]
CHECK = 4


class Damaged(Exception):
    """A chunk that is missing, short or altered: ``path`` of the array inside its store, ``cell`` of the chunk."""

    def __init__(self, path: str, cell: tuple[int, ...], what: str) -> None:
        super().__init__(path, cell, what)
        self.path, self.cell, self.what = path, cell, what

    def __str__(self) -> str:
        what = (
            f"chunk {'/'.join(map(str, self.cell))} of {self.path}" if self.cell else f"the description of {self.path}"
        )
        return f"{what} is {self.what}"


@dataclass(frozen=True)
class ChunkedArray:
    """One array of a store: where it lies, its shape, the shape of its chunks, and its number type."""

    root: str
    path: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str

    @property
    def files(self) -> Files:
        return files_of(self.root)

    @cached_property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk's file."""
        return prod(self.chunks) * np.dtype(self.dtype).itemsize + CHECK

    def name(self, cell: Sequence[int]) -> str:
        """The name of a chunk's file in the store."""
        return "/".join([self.path, "c", *map(str, cell)])

    def file(self, cell: Sequence[int]) -> Path:
        """A chunk's file where the store is a folder."""
        return Path(self.root, self.name(cell))

    def cells(self, box: Box) -> Iterator[tuple[int, ...]]:
        """The chunks that a box (start, stop per dimension) touches."""
        spans = (range(a // c, -(-b // c)) for (a, b), c in zip(box, self.chunks, strict=True))
        return itertools.product(*spans)

    def read(self, box: Box, kept: Kept | None = None, out: np.ndarray | None = None) -> np.ndarray:
        """The samples of a box. Damaged when a chunk cannot be trusted.

        ``kept``: whole chunks of earlier reads of this array, for boxes that follow each other row by row and share
        chunks; what lies above the box or in another slice is dropped, what it touches is added.
        ``out``: an array of the box's shape to fill.
        """
        out = np.empty([b - a for a, b in box], self.dtype) if out is None else out
        for cell, chunk in self.each(list(self.cells(box)), kept):
            inside, outside = [], []
            for (a, b), c, size in zip(box, cell, self.chunks, strict=True):
                start, stop = max(a, c * size), min(b, (c + 1) * size)
                inside.append(slice(start - c * size, stop - c * size))
                outside.append(slice(start - a, stop - a))
            out[tuple(outside)] = chunk[tuple(inside)]
        return out

    def each(self, cells: list[tuple[int, ...]], kept: Kept | None) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
        """Chunks one after the other; without ``kept``, one may be overwritten when the next is asked for."""
        if kept is None:
            raws = self.files.read_each([self.name(cell) for cell in cells], self.chunk_bytes)
            yield from ((cell, self.checked(cell, raw)) for cell, raw in zip(cells, raws, strict=True))
            return
        leads, top = {cell[:-2] for cell in cells}, cells[0][-2]
        for gone in [cell for cell in kept if cell[-2] < top or cell[:-2] not in leads]:
            del kept[gone]
        new = [cell for cell in cells if cell not in kept]
        for cell, raw in zip(new, self.files.read_each([self.name(cell) for cell in new]), strict=True):
            kept[cell] = self.checked(cell, raw)
        yield from ((cell, kept[cell]) for cell in cells)

    def checked(self, cell: tuple[int, ...], raw: Bytes | None) -> np.ndarray:
        """One whole chunk from the bytes of its file."""
        if raw is None:
            raise Damaged(self.path, cell, "missing")
        if len(raw) != self.chunk_bytes:
            raise Damaged(self.path, cell, "short")
        if crc32c.crc32c(memoryview(raw)[:-CHECK]) != int.from_bytes(raw[-CHECK:], "little"):
            raise Damaged(self.path, cell, "altered")
        return np.frombuffer(raw, self.dtype, prod(self.chunks)).reshape(self.chunks)

    def write(self, box: Box, samples: np.ndarray) -> int:
        """Write the chunks of a box that begins and ends on chunk borders or at the array's end; the bytes written."""
        written = 0
        for cell in self.cells(box):
            inside, outside = [], []
            for (a, b), c, size in zip(box, cell, self.chunks, strict=True):
                start, stop = max(a, c * size), min(b, (c + 1) * size)
                inside.append(slice(start - a, stop - a))
                outside.append(slice(0, stop - start))
            written += self.save(cell, samples[tuple(inside)], tuple(outside))
        return written

    def save(self, cell: tuple[int, ...], samples: np.ndarray, place: tuple[slice, ...]) -> int:
        """Write one whole chunk; what lies beyond the array's end is filled with zeros."""
        if samples.shape == self.chunks and samples.flags.c_contiguous and samples.dtype == self.dtype:
            chunk = samples
        else:
            chunk = np.empty(self.chunks, self.dtype)
            if samples.shape != self.chunks:
                chunk.fill(0)
            chunk[place] = samples
        raw = memoryview(chunk).cast("B").toreadonly()
        self.files.write(self.name(cell), raw, crc32c.crc32c(raw).to_bytes(CHECK, "little"))
        return self.chunk_bytes

    def size(self, cell: Sequence[int]) -> int:
        """Bytes of a chunk's file, 0 when there is none."""
        return self.files.size(self.name(cell))

    def sizes(self) -> Callable[[Sequence[int]], int]:
        """The function ``size`` for many chunks."""
        size = self.files.sizes(self.path)
        return lambda cell: size(self.name(cell))
