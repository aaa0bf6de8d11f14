"""Files that hold several chunks: shards of zarr v3, for which file systems have to keep fewer names.

The chunks of a shard that lie in the array follow each other row by row, each with its checksum behind it; at the end
stands an index of 16 bytes for each chunk, its place and length (all ones for a chunk beyond the array's end), and the
crc32c of the index. Chunks are not compressed, so that where each lies is known without reading the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import prod
from typing import NamedTuple

import crc32c
import numpy as np

Index = tuple[int, ...]
#: Bytes of the index for each chunk of a shard, and of its checksum.
ENTRY, CRC_BYTES = 16, 4
#: What the index has of a chunk that is not there.
MISSING = 2**64 - 1


class ShardGrid(NamedTuple):
    """How chunks lie in files.

    ``chunks``: of the array, in every dimension; ``per_file``: of a file, down and across; ``chunk_bytes``: with the
    checksum.
    """

    chunks: tuple[int, ...]
    per_file: tuple[int, int]
    chunk_bytes: int

    def file_of(self, index: Sequence[int]) -> Index:
        """The file of a chunk, as zarr names it."""
        return (*index[:-2], index[-2] // self.per_file[0], index[-1] // self.per_file[1])

    def chunks_of(self, file: Index) -> list[Index]:
        """The chunks of a file in their order."""
        ranges = [
            range(place * count, min((place + 1) * count, size))
            for place, count, size in zip(file[-2:], self.per_file, self.chunks[-2:], strict=True)
        ]
        return [(*file[:-2], *place) for place in product(*ranges)]

    def _size(self, file: Index) -> tuple[int, int]:
        """Rows and columns of chunks in a file."""
        down, across = (
            min(count, size - place * count)
            for place, count, size in zip(file[-2:], self.per_file, self.chunks[-2:], strict=True)
        )
        return down, across

    def offset(self, index: Sequence[int]) -> int:
        """Where a chunk begins in its file."""
        return self._start(index, self._size(self.file_of(index))[1])

    def _start(self, index: Sequence[int], across: int) -> int:
        """Where a chunk begins in a file of so many columns of chunks."""
        row, column = index[-2] % self.per_file[0], index[-1] % self.per_file[1]
        return (row * across + column) * self.chunk_bytes

    def file_bytes(self, index: Sequence[int]) -> int:
        """Bytes of the file of a chunk."""
        return self._bytes(self._size(self.file_of(index)))

    def _bytes(self, size: tuple[int, int]) -> int:
        """Bytes of a file of so many rows and columns of chunks."""
        return prod(size) * self.chunk_bytes + self.tail_bytes

    @property
    def tail_bytes(self) -> int:
        """Bytes behind the chunks of a file: none where each is a file of its own."""
        return 0 if self.per_file == (1, 1) else ENTRY * prod(self.per_file) + CRC_BYTES

    def in_files(self, indices: Iterable[Index]) -> Iterator[tuple[Index, int, list[tuple[Index, int]]]]:
        """Files of chunks in their order, each with its bytes and those of its chunks that are asked for: where they
        begin.

        Asked for every window that is read, so what is the same for all chunks of a file is reckoned once.
        """
        found: dict[Index, list[Index]] = {}
        for index in indices:
            found.setdefault(self.file_of(index), []).append(index)
        for file, chunks in sorted(found.items()):
            size = self._size(file)
            yield file, self._bytes(size), [(index, self._start(index, size[1])) for index in chunks]

    def tail(self, file: Index) -> bytes:
        """What stands behind the chunks of a file."""
        if self.per_file == (1, 1):
            return b""
        down, across = self._size(file)
        entries = np.full((*self.per_file, 2), MISSING, "<u8")
        entries[:down, :across, 0] = self.chunk_bytes * np.arange(down * across).reshape(down, across)
        entries[:down, :across, 1] = self.chunk_bytes
        raw = entries.tobytes()
        return raw + crc32c.crc32c(raw).to_bytes(CRC_BYTES, "little")

    def file_sizes(self) -> list[tuple[int, int]]:
        """How many files there are of how many bytes."""
        lead, sides = prod(self.chunks[:-2]), []
        for count, size in zip(self.per_file, self.chunks[-2:], strict=True):
            sides.append([(size // count, count), (1 if size % count else 0, size % count)])
        return [
            (lead * files_down * files_across, self._bytes((down, across)))
            for files_down, down in sides[0]
            for files_across, across in sides[1]
            if files_down * files_across
        ]


def sharding_metadata(chunks: Sequence[int], codecs: Sequence[object]) -> dict[str, object]:
    """The codec of an array whose files hold several chunks, as zarr v3 has it."""
    index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
    configuration = {"chunk_shape": list(chunks), "codecs": list(codecs), "index_codecs": index,
                     "index_location": "end"}  # fmt: skip
    return {"name": "sharding_indexed", "configuration": configuration}
