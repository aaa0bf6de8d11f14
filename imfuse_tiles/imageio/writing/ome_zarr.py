"""OME-Zarr, version 0.5 (zarr 3) or 0.4 (zarr 2): a folder with the levels of a pyramid as arrays (c, y, x).

Chunks are packed by blosc with zstd, the bits of their samples shuffled: smaller than with bytes shuffled, in half the
time. They are written one file each under a temporary name, so that a file that is there is whole, and writing that was
stopped goes on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.imageio.writing.encode import in_order
from imfuse_tiles.imageio.writing.ome_zarr_metadata import EDGE, ZSTD_LEVEL, write_metadata
from imfuse_tiles.imageio.writing.picture import Picture
from imfuse_tiles.imageio.writing.pyramid import Pyramid, ReadRegion, TileIndex, levels_to, pyramid_tiles
from imfuse_tiles.imageio.writing.target import write_whole

Packed = tuple[TileIndex, list[bytes | bytearray]]


def pyramid_of(picture: Picture) -> Pyramid:
    """The levels and tiles of a picture."""
    frame = picture.height, picture.width
    return Pyramid(frame, picture.planes, picture.dtype, EDGE, levels_to(frame, EDGE))


def write_ome_zarr(folder: Path, picture: Picture, read: ReadRegion, workers: int = 2, version: str = "0.5") -> None:
    """Write a picture into a folder, which may hold a part of it; ``read`` gives regions as (planes, y, x)."""
    pyramid = pyramid_of(picture)
    chunks = ChunkFiles(folder, pyramid, version)
    write_metadata(folder, picture, pyramid, version)
    tiles = pyramid_tiles(pyramid, read, chunks)
    for tile, packed in in_order(chunks.pack, tiles, workers):
        chunks.write(tile, packed)


class ChunkFiles:
    """The chunks of a pyramid as files: one for each plane of a tile."""

    def __init__(self, folder: Path, pyramid: Pyramid, version: str) -> None:
        self.folder, self.pyramid, self.version = folder, pyramid, version
        self.dtype = np.dtype(pyramid.dtype).newbyteorder("<")

    def places(self, tile: TileIndex) -> Iterator[Path]:
        """The files of a tile."""
        for plane in range(self.pyramid.planes):
            key = f"{plane}/{tile.row}/{tile.column}"
            yield self.folder / str(tile.level) / (f"c/{key}" if self.version == "0.5" else key)

    def has(self, tile: TileIndex) -> bool:
        """Whether all files of a tile are there, as a whole."""
        return all(map(_is_whole, self.places(tile)))

    def read(self, tile: TileIndex) -> np.ndarray:
        """The samples of a tile, (planes, y, x)."""
        import imagecodecs

        rows, columns = self.pyramid.region(tile).shape
        planes = [imagecodecs.blosc_decode(place.read_bytes()) for place in self.places(tile)]
        return np.stack([np.frombuffer(plane, self.dtype).reshape(EDGE, EDGE)[:rows, :columns] for plane in planes])

    def pack(self, numbered: tuple[TileIndex, np.ndarray]) -> Packed:
        """The chunks of a tile, whole ones: filled up with zeros at the picture's right and lower border."""
        import imagecodecs

        tile, samples = numbered
        whole = samples.astype(self.dtype, copy=False)
        if samples.shape[1:] != (EDGE, EDGE):
            whole = np.zeros((len(samples), EDGE, EDGE), self.dtype)
            whole[:, : samples.shape[1], : samples.shape[2]] = samples
        pack: Any = imagecodecs.blosc_encode
        how = imagecodecs.BLOSC.SHUFFLE.BITSHUFFLE
        # Of plain bytes the library would take each sample for two.
        return tile, [pack(plane, level=ZSTD_LEVEL, compressor="zstd", shuffle=how, numthreads=1)
                      for plane in map(np.ascontiguousarray, whole)]  # fmt: skip

    def write(self, tile: TileIndex, packed: list[bytes | bytearray]) -> None:
        """Write the chunks of a tile, each complete or not at all."""
        for place, data in zip(self.places(tile), packed, strict=True):
            write_whole(place, data)


def _is_whole(place: Path) -> bool:
    """Whether a chunk is there and as long as it says itself: a power cut may leave an empty file."""
    try:
        with place.open("rb") as file:
            head = file.read(16)
            return len(head) == 16 and int.from_bytes(head[12:16], "little") == os.fstat(file.fileno()).st_size
    except OSError:
        return False
