"""A picture to be written: its geometry and what is said about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.physical_size import PhysicalSize

DESCRIPTION, PAGE_NAME, SOFTWARE = 270, 285, 305  # the numbers of these tags in TIFF and EXIF


@dataclass(frozen=True)
class Picture:
    """Interleaved planes: grey (1), grey and alpha (2), RGB (3) or RGB and alpha (4).

    Alpha is not premultiplied. The texts go into the tags of the same names and are left out when empty; ``name``
    is that of a page among several. ``tags`` are copied from another file; texts replace their like. ``size``: of a
    pixel.
    """

    height: int
    width: int
    planes: int
    dtype: Literal["uint8", "uint16", "float32"]
    description: str = ""
    software: str = ""
    name: str = ""
    tags: Tags = Tags()
    size: PhysicalSize = PhysicalSize()

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1 or self.planes not in (1, 2, 3, 4):
            raise ValueError(f"a picture of {self.height} x {self.width} x {self.planes}")

    @property
    def alpha(self) -> bool:
        return self.planes in (2, 4)

    @property
    def profile(self) -> bytes:
        """The colour profile, if the copied one fits the planes."""
        return self.tags.profile_for(self.planes)

    @property
    def row_bytes(self) -> int:
        return self.width * self.planes * np.dtype(self.dtype).itemsize

    @property
    def texts(self) -> dict[int, str]:
        """Tag number -> text, without the empty ones."""
        texts = {DESCRIPTION: self.description, PAGE_NAME: self.name, SOFTWARE: self.software}
        return {tag: text.replace("\0", " ") for tag, text in texts.items() if text}


def strips(picture: Picture, bands: Iterable[np.ndarray], rows: int) -> Iterator[np.ndarray]:
    """The rows of `bands`, however they are cut, again in strips of `rows` (the last may be lower).

    Every strip is a new array. Raises ValueError unless the bands make up exactly the picture.
    """
    top, strip, filled = 0, _empty_strip(picture, 0, rows), 0
    for band in bands:
        _check_band(picture, band)
        used = 0
        while used < len(band):
            if top + filled == picture.height:
                raise ValueError(f"more rows than the picture's {picture.height}")
            count = min(len(band) - used, len(strip) - filled)
            strip[filled : filled + count] = band[used : used + count]
            used, filled = used + count, filled + count
            if filled == len(strip):
                yield strip
                top += filled
                strip, filled = _empty_strip(picture, top, rows), 0
    if top != picture.height:
        raise ValueError(f"{top + filled} rows for a picture of {picture.height}")


def _empty_strip(picture: Picture, top: int, rows: int) -> np.ndarray:
    return np.empty((min(rows, picture.height - top), picture.width, picture.planes), picture.dtype)


def _check_band(picture: Picture, band: np.ndarray) -> None:
    expected = (picture.width, picture.planes)
    if band.ndim != 3 or band.shape[1:] != expected or band.dtype != picture.dtype:
        raise ValueError(f"a band of {band.shape} {band.dtype} for rows of {expected} {picture.dtype}")
