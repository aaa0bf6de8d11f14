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
from imfuse_tiles.imageio.writing import Picture, check_target, eight_bits, file_format, write_layers, write_picture
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

    ``extra``: mask and depth maps too. ``bits``: 8 or 16 a sample. ``tags``: to be copied.
    """

    result: Path
    extra: bool = False
    bits: int = 16
    force: bool = False
    tags: Tags | None = None

    def __post_init__(self) -> None:
        file_format(self.result)

    def beside(self, what: str) -> Path:
        """The name of a file that goes with the result: NAME.what.tif."""
        stem = self.result.name.removesuffix(self.result.suffix).removesuffix(".result")
        return self.result.with_name(f"{stem}.{what}{self.result.suffix}")

    def places(self) -> list[Path]:
        """Every file that may be written."""
        return [self.result, *(self.beside(what) for what in ("mask", "depthmap", "depth"))]


#: Bytes of a packed sample for each plain one: noise packs to about 0.65, flat planes to nothing.
PACKED = 0.65


def output_files(plan: Plan, wish: ExportRequest, opaque: bool, depth_opaque: bool = False) -> list[OutputFile]:
    """The files of a wish. Mask and depth: of a result that has them.

    ``opaque``: the result needs no opacity. ``depth_opaque``: every pixel has a depth.
    """
    extra = {what: wish.beside(what) for what in ("mask", "depthmap", "depth")}
    job = plan.result.job
    masked = bool(plan.recipe.generators) or (isinstance(job, FinishJob) and job.surface is not None)
    assert not wish.extra or plan.maps
    made = output_pages(plan, wish.result, extra if wish.extra and masked else {}, opaque, depth_opaque)
    return [
        replace(each, pages=tuple(map(flatten_on_black, each.pages))) if is_jpeg(each.path) else each for each in made
    ]


def is_jpeg(path: Path) -> bool:
    return path.suffix.lower() in (".jpg", ".jpeg")


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
    kind = "uint8" if wish.bits == 8 or is_jpeg(sheet.path) else "uint16"
    tags = wish.tags if sheet.role == "result" and wish.tags else Tags()
    software = f"imfuse-tiles v{__version__}"
    return Picture(height, width, page.planes, kind, str(plan.recipe), software, page.name, tags)  # type: ignore[arg-type]


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
    return int(PACKED * sum(each.row_bytes * each.height for each in made))


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

    def note(file: BinaryIO) -> None:
        with translate_os_errors(f"the note of the {sheet.role}", store.folder, 4096):
            record_output(store, output_key(plan, sheet, wish), plan, sheet.role, file)

    place = place or sheet.path

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


def output_key(plan: Plan, sheet: OutputFile, wish: ExportRequest) -> str:
    """Under which a store remembers that it wrote a file."""
    tags = repr(wish.tags) if wish.tags and wish.tags != Tags() else ""
    place = str(sheet.path.absolute())
    return "output-" + digest([plan.identity, str(plan.recipe), sheet.role, place, wish.bits, tags])


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
