"""From the names of image files to a stack: in order, every header checked, all of one kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.agreement import in_one_profile, tell_colours, upright
from imfuse_tiles.imageio.coverage import with_coverage
from imfuse_tiles.imageio.image_files import ImageFiles, find_images
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.ranges import with_white
from imfuse_tiles.imageio.reading import (
    Header,
    PageChoice,
    check_stack,
    content_digest,
    natural_order,
    parse_pages,
    read_headers,
    source_digest,
)
from imfuse_tiles.imageio.reading.camera_tags import read_tags
from imfuse_tiles.imageio.reading.detect import NOTHING_CHOSEN
from imfuse_tiles.imageio.reading.frame_checks import PLACES, WHOLE, find_copies
from imfuse_tiles.imageio.reading.header import listing, shown
from imfuse_tiles.imageio.reading.order import rolled_over, skipped_after
from imfuse_tiles.imageio.reading.own_results import Own, own_kind
from imfuse_tiles.imageio.reading.raw_pictures import in_one_white_balance
from imfuse_tiles.imageio.reading.series import Selection, check_selection
from imfuse_tiles.imageio.reading.tiff_series import is_one_ome
from imfuse_tiles.imageio.stack import Stack

#: Ways to order the frames: by their names, as they stand on the command line, or (once they are compared) by focus.
ORDERS = ("name", "given", "focus")


def open_stack(
    images: Sequence[str | Path], revert: bool = False, *, pages: str | None = None, order: str = "name",
    include_results: bool = False, white: float | None = None, ignore_alpha: bool = False,
    check_inputs: bool = False, selection: Selection = NOTHING_CHOSEN,
) -> Stack:  # fmt: skip
    """The stack of image files, front first, its headers checked. ``revert``: the last one is the front.

    ``images``: files, folders, patterns such as ``*.tif`` and lists ``@list.txt``; see :func:`find_images`.
    ``pages``: which pages of every TIFF file are frames, "all" or numbers such as "1-5,9"; without it a file is one
    frame, but all of them if it is the only one. ``order``: "name", or "given" for that of ``images``.
    ``include_results``: take results of this program for frames although other images are there.
    ``white``: the sample that is white, full scale otherwise. ``ignore_alpha``: transparent pixels are picture, too.
    ``selection``: which series, time, channel and level of each file.
    ``check_inputs``: read all files to tell the stack by their content, not by their places, sizes and times.
    Raises Refusal naming the first bad file.
    """
    if not images:
        raise Refusal("no images given")
    if order not in ORDERS:
        raise Refusal(f"--order {order}: allowed is {' or '.join(ORDERS)}")
    notices: list[str] = []
    files = find_images(images, notices)
    paths = list(files.paths) if include_results else _without_results(list(files.paths), notices)
    if order != "given":
        paths = _sorted(paths, notices)
    headers = _without_small(_headers(paths, pages, selection, notices), files, notices)
    if revert:
        headers.reverse()
    return stack_of_headers(headers, notices, white=white, ignore_alpha=ignore_alpha, check_inputs=check_inputs)


def stack_of_headers(
    headers: list[Header], notices: list[str], *, white: float | None = None, ignore_alpha: bool = False,
    check_inputs: bool = False,
) -> Stack:  # fmt: skip
    """The stack of frames in their order, checked; see :func:`open_stack`. ``notices`` of how they were found."""
    headers = upright(in_one_white_balance(headers, notices), notices)
    check_stack(headers)
    _tell_copies(headers, notices)
    if check_inputs:
        headers = _with_contents(headers)
    if not ignore_alpha and any(header.has_alpha for header in headers):
        headers = with_coverage(headers, notices)
    headers = with_white(headers, white, notices)
    headers, tags = _in_one_profile(headers, notices)
    return Stack(tuple(headers), source_digest(headers), tuple(notices), tags)


def _tell_copies(headers: list[Header], notices: list[str]) -> None:
    """A notice of files that are there twice under two names."""
    copies = find_copies(headers)
    if copies:
        (copy, path), more = copies[0], f", and {len(copies) - 1} more are copies" if len(copies) > 1 else ""
        large = copy.stat().st_size > WHOLE
        like = f"looks like a copy (the same bytes in {PLACES} places)" if large else "is a copy"
        notices.append(f"{shown(copy)} {like} of {shown(path)}{more}; each counts as a frame")


def _with_contents(headers: list[Header]) -> list[Header]:
    """The headers with the digests of their files' contents."""
    files = {_file_of(header): header for header in headers}
    contents = {file: content_digest(header) for file, header in files.items()}
    return [replace(header, content=contents[_file_of(header)]) for header in headers]


