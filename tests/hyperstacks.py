"""A stack of times, channels and slices, as files that microscopes write, and its pixels as they are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import zarr

from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import read_rows
from imfuse_tiles.imageio.reading.series import Selection

#: Times, channels, slices, rows and columns.
STACK = np.random.default_rng(5).integers(0, 65535, (2, 3, 4, 40, 60), np.uint16)


def samples(*paths: Path, **how: str | int) -> np.ndarray:
    """The pixels of the frames that a selection leaves, (frames, planes, y, x)."""
    selection = Selection(**how)  # type: ignore[arg-type]
    headers = open_stack(list(paths), selection=selection, ignore_alpha=True).headers
    return np.stack([read_rows(header, 0, header.height) for header in headers])


def ome_zarr(path: Path, stack: np.ndarray, axes: str, version: int, colours: tuple[str, ...] = ("0",) * 3) -> Path:
    """An OME-Zarr of two levels, 0.4 or 0.5."""
    group = zarr.open_group(path, mode="w", zarr_format=version)  # type: ignore[arg-type]
    chunks = (*(1 for _ in stack.shape[:-2]), 16, 32)
    for level, step in enumerate((1, 2)):
        part = np.ascontiguousarray(stack[..., ::step, ::step])
        array = group.create_array(str(level), shape=part.shape, dtype=part.dtype, chunks=chunks)  # type: ignore[arg-type]
        array[...] = part
    channels = [{"label": name, "color": colour} for name, colour in zip(LABELS, colours, strict=True)]
    about = {"multiscales": [{"axes": [{"name": name} for name in axes], "datasets": [{"path": "0"}, {"path": "1"}]}],
             "omero": {"channels": channels}}  # fmt: skip
    group.attrs.update(about if version == 2 else {"ome": {"version": "0.5", **about}})
    return path


LABELS = ("DAPI", "GFP", "red")
