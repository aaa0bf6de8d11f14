"""The result in the store becomes files: picture, mask, depth maps; named, described, never overwritten unasked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from imfuse_tiles import __version__
from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.execution.machine_errors import translate_os_errors
from imfuse_tiles.execution.written_outputs import file_digest, output_state, record_output
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.writing import (
    Picture,
    check_target,
    eight_bits,
    ending_of,
    file_format,
    format_of,
    losses,
    write_layers,
    write_picture,
    write_tiled,
)  # fmt: skip
from imfuse_tiles.imageio.writing.folder_target import Parts
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.planning.memory import export_rows
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.result_pages import OutputFile, Page, output_pages
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.stages.stage import Access
from imfuse_tiles.storage.store import Store


@dataclass(frozen=True)
class ExportRequest:
    """What files are wanted; Refusal when the result's name has no known ending.

    ``extra``: mask and depth maps too. ``bits``: 8 or 16 a sample. ``tags``: to be copied. ``size``: of a pixel.
    ``ome_version``: of OME-Zarr.
    """

    result: Path
    extra: bool = False
    bits: int = 16
    force: bool = False
    tags: Tags | None = None
    size: PhysicalSize = PhysicalSize()
    ome_version: str = "0.5"

    def __post_init__(self) -> None:
        file_format(self.result)

    def beside(self, what: str) -> Path:
        """The name of a file that goes with the result: NAME.what.tif, and so on."""
        ending = ending_of(self.result)
        stem = self.result.name.removesuffix(ending).removesuffix(".result")
        return self.result.with_name(f"{stem}.{what}{ending}")

    def places(self) -> list[Path]:
        """Every file that may be written."""
        return [self.result, *(self.beside(what) for what in ("mask", "depthmap", "depth"))]


#: Bytes of a packed sample for each plain one: noise packs to about 0.65, flat planes to nothing.
PACKED = 0.65


def output_files(plan: Plan, wish: ExportRequest, opaque: bool, depth_opaque: bool = False) -> list[OutputFile]:
    """The files of a wish. Mask and depth: of a result that has them.

    ``opaque``: the result needs no opacity. ``depth_opaque``: every pixel has a depth.
    """
    return [
        sheet if format_of(sheet.path).alpha else replace(sheet, pages=tuple(map(flatten_on_black, sheet.pages)))
        for sheet in complete_files(plan, wish, opaque, depth_opaque)
    ]


def complete_files(plan: Plan, wish: ExportRequest, opaque: bool, depth_opaque: bool) -> list[OutputFile]:
    """The files of a wish as if every format held everything."""
    extra = {what: wish.beside(what) for what in ("mask", "depthmap", "depth")}
    job = plan.result.job
    masked = bool(plan.recipe.generators) or (isinstance(job, FinishJob) and job.surface is not None)
    assert not wish.extra or plan.maps
    return output_pages(plan, wish.result, extra if wish.extra and masked else {}, opaque, depth_opaque)


def loss_lines(plan: Plan, store: Store, wish: ExportRequest) -> list[str]:
    """What the format does not hold: a line for the result, and one for each other file that loses something else."""
    numbers = store.numbers.load(plan.result.key) or {}
    lines: dict[str, str] = {}
    for sheet in complete_files(plan, wish, numbers.get("opaque", False), numbers.get("depth_opaque", False)):
        found, picture = format_of(sheet.path), describe_page(plan, sheet, sheet.pages[0], wish)
        lost = losses(found, replace(picture, dtype="uint8" if wish.bits == 8 else "uint16"))
        if lost:
            words = ", ".join(lost)
            lines.setdefault(words, f"{sheet.path}: {found.name} does not hold {words}")
    return list(lines.values())


def flatten_on_black(page: Page) -> Page:
    """The page on black, for a file that holds no opacity; itself if it has none."""
    if page.planes not in (2, 4):
        return page

    def read(access: Access, region: Region) -> np.ndarray:
        planes = page.read(access, region)
        return ((planes[:-1].astype(np.uint32) * planes[-1] + 32767) // 65535).astype(np.uint16)

    return replace(page, planes=page.planes - 1, read=read)


def describe_page(plan: Plan, sheet: OutputFile, page: Page, wish: ExportRequest) -> Picture:
    """Geometry and description of a page of a file."""
    height, width = plan.stack.frame
    kind = "uint8" if wish.bits == 8 or format_of(sheet.path).bits == 8 else "uint16"
    tags = wish.tags if sheet.role == "result" and wish.tags else Tags()
    software, name = f"imfuse-tiles v{__version__}", sheet.role if format_of(sheet.path).tiled else ""
    return Picture(height, width, page.planes, kind, str(plan.recipe), software, page.name or name, tags, wish.size)  # type: ignore[arg-type]


def check_outputs(plan: Plan, store: Store, wish: ExportRequest, memory: int) -> int:
    """Refuse before anything is computed what could not be written at the end; about the bytes it will take."""
    numbers = store.numbers.load(plan.result.key) if store.exists() else None
    opaque = numbers is not None and numbers["opaque"]
    size = 0
    for sheet in output_files(plan, wish, opaque):
        check_not_a_source(sheet.path, plan, store)
        state = output_state(store, output_key(plan, sheet, wish), sheet.path)
        if state != "written":
            if state == "changed" and not wish.force:
                raise AlreadyExists(f"{sheet.path}: is no longer as it was written; --force writes it again")
            page, force = describe_page(plan, sheet, sheet.pages[0], wish), wish.force or state in ("empty", "unnoted")
            check_target(sheet.path, page, force=force, memory=memory, pages=len(sheet.pages))
            size += estimated_bytes(plan, sheet, wish)
    return size


def estimated_bytes(plan: Plan, sheet: OutputFile, wish: ExportRequest) -> int:
    """About the bytes of a file."""
    made = [describe_page(plan, sheet, page, wish) for page in sheet.pages]
    levels = 4 / 3 if format_of(sheet.path).tiled else 1
    return int(PACKED * levels * sum(each.row_bytes * each.height for each in made))


def check_not_a_source(path: Path, plan: Plan, store: Store) -> None:
    """Refuse to write over an image of the stack, whatever its name is here, or into the store."""
    if path.exists():
        for header in plan.stack.headers:
            if path.samefile(header.path):
                raise Refusal(f"{path}: is an image of the stack; not even --force overwrites it")
    if "://" not in store.root and path.absolute().is_relative_to(store.folder):
        raise Refusal(f"{path}: lies in the store {store.root}; results go elsewhere")


def export(
    plan: Plan, store: Store, wish: ExportRequest, *, workers: int, memory: int, check: Callable[[], None]
) -> dict[str, str]:
    """Write the files that are not there yet; their places by role. ``check`` may raise between two bands."""
    numbers = store.numbers.load(plan.result.key)
    assert numbers is not None
    found = output_files(plan, wish, numbers["opaque"], numbers.get("depth_opaque", False))
    states = {sheet.path: output_state(store, output_key(plan, sheet, wish), sheet.path) for sheet in found}
    todo = [sheet for sheet in found if states[sheet.path] != "written"]
    at_once = max(1, min(workers, len(todo)))

    def write_one(sheet: OutputFile) -> None:
        with translate_os_errors(f"the {sheet.role}", sheet.path.parent, estimated_bytes(plan, sheet, wish)):
            if states[sheet.path] == "unnoted" and not wish.force:
                with same_as_before(sheet.path) as beside:
                    write(plan, store, sheet, wish, workers, memory, at_once, check, beside)
                return
            force = wish.force or states[sheet.path] == "empty"
            write(plan, store, sheet, replace(wish, force=force), workers, memory, at_once, check)

    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(write_one, sorted(todo, key=lambda sheet: -estimated_bytes(plan, sheet, wish))))
    return {sheet.role: str(sheet.path) for sheet in found}


def write(
    plan: Plan, store: Store, sheet: OutputFile, wish: ExportRequest, workers: int, memory: int, files: int,
    check: Callable[[], None], place: Path | None = None,
) -> None:  # fmt: skip
    """Write one file, of so many that are written at once; ``place``: another than its own."""
    made = [describe_page(plan, sheet, page, wish) for page in sheet.pages]
    job = plan.result.job
    assert isinstance(job, FinishJob)

    def note(file: BinaryIO | Parts) -> None:
        with translate_os_errors(f"the note of the {sheet.role}", store.folder, 4096):
            record_output(store, output_key(plan, sheet, wish), plan, sheet.role, file)

    place = place or sheet.path
    if format_of(place).tiled:
        read = read_regions(Access(store), sheet.pages[0], made[0].dtype, check)
        write_tiled(place, made[0], read, output_key(plan, sheet, wish), force=wish.force, workers=workers // files,
                    version=wish.ome_version, note=note)  # fmt: skip
        return
    _, rows, columns = store.arrays.open(job.out).chunks
    if len(made) > 1:  # layers are read from arrays whose chunks are as high as wide
        rows = columns
    rows, workers = export_rows(made[0].width, rows, memory, files), workers // files
    bands = [read_bands(plan, store, page, each.dtype, check, (rows, columns))
             for page, each in zip(sheet.pages, made, strict=True)]  # fmt: skip
    if len(made) == 1:
        write_picture(place, made[0], bands[0], force=wish.force, workers=workers, memory=memory, note=note)
    else:
        write_layers(place, list(zip(made, bands, strict=True)), force=wish.force, workers=workers, note=note)


def read_bands(
    plan: Plan, store: Store, page: Page, dtype: str, check: Callable[[], None], part: tuple[int, int]
) -> Iterator[np.ndarray]:
    """Bands (rows, width, planes) of a page, top to bottom, each in the place of the last; ``check`` may raise.

    ``part``: rows of a band, and columns that are read at a time: only the band itself is as wide as the frame.
    """
    (height, width), access, (rows, columns) = plan.stack.frame, Access(store), part
    whole = np.empty((min(rows, height), width, page.planes), dtype)
    for y0 in range(0, height, rows):
        check()
        band = Region(y0, min(y0 + rows, height), 0, width)
        codes = whole[: band.y1 - y0]
        for x0 in range(0, width, columns):
            x1 = min(x0 + columns, width)
            samples = page.read(access, band._replace(x0=x0, x1=x1))
            for number, plane in enumerate(samples):  # plane by plane is three times as fast as all at once
                codes[:, x0:x1, number] = plane if dtype == "uint16" else eight_bits(plane)
        yield codes


def read_regions(
    access: Access, page: Page, dtype: str, check: Callable[[], None]
) -> Callable[[Region], np.ndarray]:  # fmt: skip
    """The samples of regions of a page, (planes, y, x); ``check`` may raise."""

    def read(region: Region) -> np.ndarray:
        check()
        samples = page.read(access, region)
        return samples if dtype == "uint16" else eight_bits(samples)

    return read


def output_key(plan: Plan, sheet: OutputFile, wish: ExportRequest) -> str:
    """Under which a store remembers that it wrote a file."""
    tags = repr(wish.tags) if wish.tags and wish.tags != Tags() else ""
    place = str(sheet.path.absolute())
    parts = [plan.identity, str(plan.recipe), sheet.role, place, wish.bits, tags]
    if wish.size != PhysicalSize():
        parts.append(repr(wish.size))
    if wish.ome_version != "0.5" and file_format(sheet.path) == "ome-zarr":
        parts.append(wish.ome_version)
    return "output-" + digest(parts)


@contextmanager
def same_as_before(path: Path) -> Iterator[Path]:
    """A place beside a file for the same again. AlreadyExists when what was written there is another content after all.

    The file says that this program wrote it, and the store lost its note of that.
    """
    beside = path.with_name(f".again-{os.getpid()}-{path.name}")
    try:
        yield beside
        if file_digest(beside) != file_digest(path):
            raise AlreadyExists(f"{path}: exists already, and is not what this run makes; --force overwrites it")
    finally:
        beside.unlink(missing_ok=True)
