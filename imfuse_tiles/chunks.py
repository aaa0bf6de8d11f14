"""Chunked arrays on disk: zarr v3, little-endian, uncompressed, a crc32c behind every chunk.

zarr-python writes the metadata and can read every byte of it. The chunks themselves are read and written
here, in the thread that needs them: zarr-python passes all of a process's chunks through one event loop.
A chunk is written under a temporary name and moved; a missing one is an error and never silently zeros.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import crc32c
import numpy as np

Box = Sequence[tuple[int, int]]
CHECK = 4


class Damaged(Exception):
    """A chunk that is missing, short or altered: ``path`` of the array inside its store, ``cell`` of the chunk."""

    def __init__(self, path: str, cell: tuple[int, ...], what: str) -> None:
        super().__init__(path, cell, what)
        self.path, self.cell, self.what = path, cell, what

    def __str__(self) -> str:
        return f"chunk {'/'.join(map(str, self.cell))} of {self.path} is {self.what}"


@dataclass(frozen=True)
class ChunkedArray:
    """One array of a store: where it lies, its shape, the shape of its chunks, and its number type."""

    root: str
    path: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str

    @cached_property
    def folder(self) -> Path:
        return Path(self.root) / self.path

    @property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk's file."""
        return int(np.prod(self.chunks)) * np.dtype(self.dtype).itemsize + CHECK

    def file(self, cell: Sequence[int]) -> Path:
        return self.folder.joinpath("c", *map(str, cell))

    def cells(self, box: Box) -> Iterator[tuple[int, ...]]:
        """The chunks that a box (start, stop per dimension) touches."""
        spans = (range(a // c, -(-b // c)) for (a, b), c in zip(box, self.chunks, strict=True))
        return itertools.product(*spans)

    def read(self, box: Box) -> np.ndarray:
        """The samples of a box. Damaged when a chunk cannot be trusted."""
        out = np.empty([b - a for a, b in box], self.dtype)
        for cell in self.cells(box):
            inside, outside = [], []
            for (a, b), c, size in zip(box, cell, self.chunks, strict=True):
                start, stop = max(a, c * size), min(b, (c + 1) * size)
                inside.append(slice(start - c * size, stop - c * size))
                outside.append(slice(start - a, stop - a))
            out[tuple(outside)] = self.load(cell)[tuple(inside)]
        return out

    def load(self, cell: tuple[int, ...]) -> np.ndarray:
        """One whole chunk, checked."""
        try:
            raw = self.file(cell).read_bytes()
        except FileNotFoundError:
            raise Damaged(self.path, cell, "missing") from None
        if len(raw) != self.chunk_bytes:
            raise Damaged(self.path, cell, "short")
        if crc32c.crc32c(memoryview(raw)[:-CHECK]) != int.from_bytes(raw[-CHECK:], "little"):
            raise Damaged(self.path, cell, "altered")
        return np.frombuffer(raw, self.dtype, int(np.prod(self.chunks))).reshape(self.chunks)

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
        if samples.shape == self.chunks:
            chunk = np.ascontiguousarray(samples, self.dtype)
        else:
            chunk = np.zeros(self.chunks, self.dtype)
            chunk[place] = samples
        raw = memoryview(chunk).cast("B").toreadonly()
        target = self.file(cell)
        partial = target.with_name(f"{target.name}.{os.getpid()}-{threading.get_ident()}.partial")
        try:
            file = open(partial, "wb", buffering=0)  # noqa: SIM115
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            file = open(partial, "wb", buffering=0)  # noqa: SIM115
        try:
            with file:
                for part in (raw, memoryview(crc32c.crc32c(raw).to_bytes(CHECK, "little"))):
                    while part:
                        part = part[file.write(part) :]
            os.replace(partial, target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return self.chunk_bytes

    def size(self, cell: Sequence[int]) -> int:
        """Bytes of a chunk's file, 0 when there is none."""
        try:
            return self.file(cell).stat().st_size
        except FileNotFoundError:
            return 0
