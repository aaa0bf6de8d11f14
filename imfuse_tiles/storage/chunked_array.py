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

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage import chunk_codec
from imfuse_tiles.storage.chunk_checksums import ArrayId, is_recorded
from imfuse_tiles.storage.files import Bytes, Files
from imfuse_tiles.storage.open_files import files_of

Box = Sequence[tuple[int, int]]
Index = tuple[int, ...]
ChunkCache = dict[Index, np.ndarray]
CRC_BYTES = 4


class Damaged(Exception):
    """A chunk that is missing, short or altered.

    ``path``: of the array inside its store. ``chunk_index``: in the grid of chunks; empty for the array's metadata.
    """

    def __init__(self, path: str, chunk_index: tuple[int, ...], problem: str) -> None:
        super().__init__(path, chunk_index, problem)
        self.path, self.chunk_index, self.problem = path, chunk_index, problem

    def __str__(self) -> str:
        chunk = f"chunk {'/'.join(map(str, self.chunk_index))}" if self.chunk_index else "the description"
        return f"{chunk} of {self.path} is {self.problem}"


@dataclass(frozen=True)
class ChunkedArray:
    """One array of a store: where it lies, its shape, the shape of its chunks, and its number type.

    ``key``: of the stage whose journal records its chunks. ``layout``: that of the stage, as the array's metadata
    have it; empty when they have none. ``compressed``: chunks are as short as they get.
    """

    root: str
    path: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str
    key: str = ""
    layout: str = ""
    compressed: bool = False

    @property
    def files(self) -> Files:
        return files_of(self.root)

    @cached_property
    def _id(self) -> ArrayId:
        grid = tuple(-(-size // chunk) for size, chunk in zip(self.shape, self.chunks, strict=True))
        return ArrayId(self.root, self.key, self.path, self.layout, grid)

    @cached_property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk's file; of a compressed one that is not compressed."""
        return prod(self.chunks) * np.dtype(self.dtype).itemsize + CRC_BYTES

    def chunk_name(self, index: Sequence[int]) -> str:
        """The name of a chunk's file in the store."""
        return "/".join([self.path, "c", *map(str, index)])

    def chunk_file(self, index: Sequence[int]) -> Path:
        """A chunk's file where the store is a folder."""
        return Path(self.root, self.chunk_name(index))

    def chunk_indices(self, box: Box) -> Iterator[tuple[int, ...]]:
        """The chunks that a box (start, stop per dimension) touches."""
        spans = (range(a // c, -(-b // c)) for (a, b), c in zip(box, self.chunks, strict=True))
        return itertools.product(*spans)

    def read(self, box: Box, cache: ChunkCache | None = None, out: np.ndarray | None = None) -> np.ndarray:
        """The samples of a box. Damaged when a chunk cannot be trusted.

        ``cache``: whole chunks of earlier reads of this array, for boxes that follow each other row by row and share
        chunks; what lies above the box or in another slice is dropped, what it touches is added.
        ``out``: an array of the box's shape to fill.
        """
        out = np.empty([b - a for a, b in box], self.dtype) if out is None else out
        for index, chunk in self._read_chunks(list(self.chunk_indices(box)), cache):
            inside, outside = [], []
            for (a, b), c, size in zip(box, index, self.chunks, strict=True):
                start, stop = max(a, c * size), min(b, (c + 1) * size)
                inside.append(slice(start - c * size, stop - c * size))
                outside.append(slice(start - a, stop - a))
            out[tuple(outside)] = chunk[tuple(inside)]
        return out

    def _read_chunks(self, indices: list[Index], cache: ChunkCache | None) -> Iterator[tuple[Index, np.ndarray]]:
        """Chunks one after the other; without ``cache``, one may be overwritten when the next is asked for."""
        if cache is None:
            raws = self._read_files(indices)
            yield from ((index, self.decode_chunk(index, raw)) for index, raw in zip(indices, raws, strict=True))
            return
        leads, top = {index[:-2] for index in indices}, indices[0][-2]
        for gone in [index for index in cache if index[-2] < top or index[:-2] not in leads]:
            del cache[gone]
        new = [index for index in indices if index not in cache]
        for index, raw in zip(new, self._read_files(new), strict=True):
            cache[index] = self.decode_chunk(index, raw).copy()
        yield from ((index, cache[index]) for index in indices)

    def _read_files(self, indices: list[Index]) -> Iterator[Bytes | None]:
        """The bytes of chunks; of compressed ones it is not known how many they are."""
        return self.files.read_many(
            [self.chunk_name(index) for index in indices], 0 if self.compressed else self.chunk_bytes
        )

    def decode_chunk(self, index: tuple[int, ...], raw: Bytes | None) -> np.ndarray:
        """One whole chunk from the bytes of its file."""
        if raw is None:
            raise Damaged(self.path, index, "missing")
        if not self.is_whole(len(raw)):
            raise Damaged(self.path, index, "short")
        crc = crc32c.crc32c(memoryview(raw)[:-CRC_BYTES])
        if crc != int.from_bytes(raw[-CRC_BYTES:], "little"):
            raise Damaged(self.path, index, "altered")
        if self.key and not is_recorded(self.files, self._id, index, crc):
            raise Damaged(self.path, index, "not the one that the journal records")
        if not self.compressed:
            return np.frombuffer(raw, self.dtype, prod(self.chunks)).reshape(self.chunks)
        try:
            return chunk_codec.decode(memoryview(raw)[:-CRC_BYTES], self.dtype, self.chunks)
        except ValueError:
            raise Damaged(self.path, index, "altered") from None

    def is_whole(self, size: int) -> bool:
        """Whether a chunk's file has so many bytes; of a compressed one any that may be."""
        return size > CRC_BYTES if self.compressed else size == self.chunk_bytes

    def write(self, box: Box, samples: np.ndarray) -> dict[Index, int]:
        """Write the chunks of a box that begins and ends on chunk borders or at the array's end; their checksums.

        Refusal of any other box: part of a chunk is only written by one who takes the array for another.
        """
        for (start, stop), chunk, size in zip(box, self.chunks, self.shape, strict=True):
            if start % chunk or (stop % chunk and stop != size) or not 0 <= start < stop <= size:
                raise Refusal(f"{self.path} is not written: {list(box)} are no whole chunks of {self.chunks}")
        checksums: dict[Index, int] = {}
        for index in self.chunk_indices(box):
            inside, outside = [], []
            for (a, b), c, size in zip(box, index, self.chunks, strict=True):
                start, stop = max(a, c * size), min(b, (c + 1) * size)
                inside.append(slice(start - a, stop - a))
                outside.append(slice(0, stop - start))
            checksums[index] = self.write_chunk(index, samples[tuple(inside)], tuple(outside))
        return checksums

    def write_chunk(self, index: Index, samples: np.ndarray, place: tuple[slice, ...]) -> int:
        """Write one whole chunk, filled with zeros beyond the array's end; its checksum (crc32c of its bytes)."""
        if samples.shape == self.chunks and samples.flags.c_contiguous and samples.dtype == self.dtype:
            chunk = samples
        else:
            chunk = np.empty(self.chunks, self.dtype)
            if samples.shape != self.chunks:
                chunk.fill(0)
            chunk[place] = samples
        raw = memoryview(chunk_codec.encode(chunk) if self.compressed else chunk).cast("B").toreadonly()
        crc = crc32c.crc32c(raw)
        self.files.write(self.chunk_name(index), raw, crc.to_bytes(CRC_BYTES, "little"))
        return crc

    def chunk_size(self, index: Sequence[int]) -> int:
        """Bytes of a chunk's file, 0 when there is none."""
        return self.files.size(self.chunk_name(index))

    def sizes(self) -> Callable[[Sequence[int]], int]:
        """The function ``size`` for many chunks."""
        size = self.files.sizes(self.path)
        return lambda index: size(self.chunk_name(index))
