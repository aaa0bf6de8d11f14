"""Chunked arrays on disk: zarr v3, little-endian, uncompressed, a crc32c behind every chunk.

zarr-python writes the metadata and can read every byte of it. The chunks themselves are read and written
here, in the thread that needs them: zarr-python passes all of a process's chunks through one event loop.
A file is written under a temporary name and moved; a missing one is an error and never silently zeros. It holds one
chunk, or several, which are read one by one and written all together.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path

import crc32c
import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage import chunk_codec
from imfuse_tiles.storage.chunk_checksums import ArrayId, is_recorded
from imfuse_tiles.storage.files import Bytes, FilePart, Files
from imfuse_tiles.storage.open_files import files_of
from imfuse_tiles.storage.shards import CRC_BYTES, ShardGrid

Box = Sequence[tuple[int, int]]
Index = tuple[int, ...]
ChunkCache = dict[Index, np.ndarray]
#: Chunks that wait for the others of their file: their bytes and checksums.
Pending = dict[Index, tuple[Bytes, int]]


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
    have it; empty when they have none. ``compressed``: chunks are as short as they get. ``per_file``: how many chunks
    lie in a file, down and across; of compressed ones one.
    """

    root: str
    path: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str
    key: str = ""
    layout: str = ""
    compressed: bool = False
    per_file: tuple[int, int] = (1, 1)

    @property
    def files(self) -> Files:
        return files_of(self.root)

    @cached_property
    def _id(self) -> ArrayId:
        return ArrayId(self.root, self.key, self.path, self.layout, self.grid.chunks)

    @cached_property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk with its checksum; of a compressed one that is not compressed."""
        return prod(self.chunks) * np.dtype(self.dtype).itemsize + CRC_BYTES

    @cached_property
    def grid(self) -> ShardGrid:
        """Where chunks lie in files."""
        chunks = tuple(-(-size // chunk) for size, chunk in zip(self.shape, self.chunks, strict=True))
        return ShardGrid(chunks, self.per_file, self.chunk_bytes)

    def chunk_name(self, index: Sequence[int]) -> str:
        """The name of a chunk's file in the store."""
        return self._file_name(self.grid.file_of(index))

    def _file_name(self, file: Index) -> str:
        return "/".join([self.path, "c", *map(str, file)])

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
        inside, outside = zip(*map(_shared_slices, box, self.chunks), strict=True)
        for index, chunk in self._read_chunks(list(self.chunk_indices(box)), cache):
            out[_at(outside, index)] = chunk[_at(inside, index)]
        return out

    def _read_chunks(self, indices: list[Index], cache: ChunkCache | None) -> Iterator[tuple[Index, np.ndarray]]:
        """Chunks one after the other; without ``cache``, one may be overwritten when the next is asked for."""
        if cache is None:
            yield from ((index, self.decode_chunk(index, raw)) for index, raw in self.raw_chunks(indices))
            return
        leads, top = {index[:-2] for index in indices}, indices[0][-2]
        for gone in [index for index in cache if index[-2] < top or index[:-2] not in leads]:
            del cache[gone]
        for index, raw in self.raw_chunks([index for index in indices if index not in cache], fresh=True):
            cache[index] = self.decode_chunk(index, raw)
        yield from ((index, cache[index]) for index in indices)

    def raw_chunks(self, indices: Sequence[Index], fresh: bool = False) -> Iterator[tuple[Index, Bytes | None]]:
        """The bytes of chunks, those of a file together; None of one that is missing. ``fresh``: they stay."""
        if self.compressed:  # nobody knows how many they are
            files = [FilePart(self.chunk_name(index)) for index in indices]
            yield from zip(indices, self.files.read_parts(files), strict=True)
            return
        together, parts = [], []
        for file, size, chunks in self.grid.in_files(indices):
            name = self._file_name(file)
            for index, start in chunks:
                together.append(index)
                parts.append(FilePart(name, start, self.chunk_bytes, size))
        yield from zip(together, self.files.read_parts(parts, fresh), strict=True)

    def decode_chunk(self, index: tuple[int, ...], raw: Bytes | None) -> np.ndarray:
        """One whole chunk from the bytes of its file."""
        if raw is None:
            raise Damaged(self.path, index, "missing")
        if len(raw) <= CRC_BYTES if self.compressed else len(raw) != self.chunk_bytes:
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

    def is_whole(self, size: int, index: Sequence[int]) -> bool:
        """Whether the file of a chunk has all its bytes if it has so many; of a compressed one any that may be."""
        return size > CRC_BYTES if self.compressed else size == self.grid.file_bytes(index)

    def write(self, box: Box, samples: np.ndarray, pending: Pending | None = None) -> dict[Index, int]:
        """Write the chunks of a box that begins and ends on borders of files or at the array's end; their checksums.

        ``pending``: then chunk borders will do, and chunks whose file is not complete wait there for the others.
        Refusal of any other box: part of a chunk is only written by one who takes the array for another.
        """
        units = self._file_shape if pending is None else self.chunks
        for (start, stop), chunk, size in zip(box, units, self.shape, strict=True):
            if start % chunk or (stop % chunk and stop != size) or not 0 <= start < stop <= size:
                raise Refusal(f"{self.path} is not written: {list(box)} are no whole chunks of {self.chunks}")
        pending, checksums = {} if pending is None else pending, {}
        for index in self.chunk_indices(box):
            inside, outside = [], []
            for (a, b), c, size in zip(box, index, self.chunks, strict=True):
                start, stop = max(a, c * size), min(b, (c + 1) * size)
                inside.append(slice(start - a, stop - a))
                outside.append(slice(0, stop - start))
            encoded = self._encode(samples[tuple(inside)], tuple(outside))
            pending[index], checksums[index] = encoded, encoded[1]
            self._write_file(self.grid.file_of(index), pending)
        return checksums

    @property
    def _file_shape(self) -> tuple[int, ...]:
        """Samples of a file in every dimension."""
        return (*self.chunks[:-2], *(a * b for a, b in zip(self.chunks[-2:], self.per_file, strict=True)))

    def _write_file(self, file: Index, pending: Pending) -> None:
        """Write a file if all its chunks are there, which then wait no longer."""
        chunks = self.grid.chunks_of(file)
        if all(index in pending for index in chunks):
            encoded = [pending.pop(index) for index in chunks]
            parts = itertools.chain.from_iterable((raw, crc.to_bytes(CRC_BYTES, "little")) for raw, crc in encoded)
            self.files.write(self.chunk_name(chunks[0]), *parts, self.grid.tail(file))

    def _encode(self, samples: np.ndarray, place: tuple[slice, ...]) -> tuple[Bytes, int]:
        """The bytes of a chunk, filled with zeros beyond the array's end, and their crc32c."""
        if samples.shape == self.chunks and samples.flags.c_contiguous and samples.dtype == self.dtype:
            # What waits for the rest of its file must not change meanwhile.
            chunk = samples if self.per_file == (1, 1) else samples.copy()
        else:
            chunk = np.empty(self.chunks, self.dtype)
            if samples.shape != self.chunks:
                chunk.fill(0)
            chunk[place] = samples
        raw = memoryview(chunk_codec.encode(chunk) if self.compressed else chunk).cast("B").toreadonly()
        return raw, crc32c.crc32c(raw)

    def chunk_size(self, index: Sequence[int]) -> int:
        """Bytes of the file of a chunk, 0 when there is none."""
        return self.files.size(self.chunk_name(index))


Slices = dict[int, slice]


def _shared_slices(span: tuple[int, int], size: int) -> tuple[Slices, Slices]:
    """What chunks share with a box in one dimension, by their indices: where it lies in the chunk, and in the box."""
    start, stop = span
    shared = {c: (max(start, c * size), min(stop, (c + 1) * size)) for c in range(start // size, -(-stop // size))}
    inside = {c: slice(a - c * size, b - c * size) for c, (a, b) in shared.items()}
    return inside, {c: slice(a - start, b - start) for c, (a, b) in shared.items()}


def _at(slices: Sequence[Slices], index: Index) -> tuple[slice, ...]:
    """The slices of a chunk, one for each dimension."""
    return tuple([along[place] for along, place in zip(slices, index, strict=True)])
