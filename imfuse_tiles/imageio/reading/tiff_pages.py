"""The one page of a TIFF file that is the frame."""

from __future__ import annotations

import logging
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse_tiles.imageio.reading.header import FileFacts, refuse

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_MOST_PAGES_PARSED = 64
_REDUCED, _MASK = 0b001, 0b100  # bits of the tag NewSubfileType


def open_tiff(path: Path) -> TiffFile:
    """The file, with tifffile's special cases for vendors' formats off: some follow pointers of their own."""
    import tifffile

    # tifffile reports damage to its log; ours is the exception that names the file.
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    return tifffile.TiffFile(path, is_lsm=False, is_ndpi=False, is_scanimage=False)


def full_page(facts: FileFacts, tif: TiffFile) -> tuple[int, TiffPage]:
    """The full-resolution page and its number; thumbnails, pyramids and masks beside it are ignored.

    Pages are taken as they are in the file: a "series" would follow file names in OME metadata.
    """
    count = _count_pages(facts, tif)
    if count > _MOST_PAGES_PARSED:
        raise refuse(facts.path, f"has {count} pages; a frame must be a single image")
    pages: list[tuple[int, Any]] = [(number, tif.pages[number]) for number in range(count)]
    full = [(number, page) for number, page in pages if not page.subfiletype & (_REDUCED | _MASK)]
    if len(full) > 1:
        raise refuse(facts.path, f"has {len(full)} pages; a frame must be a single image")
    if not full:
        raise refuse(facts.path, "is a TIFF without a full-resolution image")
    return full[0]


def _count_pages(facts: FileFacts, tif: TiffFile) -> int:
    """Length of the chain of pages, walked here because a damaged chain may run in a circle."""
    tiff, file = tif.tiff, tif.filehandle
    file.seek(4 if tiff.version == 42 else 8)
    (offset,) = struct.unpack(tiff.offsetformat, file.read(tiff.offsetsize))
    seen: set[int] = set()
    while offset:
        if offset in seen:
            raise refuse(facts.path, "damaged TIFF: its pages run in a circle")
        if offset >= facts.size:
            raise refuse(facts.path, f"is truncated: a TIFF page lies beyond its end ({offset})")
        seen.add(offset)
        file.seek(offset)
        (tags,) = struct.unpack(tiff.tagnoformat, file.read(tiff.tagnosize))
        file.seek(offset + tiff.tagnosize + tags * tiff.tagsize)
        (offset,) = struct.unpack(tiff.offsetformat, file.read(tiff.offsetsize))
    return len(seen)
