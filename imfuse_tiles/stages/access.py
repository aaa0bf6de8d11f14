"""A store as one block sees it: samples of regions are read, or computed where they are not stored, and written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.storage.chunked_array import ChunkCache, ChunkedArray, Pending
from imfuse_tiles.storage.store import Store

#: Edge of a chunk file: large enough to be read in one go, small enough that a halo costs few of them.
CHUNK = 512
#: Frames of so many pixels lie in chunks of twice that edge: shared file systems have quotas of files.
LARGE_FRAME = 1 << 28
#: Frames of fewer pixels make few files anyway. Files of others hold chunks of so many pixels a side together, those of
#: masks of large frames of so many.
SHARDED_FRAME, FILE_EDGE, LARGE_FILE_EDGE = 1 << 22, 1024, 2048


def file_edge(frame: Frame, masks: bool = True) -> int:
    """Pixels along the side of a file of frames or masks at most; 0: those of a chunk."""
    if frame[0] * frame[1] < SHARDED_FRAME:
        return 0
    return LARGE_FILE_EDGE if masks and chunk_factor(frame) > 1 else FILE_EDGE


def chunk_factor(frame: Frame) -> int:
    """How many times as wide as others the chunks of a stack's frames are, where memory allows."""
    return 2 if frame[0] * frame[1] >= LARGE_FRAME else 1


class RegionValues(Protocol):
    """What computes any region of an array that is not stored."""

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        """Samples of a region, as :meth:`Access.read` gives them."""
        ...

    def planes(self) -> float:
        """Float32 planes of a window that are in memory at once meanwhile."""
        ...


@dataclass
class Access:
    """A store as one block sees it: reads and writes samples of regions and counts the bytes."""

    store: Store
    #: The layout that the block belongs to, as arrays have it; empty: nothing is written.
    layout: str = ""
    arrays: dict[str, ChunkedArray] = field(default_factory=dict)
    bytes_read: int = 0
    bytes_written: int = 0
    #: Seconds that reading and writing chunks took, codecs and checksums included.
    seconds_reading: float = 0.0
    seconds_writing: float = 0.0
    #: Of both the seconds that this thread computed: less while others have the cores.
    seconds_storing: float = 0.0
    kept: dict[str, ChunkCache] = field(default_factory=dict)
    #: What computes arrays that are not stored, by their paths.
    computed: dict[str, RegionValues] = field(default_factory=dict)
    #: Checksums of the chunks that were written, by their array's path.
    checksums: dict[str, dict[tuple[int, ...], int]] = field(default_factory=dict)
    #: Chunks that wait for the others of their files, by their array's path; none when a block is complete.
    pending: dict[str, Pending] = field(default_factory=dict)

    def read(self, path: str, lead: Sequence[tuple[int, int]], region: Region, keep: bool = False,
             out: np.ndarray | None = None) -> np.ndarray:  # fmt: skip
        """Samples of a region; ``lead`` gives start and stop of the dimensions before y and x.

        ``keep``: regions are read row by row, and chunks that the next ones share stay in memory. ``out``: an array
        of the shape and number type that is filled instead of a new one. An array that is not stored is computed.
        """
        if path in self.computed:
            values = self.computed[path].values(self, path, lead, region)
            if out is None:
                return values
            out[:] = values
            return out
        box = [*lead, (region.y0, region.y1), (region.x0, region.x1)]
        start, computed = time.perf_counter(), time.thread_time()
        samples = self.array(path).read(box, self.kept.setdefault(path, {}) if keep else None, out)
        self.seconds_reading += time.perf_counter() - start
        self.seconds_storing += time.thread_time() - computed
        self.bytes_read += samples.nbytes
        return samples

    def write(self, path: str, lead: Sequence[tuple[int, int]], region: Region, samples: np.ndarray) -> None:
        """Write whole chunks of a region, a file with the last of its chunks; nothing where ``path`` is empty.

        Refusal when the array has another layout by now.
        """
        if not path:
            return
        box = [*lead, (region.y0, region.y1), (region.x0, region.x1)]
        array = self.array(path)
        if array.layout not in ("", self.layout):
            raise Refusal(f"another run has laid out {path} anew; this block of an earlier one is not written")
        start, computed = time.perf_counter(), time.thread_time()
        checksums = array.write(box, samples, self.pending.setdefault(path, {}))
        self.seconds_writing += time.perf_counter() - start
        self.seconds_storing += time.thread_time() - computed
        if array.compressed:
            self.bytes_written += sum(map(array.chunk_size, checksums))
        else:
            self.bytes_written += len(checksums) * array.chunk_bytes
        self.checksums.setdefault(path, {}).update(checksums)

    def chunk_edge(self, path: str) -> int:
        """Width of an array's chunks in pixels, a multiple of their height; the usual where ``path`` is empty."""
        if not path:
            return CHUNK
        array = self.array(path)
        rows, columns = array.chunks[-2:]
        if columns == array.shape[-1]:  # no second column, and perhaps cut at the frame's side
            columns = -(-columns // rows) * rows
        return columns

    def lead_length(self, path: str) -> int:
        """Length of an array's first dimension; 1 of one that is not stored."""
        return 1 if path in self.computed else self.array(path).shape[0]

    def array(self, path: str) -> ChunkedArray:
        """An array of the store, its metadata read once for each block."""
        if path not in self.arrays:
            self.arrays[path] = self.store.arrays.open(path)
        return self.arrays[path]
