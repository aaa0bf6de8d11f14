"""Reduced pictures in a TIFF file: levels of a pyramid, below a page or beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from imfuse_tiles.imageio.reading.header import FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.tiff_header import page_header
from imfuse_tiles.imageio.reading.tiff_pages import Numbered, subpages

if TYPE_CHECKING:
    from tifffile import TiffPage


def level_header(facts: FileFacts, number: int, page: TiffPage, level: int) -> Header:
    """Header of a level below a page of the main chain; 0 is the page. Refusal where it has none."""
    if not level:
        return page_header(facts, number, page)
    levels = subpages(page)
    if level > len(levels):
        raise refuse(facts.path, f"has no level {level}; --input-level may be 0 to {len(levels)}")
    return replace(page_header(facts, number, levels[level - 1]), subpage=level, level=level)


def pages_of_level(facts: FileFacts, pages: Sequence[Numbered], full: Sequence[Numbered], level: int) -> list[Header]:
    """Headers of a level: below the full pages, or as many smaller pages beside them, largest first."""
    if subpages(full[0][1]):
        headers = [level_header(facts, number, page, level) for number, page in full]
    else:
        sizes: dict[int, list[Numbered]] = {}
        for number, page in pages:
            sizes.setdefault(int(page.imagewidth) * int(page.imagelength), []).append((number, page))
        levels = [sizes[size] for size in sorted(sizes, reverse=True) if len(sizes[size]) == len(full)]
        if level >= len(levels):
            raise refuse(facts.path, f"has no level {level}; --input-level may be 0 to {len(levels) - 1}")
        headers = [page_header(facts, number, page) for number, page in levels[level]]
    return [replace(header, part=f"page {header.page + 1} level {level}", level=level) for header in headers]
