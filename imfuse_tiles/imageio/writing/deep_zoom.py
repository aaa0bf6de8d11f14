"""Deep zoom: a small XML file and beside it a folder of tiles, JPEG or where there is opacity PNG, for web pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imfuse_tiles.imageio.writing.encode import in_order
from imfuse_tiles.imageio.writing.jpeg import with_profile
from imfuse_tiles.imageio.writing.picture import Picture
from imfuse_tiles.imageio.writing.pyramid import Pyramid, ReadRegion, TileIndex, levels_to, pyramid_tiles
from imfuse_tiles.imageio.writing.target import write_whole

EDGE = 512
_QUALITY = 90
_XML = """<?xml version="1.0" encoding="UTF-8"?>
<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="{ending}" Overlap="0" TileSize="{edge}">
  <Size Width="{width}" Height="{height}"/>
</Image>
"""


def pyramid_of(picture: Picture) -> Pyramid:
    """The levels and tiles of a picture: down to a single pixel, as the format wants it."""
    frame = picture.height, picture.width
    return Pyramid(frame, picture.planes, picture.dtype, EDGE, levels_to(frame, 1))


def ending_of_tiles(picture: Picture) -> str:
    """What the tiles are: JPEG, which holds no opacity, or PNG."""
    return "png" if picture.alpha else "jpg"


def descriptor(picture: Picture) -> bytes:
    """The content of the .dzi file."""
    facts = {"ending": ending_of_tiles(picture), "edge": EDGE, "width": picture.width, "height": picture.height}
    return _XML.format(**facts).encode()


def write_tiles(folder: Path, picture: Picture, read: ReadRegion, workers: int = 2) -> None:
    """Write the tiles of an 8-bit picture into a folder, which may hold a part of them already.

    What is there is not packed again. It is read again, as tiles in JPEG are not quite the samples they were made of.
    """
    pyramid, ending = pyramid_of(picture), ending_of_tiles(picture)

    def place(tile: TileIndex) -> Path:
        return folder / str(pyramid.levels - 1 - tile.level) / f"{tile.column}_{tile.row}.{ending}"

    def pack(numbered: tuple[TileIndex, np.ndarray]) -> tuple[Path, bytes]:
        where = place(numbered[0])
        return where, b"" if where.is_file() and where.stat().st_size else packed_tile(picture, numbered[1])

    for where, data in in_order(pack, pyramid_tiles(pyramid, read), workers):
        if data:
            write_whole(where, data)


def packed_tile(picture: Picture, samples: np.ndarray) -> bytes:
    """A tile (planes, y, x) of uint8 as a file."""
    import imagecodecs

    pixels = np.moveaxis(samples, 0, -1).copy()  # what is contiguous already may have strides of no use
    if picture.alpha:
        return bytes(imagecodecs.png_encode(pixels, level=4))
    return with_profile(as_jpeg(pixels), picture)


def as_jpeg(pixels: np.ndarray) -> bytes:
    """Pixels (y, x, 1 or 3) of uint8 as a JPEG file, for looking at them."""
    import imagecodecs

    grey = pixels.shape[2] == 1
    plain = pixels[..., 0] if grey else pixels
    return bytes(imagecodecs.jpeg8_encode(plain, level=_QUALITY, subsampling=None if grey else "420"))
