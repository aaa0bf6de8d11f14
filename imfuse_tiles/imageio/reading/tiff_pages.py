"""The pages of a TIFF file: which of them are frames, and which are beside them (thumbnails, levels, masks)."""

from __future__ import annotations

import logging
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse_tiles.imageio.reading.header import FileFacts, refuse
from imfuse_tiles.imageio.reading.raw import raw_refusal, refuse_raw_tiff

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_MOST_PAGES = 20_000
_MOST_SUBPAGES = 32
_REDUCED, _MASK = 0b001, 0b100  # bits of the tag NewSubfileType
Numbered = tuple[int, "TiffPage"]


def open_tiff(path: Path) -> TiffFile:
    """The file, with tifffile's special cases for vendors' formats off: some follow pointers of their own."""
    import tifffile

    # tifffile reports damage to its log; ours is the exception that names the file.
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    return tifffile.TiffFile(path, is_lsm=False, is_ndpi=False, is_scanimage=False)


def full_pages(facts: FileFacts, pages: Sequence[Numbered]) -> list[Numbered]:
    """The full-resolution ones of a file's pages; thumbnails, pyramid levels and masks beside them are left out.

    Pages are taken as they are in the file: a "series" would follow file names in OME metadata. Pages without the
    tag that makes them thumbnails are known by their size: the same picture, at most half as large. Raises Refusal
    for raw files and for a larger picture behind a small one.
    """
    below = [page for _, parent in pages for page in subpages(parent)]
    refuse_raw_tiff(facts, [*(page for _, page in pages), *below])
    full = [(number, page) for number, page in pages if not page.subfiletype & (_REDUCED | _MASK)]
    if not full:
        raise refuse(facts.path, "is a TIFF without a full-resolution image")
    largest = max((page for _, page in full), key=_area)
    for page in [*(page for _, page in pages), *below]:
        if _area(page) > _area(largest):
            larger, shown = _size(page), _size(largest)
            raise raw_refusal(facts.path, f"a picture of {larger} lies behind a preview of {shown}")
    return [(number, page) for number, page in full if not _is_reduced(page, largest)]


def all_pages(facts: FileFacts, tif: TiffFile) -> list[Numbered]:
    """Every page in the main chain of a file, with its number."""
    count = _count_pages(facts, tif)
    pages: list[tuple[int, Any]] = [(number, tif.pages[number]) for number in range(count)]
    return pages


def sizes_of(pages: Sequence[Numbered]) -> str:
    """The sizes of pages in words: "5 of 160 x 120 and 1 of 40 x 30"."""
    counts: dict[str, int] = {}
    for _, page in pages:
        counts[_size(page)] = counts.get(_size(page), 0) + 1
    parts = [f"{count} of {size}" for size, count in counts.items()]
    return " and ".join(filter(None, (", ".join(parts[:-1][:6]), parts[-1])))


def _size(page: TiffPage) -> str:
    return f"{int(page.imagewidth)} x {int(page.imagelength)}"


def _area(page: TiffPage) -> int:
    return int(page.imagewidth) * int(page.imagelength)


def _is_reduced(page: TiffPage, full: TiffPage) -> bool:
    """Whether a page may show the same picture as a larger one: at most half as wide and of the same shape."""
    across, down = int(full.imagewidth) / max(1, page.imagewidth), int(full.imagelength) / max(1, page.imagelength)
    rounding = max(1, min(page.imagewidth, page.imagelength) // 50)  # levels are cut to whole tiles at times
    expected = page.imagelength * down / max(across, 1)
    return min(across, down) >= 1.9 and abs(expected - page.imagelength) <= rounding


def subpages(page: TiffPage) -> list[Any]:
    """Pages in a tree below one: pyramid levels, or the real pictures of raw files."""
    pages = page.pages
    return [] if pages is None else [pages[number] for number in range(min(len(pages), _MOST_SUBPAGES))]


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
        if len(seen) == _MOST_PAGES:
            raise refuse(facts.path, f"has more than {_MOST_PAGES} pages")
        seen.add(offset)
        file.seek(offset)
        (tags,) = struct.unpack(tiff.tagnoformat, file.read(tiff.tagnosize))
        file.seek(offset + tiff.tagnosize + tags * tiff.tagsize)
        (offset,) = struct.unpack(tiff.offsetformat, file.read(tiff.offsetsize))
    return len(seen)
