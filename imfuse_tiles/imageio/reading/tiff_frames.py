"""Which pages or planes of a TIFF file are frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from imfuse_tiles.imageio.reading.header import FileFacts, Header, refuse
from imfuse_tiles.imageio.reading.page_choice import PageChoice
from imfuse_tiles.imageio.reading.series import Selection, choose_frames
from imfuse_tiles.imageio.reading.tiff_header import page_header
from imfuse_tiles.imageio.reading.tiff_layout import layout_of
from imfuse_tiles.imageio.reading.tiff_levels import pages_of_level
from imfuse_tiles.imageio.reading.tiff_pages import Numbered, all_pages, full_pages, open_tiff, sizes_of
from imfuse_tiles.imageio.reading.tiff_planes import planes_behind
from imfuse_tiles.imageio.reading.tiff_series import TiffSeries, place_headers, told_series


def read_tiff_frames(facts: FileFacts, choice: PageChoice, selection: Selection) -> tuple[list[Header], str]:
    """Headers of the pages or planes that are frames; and if there are several, what to tell the user of them.

    Raises Refusal, beside what is wrong with a page, for several where ``choice`` allows one, for pages that are not
    there, and for series, channels or times that nobody chose.
    """
    with open_tiff(facts.path) as tif:
        pages = all_pages(facts, tif)
        full = full_pages(facts, pages)
        planes = planes_behind(facts, full[0][1], layout_of(full[0][1])) if len(pages) == 1 and choice != (1,) else 1
        if choice in ("one", "any"):
            series = told_series(facts, pages, full, planes)
            if series and (choice == "any" or selection) and (selection or _must_choose(facts, series)):
                return _chosen_frames(facts, series, choice, selection)
        return _page_frames(facts, pages, full, planes, choice, selection)


def list_tiff_series(facts: FileFacts) -> list[TiffSeries]:
    """The series that a file tells of; none for one that is only pages."""
    with open_tiff(facts.path) as tif:
        pages = all_pages(facts, tif)
        full = full_pages(facts, pages)
        planes = planes_behind(facts, full[0][1], layout_of(full[0][1])) if len(pages) == 1 else 1
        return told_series(facts, pages, full, planes)


def _must_choose(facts: FileFacts, series: Sequence[TiffSeries]) -> bool:
    """Whether a file is more than one picture after the other in itself."""
    first = series[0]
    order = [(facts.path, page, plane) for page, plane in sorted(place[1:] for place in first.places)]
    return len(series) > 1 or max(map(first.series.count, "TC")) > 1 or list(first.places) != order


def _chosen_frames(
    facts: FileFacts, series: Sequence[TiffSeries], choice: PageChoice, selection: Selection
) -> tuple[list[Header], str]:  # fmt: skip
    chosen = choose_frames(facts.path, [one.series for one in series], selection)
    if choice == "one" and len(chosen.indices) > 1:
        raise refuse(facts.path, f"has {len(chosen.indices)} frames; among other files it may have one, "
                                 "imfuse-tiles batch fuses each file")  # fmt: skip
    one = series[chosen.series]
    return place_headers(
        facts, [one.place(index) for index in chosen.indices], chosen.parts, selection.level
    ), chosen.note


def _page_frames(
    facts: FileFacts, pages: Sequence[Numbered], full: Sequence[Numbered], planes: int, choice: PageChoice,
    selection: Selection,
) -> tuple[list[Header], str]:  # fmt: skip
    """The pages or planes of a file that tells of nothing more, or of which pages are named."""
    if selection.series or selection.time or selection.channel:
        raise refuse(facts.path, "tells of no series, times or channels; --pages names pages of it")
    count = max(planes, len(full))
    held = f"{planes} planes behind one directory" if planes > 1 else f"{len(pages)} pages: {sizes_of(pages)}"
    if count > 1 and choice == "one":
        raise refuse(facts.path, f"has {held}; --pages=all takes them as frames, --pages=1 the first alone, "
                                 "imfuse-tiles batch fuses each file")  # fmt: skip
    if planes > 1:
        header = page_header(facts, *full[0])
        numbers = _numbers(facts, choice, range(1, planes + 1), planes)
        headers = [replace(header, plane=number - 1, part=f"plane {number}") for number in numbers]
    elif selection.level and not isinstance(choice, tuple):
        headers = pages_of_level(facts, pages, full, selection.level)
    else:
        numbers = _numbers(facts, choice, [number + 1 for number, _ in full], len(pages))
        headers = [page_header(facts, number - 1, pages[number - 1][1]) for number in numbers]
        if count > 1 or isinstance(choice, tuple):
            headers = [replace(header, part=f"page {header.page + 1}") for header in headers]
    return headers, f"{len(headers)} frames of its {held}" if count > 1 else ""


def _numbers(facts: FileFacts, choice: PageChoice, full: Sequence[int], count: int) -> Sequence[int]:
    """The numbers, from 1, of the pages or planes that are chosen; ``full``: where nobody named any."""
    if not isinstance(choice, tuple):
        return full
    beyond = [number for number in choice if number > count]
    if beyond:
        raise refuse(facts.path, f"has no page {beyond[0]}, it holds {count}")
    return choice