def _file_of(header: Header) -> tuple[Path, str]:
    """What tells the files apart that frames lie in: in a Zarr folder each has its own."""
    return header.path, header.part if header.format == "zarr" else ""


def _in_one_profile(headers: list[Header], notices: list[str]) -> tuple[list[Header], Tags]:
    """The frames in the colours of the front one, and its tags with that profile."""
    tags = {header.path: Tags() for header in headers}
    tags |= {path: read_tags(path) for path in {header.path for header in headers if header.format != "array"}}
    profiles = [tags[header.path].profile for header in headers]
    tell_colours(headers, [tags[header.path].colour_notice for header in headers], notices)
    headers, profile = in_one_profile(headers, profiles, notices)
    return headers, replace(tags[headers[0].path], profile=profile)


def _without_results(paths: list[Path], notices: list[str]) -> list[Path]:
    """The paths without results of this program, unless all are: results of substacks may be fused again."""
    kinds = {path: own_kind(path) for path in paths} if len(paths) > 1 else {}
    frames = [path for path in paths if not kinds.get(path)]
    if not frames:
        return paths
    for own, one, many in (
        (Own.RESULT, "is a result of this program", "are results of this program"),
        (Own.TRUTH, "is the truth of a rendered stack", "are the truth of a rendered stack"),
    ):
        names = [shown(path) for path in paths if kinds.get(path) is own]
        if names:
            about = f"{listing(names)}: {one if len(names) == 1 else many}"
            notices.append(f"{about} and left out; --include-results takes them for frames")
    return frames


def _without_small(headers: list[Header], files: ImageFiles, notices: list[str]) -> list[Header]:
    """The headers without small pictures that nobody named: at most half as wide and high as the largest."""
    width, height = max(header.width for header in headers), max(header.height for header in headers)
    small = [header for header in headers if header.path in files.found
             and 2 * header.width <= width and 2 * header.height <= height]  # fmt: skip
    if small and len(small) < len(headers):
        notices.append(f"left out: {listing([header.path.name for header in small])}, small pictures by their size")
        return [header for header in headers if header not in small]
    return headers


def _sorted(paths: list[Path], notices: list[str]) -> list[Path]:
    """The paths by their names; what a counter wrote after it began again comes last."""
    paths = natural_order(paths)
    late = rolled_over(paths)
    if late:
        paths = paths[late:] + paths[:late]
        last, first = shown(paths[-late - 1]), shown(paths[-late])
        notices.append(f"the counter in the names began again: {first} comes after {last}; see --order=given")
        return paths
    skips = skipped_after(paths)
    if skips:
        more = f" and at {len(skips) - 1} more places" if len(skips) > 1 else ""
        before, after = (shown(Path(path.name)) for path in paths[skips[0] : skips[0] + 2])
        notices.append(f"numbers are skipped between {before} and {after}{more}: frames may be missing")
    return paths


def _headers(paths: list[Path], pages: str | None, selection: Selection, notices: list[str]) -> list[Header]:
    """The headers of all frames of all files. Files that are together one OME-TIFF are read as that."""
    if pages is not None and (selection.series or selection.time or selection.channel):
        raise Refusal("--pages names pages, so --series, --time and --input-channel are not allowed with it")
    check_selection(selection)
    if len(paths) > 1 and pages is None and is_one_ome(paths):
        together, note = read_headers(paths[0], "any", selection)
        notices.append(f"{shown(paths[0])} and {len(paths) - 1} more files are one OME-TIFF: {note}")
        named = {path.resolve() for path in paths}
        return [header for header in together if header.path.resolve() in named]
    choice: PageChoice = parse_pages(pages) if pages is not None else "any" if len(paths) == 1 else "one"
    headers: list[Header] = []
    for path in paths:
        frames, note = read_headers(path, choice, selection)
        headers += frames
        if note and choice == "any":
            notices.append(f"{shown(path)}: {note}")
    return headers
