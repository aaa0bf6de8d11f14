"""OME-TIFF: tiles, the pyramid in sub-directories of the first page, and metadata as OME-XML.

The tiles of level 0 go into the file as they come; those of the smaller levels, which a TIFF file has behind it, are
packed into a file without name until then.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from imfuse_tiles.imageio.metadata import Tags, Value
from imfuse_tiles.imageio.writing import tiff, tiff_tags
from imfuse_tiles.imageio.writing.encode import in_order
from imfuse_tiles.imageio.writing.exif import ASCII
from imfuse_tiles.imageio.writing.ome_xml import ome_xml
from imfuse_tiles.imageio.writing.picture import DESCRIPTION, Picture
from imfuse_tiles.imageio.writing.pyramid import Pyramid, ReadRegion, TileIndex, levels_to, pyramid_tiles

#: Edge of a tile; the last level is at most so large.
TILE = 512
#: Edge for a picture that is no larger: libvips refuses tiles of more than twice the longer side, from 256 pixels on.
SMALL_TILE = 256
Encoded = tuple[TileIndex, bytes | bytearray]


def pyramid_of(picture: Picture, edge: int = TILE) -> Pyramid:
    """The levels and tiles of a picture."""
    frame = picture.height, picture.width
    return Pyramid(frame, picture.planes, picture.dtype, edge, levels_to(frame, edge))


def tile_edge(picture: Picture) -> int:
    """The edge of the tiles of a picture."""
    return SMALL_TILE if max(picture.height, picture.width) <= SMALL_TILE else TILE


def write_ome_tiff(
    file: BinaryIO, picture: Picture, read: ReadRegion, compression: str = "deflate", workers: int = 2,
    big: bool = False,
) -> None:  # fmt: skip
    """Write a picture with its pyramid; ``read`` gives regions as (planes, y, x) of its number type."""
    import tifffile

    pyramid = pyramid_of(picture, tile_edge(picture))
    big = big or tiff.largest_bytes(picture, compression) * 3 // 2 > tiff.CLASSIC_LIMIT
    packed = in_order(_encoder(compression, picture), pyramid_tiles(pyramid, read), workers)
    folder = Path(file.name).parent if isinstance(getattr(file, "name", None), str) else None
    with (
        tempfile.TemporaryFile(dir=folder) as smaller,
        tifffile.TiffWriter(file, bigtiff=big, byteorder="<", ome=False) as tif,
    ):
        levels = _Levels(smaller)
        _write_level(tif, picture, compression, pyramid.size(0), levels.keep_smaller(packed), pyramid.levels - 1)
        for level in range(1, pyramid.levels):
            _write_level(tif, picture, compression, pyramid.size(level), levels.read(level))
    tiff_tags.append_directories(file, picture.tags)


class _Levels:
    """Packed tiles of the levels above the first, in a file, until their turn comes."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.places: dict[int, list[tuple[int, int]]] = {}
        self.end = 0

    def keep_smaller(self, packed: Iterator[Encoded]) -> Iterator[bytes | bytearray]:
        """The tiles of level 0; the others are kept."""
        for tile, data in packed:
            if tile.level == 0:
                yield data
                continue
            self.file.write(data)
            self.places.setdefault(tile.level, []).append((self.end, len(data)))
            self.end += len(data)

    def read(self, level: int) -> Iterator[bytes]:
        """The tiles of a level."""
        for start, size in self.places[level]:
            self.file.seek(start)
            yield self.file.read(size)


def _write_level(
    tif: Any, picture: Picture, compression: str, frame: tuple[int, int],
    tiles: Iterator[bytes | bytearray], sublevels: int | None = None,
) -> None:  # fmt: skip
    """Write one level; ``sublevels``: how many follow the first, which alone is described."""
    described: dict[str, Any] = {"subfiletype": 1}
    if sublevels is not None:
        tags = {**tiff_tags.main_tags(picture), DESCRIPTION: xml_value(picture)}
        described = {
            "iccprofile": picture.profile or None,
            "subifds": sublevels,
            "extratags": [(tag, value.kind, value.count, value.data, True) for tag, value in sorted(tags.items())],
            **tiff.resolution_arguments(picture),
        }
    tif.write(
        chain(tiles),  # which the writer cannot close when it has its last tile
        shape=(*frame, picture.planes)[: 2 if picture.planes == 1 else 3],
        dtype=picture.dtype,
        photometric="rgb" if picture.planes > 2 else "minisblack",
        planarconfig="contig" if picture.planes > 1 else None,
        extrasamples=["unassalpha"] if picture.alpha else None,
        tile=(tile_edge(picture),) * 2,
        compression=tiff.COMPRESSIONS[compression],
        predictor=tiff.predictor(compression, picture),
        software=False,
        metadata=None,
        contiguous=False,
        **described,
    )
    next(tiles, None)  # the writer stops at the last tile; those of the smaller levels may follow it


def xml_value(picture: Picture) -> Value:
    """The description as a tag's value, plain ASCII: other characters stand as references, as XML allows."""
    data = ome_xml(replace(picture, tags=Tags(exif=picture.tags.exif))).encode("ascii", "xmlcharrefreplace") + b"\0"
    return Value(ASCII, len(data), data)


def _encoder(compression: str, picture: Picture) -> Any:
    """A function that packs a tile, filled up with zeros at the picture's right and lower border."""
    pack, edge = tiff.encoder(compression, picture), tile_edge(picture)

    def encode(numbered: tuple[TileIndex, np.ndarray]) -> Encoded:
        tile, samples = numbered
        whole = np.empty((edge, edge, picture.planes), picture.dtype)
        rows, columns = samples.shape[1:]
        if (rows, columns) != (edge, edge):
            whole.fill(0)
        for number, plane in enumerate(samples):  # plane by plane is three times as fast as all at once
            whole[:rows, :columns, number] = plane
        return tile, pack(whole)

    return encode
