"""What a TIFF file tells of its pictures: series, times, channels and slices, as OME, ImageJ and tifffile note them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading.file_facts import file_facts
from imfuse_tiles.imageio.reading.header import FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.ome_xml import OmeImage, read_ome
from imfuse_tiles.imageio.reading.series import Index, Series
from imfuse_tiles.imageio.reading.tiff_levels import level_header
from imfuse_tiles.imageio.reading.tiff_pages import Numbered, all_pages, open_tiff
from imfuse_tiles.imageio.reading.tiff_planes import description_of, imagej_numbers

#: A picture: its file, its page from 0, and which plane behind that page.
Place = tuple[Path, int, int]
_MOST_NOTE = 1 << 16


@frozen
class TiffSeries:
    """A series and where its pictures lie, in the order of its axes."""

    series: Series
    places: tuple[Place, ...]

    def place(self, index: Index) -> Place:
        """The place of one picture."""
        flat = 0
        for number, size in zip(index, self.series.shape, strict=True):
            flat = flat * size + number
        return self.places[flat]


def told_series(
    facts: FileFacts, pages: Sequence[Numbered], full: Sequence[Numbered], planes: int
) -> list[TiffSeries]:  # fmt: skip
    """The series that a file tells of, none where it tells nothing or what cannot be."""
    text = description_of(pages[0][1])
    with suppress(ValueError, KeyError):
        if "<OME" in text[:2000]:
            images = read_ome(text, len(pages))
            _check_pages(images, facts, len(pages))
            return [TiffSeries(image.series, _places(facts, image)) for image in images]
    places = [(facts.path, 0, plane) for plane in range(planes)]
    if planes == 1:
        places = [(facts.path, number, 0) for number, _ in full]
    told = _imagej_series(full[0], text) or _shaped_series(text)
    if told and math.prod(told.shape) == len(places) > 1:
        return [TiffSeries(told, tuple(places))]
    return []


def is_one_ome(paths: Sequence[Path]) -> bool:
    """Whether several files are parts of one OME-TIFF, by what the first one tells."""
    with suppress(Exception):  # whatever is wrong with it is told when it is read
        facts = file_facts(paths[0])
        if not paths[0].name.lower().endswith((".tif", ".tiff", ".btf", ".tf8", ".tf2")):
            return False
        with open_tiff(paths[0]) as tif:
            text = description_of(tif.pages[0])
            if "<OME" not in text[:2000] or "FileName" not in text:
                return False
            names = {
                plane[0] or facts.path.name
                for image in read_ome(text, len(tif.pages))
                for plane in image.planes
                if plane
            }
        return len(names) > 1 and all(path.name in names and path.parent == paths[0].parent for path in paths)
    return False


def _check_pages(images: Sequence[OmeImage], facts: FileFacts, pages: int) -> None:
    """ValueError where pages of the file itself are not there, as in files cut after their XML was written."""
    for image in images:
        for plane in image.planes:
            if plane is None or (plane[0] in ("", facts.path.name) and plane[1] >= pages):
                raise ValueError("OME metadata: pages that are not there")


def _places(facts: FileFacts, image: OmeImage) -> tuple[Place, ...]:
    """Where the pictures of an image lie. Refusal for files that are not there."""
    folder, places = facts.path.parent, []
    names = {plane[0] for plane in image.planes if plane}
    missing = sorted(name for name in names if name and name != facts.path.name and not (folder / name).is_file())
    if missing:
        more = f" and {len(missing) - 1} more files, which are" if len(missing) > 1 else ", which is"
        raise refuse(facts.path, f"has pictures in {missing[0]!r}{more} not there; --pages=all takes those it holds")
    for plane in image.planes:
        assert plane is not None
        path = folder / plane[0] if plane[0] not in ("", facts.path.name) else facts.path
        places.append((path, plane[1], 0))
    return tuple(places)


def _imagej_series(page: Numbered, text: str) -> Series | None:
    """The axes of an ImageJ hyperstack. ImageJ counts channels first, then slices, then times."""
    numbers = imagej_numbers(page[1])
    if not numbers:
        return None
    channels = numbers.get("channels", 1)
    colours = int(page[1].samplesperpixel)
    shape = (numbers.get("frames", 1), numbers.get("slices", 1), 1 if channels == colours > 1 else channels)
    if math.prod(shape) == 1:
        return Series("Z", (numbers.get("images", 1),))
    return Series("TZC", shape)


def _shaped_series(text: str) -> Series | None:
    """The axes that tifffile wrote down."""
    if not text.startswith('{"shape":') or len(text) > _MOST_NOTE:
        return None
    with suppress(ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        note = json.loads(text)
        axes, shape = note["axes"], tuple(int(size) for size in note["shape"])
        leading = axes.rstrip("S").removesuffix("YX")
        if len(axes) == len(shape) and len(set(leading)) == len(leading) and leading != axes:
            return Series(leading, shape[: len(leading)])
    return None


def place_headers(facts: FileFacts, places: Sequence[Place], parts: Sequence[str], level: int) -> list[Header]:
    """Headers of pictures in their order, each file opened once for what lies together in it."""
    headers: list[Header] = []
    named = zip(places, parts, strict=True)
    for path, group in groupby(named, key=lambda pair: pair[0][0]):
        other = facts if path == facts.path else file_facts(path)
        with open_tiff(path) as tif:
            pages = all_pages(other, tif)
            for (_, number, plane), part in group:
                if number >= len(pages):
                    raise Refusal(f"{path}: has no page {number + 1}, as {facts.path.name} says it has")
                header = level_header(other, number, pages[number][1], level)
                headers.append(replace(header, plane=plane, part=part, ctime_ns=other.ctime_ns))
    return headers
