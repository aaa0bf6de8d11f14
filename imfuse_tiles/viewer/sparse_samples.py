"""Every n-th sample of an array, read without the others: for a first look, and while it is being written."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.reading import Header
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.ingest import BAND, IngestJob
from imfuse_tiles.storage.chunked_array import Box, ChunkedArray, Damaged
from imfuse_tiles.storage.store import Store

#: Of so many rows only one is looked at where it is read alone.
MANY = 16


def sparse_samples(array: ChunkedArray, lead: Sequence[tuple[int, int]], region: Region, step: int) -> np.ndarray:
    """Samples (lead..., y, x) at rows and columns that are multiples of ``step``; 0 where no chunk is written yet.

    ``region`` begins on such a row and column. Checksums are not always compared: this is not what a result is made of.
    """
    rows, columns = -(-(region.y1 - region.y0) // step), -(-(region.x1 - region.x0) // step)
    out = np.zeros([*(b - a for a, b in lead), rows, columns], array.dtype)
    box: Box = [*lead, (region.y0, region.y1), (region.x0, region.x1)]
    steps = [*(1 for _ in lead), step, step]
    for index in array.chunk_indices(box):
        chunk = None
        inside, outside = [], []
        for (a, b), c, size, step_ in zip(box, index, array.chunks, steps, strict=True):
            start = max(a, -(-c * size // step_) * step_)
            stop = min(b, (c + 1) * size)
            inside.append(slice(start - c * size, stop - c * size, step_))
            outside.append(slice((start - a) // step_, -(-(stop - a) // step_)))
        if all(part.start < part.stop for part in inside):
            chunk = map_chunk(array, index)
        if chunk is not None:
            out[tuple(outside)] = chunk[tuple(inside)]
    return out


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
    if "://" in array.root or array.compressed:
        raw = next(iter(array.files.read_many([array.chunk_name(index)])))
        try:
            return array.decode_chunk(index, raw)
        except Damaged:
            return None
    from imfuse_tiles.storage.inside import open_to_read

    try:
        with os.fdopen(open_to_read(str(array.chunk_file(index))), "rb") as file:
            if os.fstat(file.fileno()).st_size != array.chunk_bytes:
                return None
            return np.memmap(file, array.dtype, "r", shape=array.chunks)
    except FileNotFoundError:
        return None
