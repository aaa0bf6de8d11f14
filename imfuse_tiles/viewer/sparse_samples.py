"""Every n-th sample of an array, read without the others: for a first look, and while it is being written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import FileIO

import numpy as np

from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.reading import Header
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.ingest import BAND, IngestJob
from imfuse_tiles.storage.chunked_array import Box, ChunkedArray, Damaged
from imfuse_tiles.storage.store import Store

#: Of so many rows only one is looked at where it is read alone; where most are left out besides.
MANY, FEW = 16, 8
#: Files that are read at once.
READERS = 8


def sparse_samples(
    array: ChunkedArray, lead: Sequence[tuple[int, int]], region: Region, step: int, most_rows: int = 0
) -> np.ndarray:
    """Samples (lead..., y, x) at rows and columns that are multiples of ``step``; 0 where no chunk is written yet.

    ``region`` begins on such a row and column. ``most_rows``: that many of a chunk's rows are read at most, each shown
    in the place of those below it; 0: all. Checksums are not always compared: this is not what a result is made of.
    """
    rows, columns = -(-(region.y1 - region.y0) // step), -(-(region.x1 - region.x0) // step)
    out = np.zeros([*(b - a for a, b in lead), rows, columns], array.dtype)
    alone = step >= (FEW if most_rows else MANY)
    box: Box = [*lead, (region.y0, region.y1), (region.x0, region.x1)]

    def copy(index: tuple[int, ...]) -> None:
        inside, outside = places(array, index, box, step)
        if not all(part.start < part.stop for part in inside):
            return
        if alone and has_plain_files(array) and hasattr(os, "preadv"):
            found = read_rows(array, index, inside, most_rows)
        else:
            chunk = map_chunk(array, index)
            found = None if chunk is None else chunk[tuple(inside)]
        if found is not None:
            out[tuple(outside)] = found

    list((readers().map if alone else map)(copy, array.chunk_indices(box)))
    return out


def places(array: ChunkedArray, index: tuple[int, ...], box: Box, step: int) -> tuple[list[slice], list[slice]]:
    """Where samples of a chunk lie inside it, and where they go; ``step`` holds for rows and columns."""
    inside, outside = [], []
    steps = [*(1 for _ in box[:-2]), step, step]
    for (a, b), c, size, step_ in zip(box, index, array.chunks, steps, strict=True):
        start = max(a, -(-c * size // step_) * step_)
        stop = min(b, (c + 1) * size)
        inside.append(slice(start - c * size, stop - c * size, step_))
        outside.append(slice((start - a) // step_, -(-(stop - a) // step_)))
    return inside, outside


@cache
def readers() -> ThreadPoolExecutor:
    """Threads that wait for the disk: it answers many at once in about the time of one."""
    return ThreadPoolExecutor(READERS, "sparse samples")


def has_plain_files(array: ChunkedArray) -> bool:
    """Whether samples lie in files of a folder as they are."""
    return not array.compressed and "://" not in array.root


def open_chunk(array: ChunkedArray, index: tuple[int, ...]) -> FileIO | None:
    """The file that a chunk lies in, of an array of plain files; None where it is not there in full length."""
    from imfuse_tiles.storage.inside import open_to_read

    try:
        file = FileIO(open_to_read(str(array.chunk_file(index))))
    except FileNotFoundError:
        return None
    if array.is_whole(os.fstat(file.fileno()).st_size, index):
        return file
    file.close()
    return None


def read_rows(
    array: ChunkedArray, index: tuple[int, ...], inside: Sequence[slice], most_rows: int
) -> np.ndarray | None:
    """Some rows of a chunk and every n-th sample of them, without what lies between; None where it is not whole."""
    if (file := open_chunk(array, index)) is None:
        return None
    *lead, (height, width) = (*array.chunks[:-2], array.chunks[-2:])
    wanted = np.arange(height)[inside[-2]]
    every = -(-len(wanted) // most_rows) if most_rows else 1
    firsts = np.arange(np.prod(lead, dtype=int)).reshape(lead)[tuple(inside[:-2])]
    rows = np.zeros((firsts.size, len(wanted[::every]), width), array.dtype)
    with file:
        for plane, first in enumerate(firsts.flat):
            for number, row in enumerate(wanted[::every]):
                place = (int(first) * height + int(row)) * width * rows.itemsize
                os.preadv(file.fileno(), [rows[plane, number]], array.grid.offset(index) + place)
    found = rows.repeat(every, axis=1)[:, : len(wanted), inside[-1]]
    return found.reshape(*firsts.shape, *found.shape[-2:])


def sparse_frame_samples(
    frames: Sequence[Header], store: Store, lead: Sequence[tuple[int, int]], region: Region, step: int
) -> np.ndarray:
    """The same of frames that are read in place: (planes, slices, y, x).

    Rows are read alone where that leaves out many of them and files are read by rows, else in bands of about ``BAND``.
    """
    job, access = IngestJob(tuple(frames), ""), Access(store)
    alone = step >= MANY and frames[0].format != "zarr"
    rows = 1 if alone else step * max(1, BAND // step)
    bands = (
        Region(y, min(y + rows, region.y1), region.x0, region.x1) for y in range(region.y0, region.y1, max(step, rows))
    )
    return np.concatenate([job.values(access, "", lead, band)[:, :, ::step, ::step] for band in bands], axis=2)


def map_chunk(array: ChunkedArray, index: tuple[int, ...]) -> np.ndarray | None:
    """One whole chunk, of a folder without reading it all; None when it is not there in full length."""
    if not has_plain_files(array):
        _, raw = next(iter(array.raw_chunks([index])))
        try:
            return array.decode_chunk(index, raw)
        except Damaged:
            return None
    if (file := open_chunk(array, index)) is None:
        return None
    with file:
        return np.memmap(file, array.dtype, "r", array.grid.offset(index), array.chunks)
