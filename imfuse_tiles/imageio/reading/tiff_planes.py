"""Planes that lie one after the other behind a single TIFF directory, and what metadata say of several.

ImageJ writes stacks beyond 4 GB that way, tifffile series that are truncated, MetaMorph all its stacks.
"""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from imfuse_tiles.imageio.reading.header import FileFacts, refuse
from imfuse_tiles.imageio.reading.tiff_layout import Layout

if TYPE_CHECKING:
    from tifffile import TiffPage

_IMAGEJ = re.compile(r"^(images|channels|slices|frames)=(\d{1,9})\s*$", re.MULTILINE)
_METAMORPH = 33629  # UIC2Tag: its count is that of the planes
_DESCRIPTION = 270


def planes_behind(facts: FileFacts, page: TiffPage, layout: Layout) -> int:
    """How many planes lie behind the directory of a file's only page; 1 for an ordinary picture.

    Raises Refusal when some of the planes that its metadata tell of are missing, when they are compressed, and
    when as many bytes as further planes would take lie behind the picture without a word on them.
    """
    told = _told_planes(page)
    if not _is_contiguous(page, layout):
        if told > 1 and _METAMORPH in page.tags:
            raise refuse(facts.path, f"holds {told} planes behind one directory in a form that is not read; "
                                     "save it as a TIFF of one page for each")  # fmt: skip
        return 1
    stored = (facts.size - int(page.dataoffsets[0])) // layout.image_bytes
    if told > 1 and stored > 1:
        if stored < told:
            raise refuse(facts.path, f"is truncated: it tells of {told} planes and holds {stored}")
        return told
    rest = facts.size - int(page.dataoffsets[0]) - layout.image_bytes
    if stored > 1 and rest % layout.image_bytes == 0:
        raise refuse(facts.path, f"holds the bytes of {stored} planes behind one directory that tells of one; "
                                 "--pages=1 takes the first")  # fmt: skip
    return 1


def _told_planes(page: TiffPage) -> int:
    """How many planes the metadata of a page tell of."""
    numbers = imagej_numbers(page)
    several = math.prod(numbers.get(name, 1) for name in ("channels", "slices", "frames"))
    counts = [numbers.get("images", 1), several, _shaped(page)]
    if _METAMORPH in page.tags:
        counts.append(int(page.tags[_METAMORPH].count))
    return max(counts)


def imagej_numbers(page: TiffPage) -> dict[str, int]:
    """What ImageJ notes of images, channels, slices and frames; empty for files of others."""
    text = description_of(page)
    return {name: int(number) for name, number in _IMAGEJ.findall(text)} if text.startswith("ImageJ=") else {}


def _shaped(page: TiffPage) -> int:
    """How many pictures tifffile's own note on the shape of a series tells of."""
    text = description_of(page)
    if text.startswith('{"shape":') and len(text) < 1 << 16:
        with suppress(ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return max(1, math.prod(map(int, json.loads(text)["shape"])) // math.prod(page.shape))
    return 1


def description_of(page: TiffPage) -> str:
    """The description of a page, empty where it is no text."""
    text = page.tags.valueof(_DESCRIPTION)
    return text if isinstance(text, str) else ""


def _is_contiguous(page: TiffPage, layout: Layout) -> bool:
    """Whether the strips of an uncompressed page lie one behind the other."""
    starts = list(map(int, page.dataoffsets))
    if not layout.plain or not starts or layout.image_bytes < 1 or not layout.fits_list(len(starts)):
        return False
    sizes = layout.plain_sizes().tolist()
    return all(start + size == after for start, size, after in zip(starts, sizes, starts[1:], strict=False))
