"""A result of a store, its mask, its depth or a frame become a file, without the images they were made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from imfuse_tiles import __version__
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.export_request import flatten_on_black, packed_bytes
from imfuse_tiles.execution.machine_errors import translate_damage, translate_os_errors
from imfuse_tiles.execution.read_pages import Check, Writing, counted, write_page, write_page_layers
from imfuse_tiles.execution.stored_frames import frame_page
from imfuse_tiles.execution.stored_layers import stored_layers
from imfuse_tiles.execution.stored_results import StoredResult
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.writing import Picture, check_target, format_of, losses
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.planning.disk import shortage_text
from imfuse_tiles.planning.result_pages import Page, depth_colours, depth_in_micrometres
from imfuse_tiles.stages.access import Access, RegionValues
from imfuse_tiles.storage.store import Store

#: What of a result can be exported, and ``slice:N``.
PARTS = ("result", "mask", "depth", "depthmap")


#: Called with the part of a picture that is read, 0..1.
Progress = Callable[[float], None]


@frozen
class StoredPage:
    """A picture in a store: how it is read, its description, and the array of the result it belongs to."""

    page: Page
    picture: Picture
    path: str
    what: str = ""


def stored_page(
    store: Store, result: StoredResult, what: str, place: Path, bits: int, tags: Tags, size: PhysicalSize
) -> StoredPage:  # fmt: skip
    """The picture that ``what`` names: result, mask, depth, depthmap or slice:N with N from 1. Refusal of others."""
    page = frame_page(store, result, what) if what.startswith("slice:") else _part(result, what, place, size)
    dtype = "uint8" if bits == 8 and page.dtype == "uint16" else page.dtype
    name = page.name or ("" if what == "result" and not format_of(place).tiled else what.replace(":", " "))
    tags = tags if what == "result" or what.startswith("slice:") else Tags()
    (height, width), software = result.frame, f"imfuse-tiles v{__version__}"
    picture = Picture(height, width, page.planes, dtype, result.options, software, name, tags, size)  # type: ignore[arg-type]
    return StoredPage(page, picture, result.path, what)


def export_layers(
    store: Store, result: StoredResult, place: Path, bits: int, tags: Tags, size: PhysicalSize, how: Writing,
    progress: Progress = lambda part: None,
) -> list[str]:  # fmt: skip
    """Write a result with its layers as the pages of a TIFF, as ``fuse --layered`` does; what that does not hold.

    ``progress`` is called with the part that is read, 0..1. Raises as :func:`export_stored` does.
    """
    first = stored_page(store, result, "result", place, bits, tags, size)
    pages = [replace(first.page, name="result"), *stored_layers(store, result)]
    pictures = [replace(first.picture, planes=page.planes, name=page.name) for page in pages]
    check_place_outside(store, place)
    check_target(place, pictures[0], force=how.force, memory=how.memory, pages=len(pages))
    columns = store.arrays.open(result.path).chunks[-1]
    with export_errors(place, sum(packed_bytes(place, picture) for picture in pictures)):
        report = _Reading(len(pages) * first.picture.height * first.picture.width, progress)
        described = [(counted(page, report), picture) for page, picture in zip(pages, pictures, strict=True)]
        write_page_layers(place, described, lambda: Access(store), columns, how, lambda: None)
    return losses(format_of(place), pictures[0])


def export_stored(
    store: Store, stored: StoredPage, place: Path, how: Writing, check: Check = lambda: None,
    computed: Mapping[str, RegionValues] = MappingProxyType({}), progress: Progress = lambda part: None,
) -> list[str]:  # fmt: skip
    """Write a picture of a store as a file; what its format does not hold, in words.

    ``progress`` is called with the part that is read, 0..1. ``computed``: what computes arrays that are not read as
    they are stored. Raises AlreadyExists unless ``how.force``; Refusal for what the format or the disk does not hold;
    Incomplete for a full disk; BlockFailed for a damaged store.
    """
    found, (page, picture) = format_of(place), (stored.page, stored.picture)
    lost = losses(found, picture)
    if not found.alpha:
        page, picture = flatten_on_black(page), replace(picture, planes=picture.planes - picture.alpha)
    if found.bits == 8 and picture.dtype == "uint16":
        picture = replace(picture, dtype="uint8")
    check_place_outside(store, place)
    check_target(place, picture, force=how.force, memory=how.memory)
    rows, columns = store.arrays.open(stored.path).chunks[-2:]
    identity = digest([stored.path, stored.what, repr(picture), *map(repr, computed.values())])
    access = Access(store, computed=dict(computed))
    with export_errors(place, packed_bytes(place, picture)):
        page = counted(page, _Reading(picture.height * picture.width, progress))
        write_page(place, page, picture, access, (rows, columns), how, identity, check)
    return lost


class _Reading:
    """Counts the pixels that are read, of so many, and tells the part."""

    def __init__(self, total: int, progress: Progress) -> None:
        self.total, self.progress, self.read = total, progress, 0

    def __call__(self, pixels: int) -> None:
        self.read += pixels
        self.progress(min(1.0, self.read / self.total))


def check_place_outside(store: Store, place: Path) -> None:
    """Refuse a place in the store itself."""
    if store.is_local and place.absolute().is_relative_to(store.folder):
        raise Refusal(f"{place}: lies in the store {store.root}; results go elsewhere")


@contextmanager
def export_errors(place: Path, need: int) -> Iterator[None]:
    """Refuse to begin where the disk has no room for ``need`` bytes, and say what else stops the writing of a file."""
    if shortage := shortage_text([(str(place), place.absolute().parent, need)]):
        raise Refusal(shortage.replace("the run", "the export"))
    with translate_damage(), translate_os_errors(str(place), place.absolute().parent, need):
        yield


def _part(result: StoredResult, what: str, place: Path, size: PhysicalSize) -> Page:
    """A page of a result."""
    colours = result.colours
    if what == "result":
        planes = colours + (not result.opaque)
        return Page(planes, _planes(result, 0, planes))
    if what not in PARTS:
        raise Refusal(f"--what {what}: allowed are {', '.join(PARTS)} and slice:N")
    if not result.maps:
        raise Refusal(f"--what {what}: the result has no mask and no depth; fuse -X makes them")
    if what == "mask":
        return Page(1, _planes(result, colours + 1, colours + 2))
    depth = _planes(result, colours + 2, colours + 4)
    if what == "depthmap":
        return Page(4, depth_colours(depth))
    if size.z and result.slices and format_of(place).z_step:
        return depth_in_micrometres(depth, result.slices * size.z)
    known = result.depth_opaque
    return Page(2 - known, _planes(result, colours + 2, colours + 4 - known))


def _planes(result: StoredResult, first: int, stop: int) -> Callable[[Access, Region], np.ndarray]:
    """Some planes of a result."""
    return lambda access, region: access.read(result.path, [(first, stop)], region)
