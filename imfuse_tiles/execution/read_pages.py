"""Pages of pictures, read from a store in bands or tiles and written as files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.imageio.writing import Picture, format_of, write_layers, write_picture, write_tiled
from imfuse_tiles.kernels.eight_bits import eight_bits
from imfuse_tiles.planning.memory import export_rows
from imfuse_tiles.planning.result_pages import Page
from imfuse_tiles.stages.access import Access

#: Called again and again while something is written; it may raise to stop that.
Check = Callable[[], None]


@frozen
class Writing:
    """How files are written: ``memory`` in bytes for ``files`` at once, each by so many threads (``workers``)."""

    workers: int
    memory: int
    files: int = 1
    force: bool = False
    ome_version: str = "0.5"


def counted(page: Page, report: Callable[[int], None]) -> Page:
    """The page, of which every read tells how many pixels it had."""

    def read(access: Access, region: Region) -> np.ndarray:
        report(region.shape[0] * region.shape[1])
        return page.read(access, region)

    return replace(page, read=read)


def write_page(
    place: Path, page: Page, picture: Picture, access: Access, chunk: Frame, how: Writing, identity: str, check: Check,
    note: Callable[[Any], None] | None = None,
) -> None:  # fmt: skip
    """Write a page as a file of its own. ``chunk``: rows and columns of the chunks it is read from.

    ``identity``: names what is written, for going on with a folder. ``note`` as in complete_or_absent.
    """
    if format_of(place).tiled:
        read = read_regions(access, page, picture.dtype, check)
        write_tiled(place, picture, read, identity, force=how.force, workers=how.workers, version=how.ome_version,
                    note=note)  # fmt: skip
        return
    part = band_shape(picture, chunk, how)
    bands = read_bands(access, page, (picture.height, picture.width), picture.dtype, check, part)
    write_picture(place, picture, bands, force=how.force, workers=how.workers, memory=how.memory, note=note)


def write_page_layers(
    place: Path, pages: Sequence[tuple[Page, Picture]], access: Callable[[], Access], columns: int, how: Writing,
    check: Check, note: Callable[[Any], None] | None = None,
) -> None:  # fmt: skip
    """Write several pages as one file. ``access``: a new one for each; ``columns`` of the chunks they are read from."""
    part = band_shape(pages[0][1], (columns, columns), how)  # layers lie in chunks that are as high as wide
    bands = [
        (picture, read_bands(access(), page, (picture.height, picture.width), picture.dtype, check, part))
        for page, picture in pages
    ]
    write_layers(place, bands, force=how.force, workers=how.workers, note=note)


def band_shape(picture: Picture, chunk: Frame, how: Writing) -> Frame:
    """Rows of a band, and columns that are read at a time."""
    rows, columns = chunk
    return export_rows(picture.width, rows, how.memory, how.files), columns


def read_bands(
    access: Access, page: Page, frame: Frame, dtype: str, check: Check, part: Frame
) -> Iterator[np.ndarray]:  # fmt: skip
    """Bands (rows, width, planes) of a page, top to bottom, each in the place of the last; ``check`` may raise.

    ``part``: rows of a band, and columns that are read at a time: only the band itself is as wide as the frame.
    """
    (height, width), (rows, columns) = frame, part
    whole = np.empty((min(rows, height), width, page.planes), dtype)
    for y0 in range(0, height, rows):
        check()
        band = Region(y0, min(y0 + rows, height), 0, width)
        codes = whole[: band.y1 - y0]
        for x0 in range(0, width, columns):
            x1 = min(x0 + columns, width)
            samples = page.read(access, band._replace(x0=x0, x1=x1))
            for number, plane in enumerate(samples):  # plane by plane is three times as fast as all at once
                codes[:, x0:x1, number] = eight_bits(plane) if dtype == "uint8" else plane
        yield codes


def read_regions(access: Access, page: Page, dtype: str, check: Check) -> Callable[[Region], np.ndarray]:
    """The samples of regions of a page, (planes, y, x); ``check`` may raise."""

    def read(region: Region) -> np.ndarray:
        check()
        samples = page.read(access, region)
        return eight_bits(samples) if dtype == "uint8" else samples

    return read
