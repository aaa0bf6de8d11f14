"""Which files a run is to write: their names, their pages, and what is said in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from imfuse_tiles import __version__
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.physical_size import PhysicalSize
from imfuse_tiles.imageio.writing import Picture, ending_of, file_format, format_of, losses
from imfuse_tiles.options.grammar import digest
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.result_pages import OutputFile, Page, depth_in_micrometres, output_pages, result_planes
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.final import FinishJob
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


def output_files(plan: Plan, request: ExportRequest, opaque: bool, depth_opaque: bool = False) -> list[OutputFile]:
    """The files of a request. Mask and depth: of a result that has them.

    ``opaque``: the result needs no opacity. ``depth_opaque``: every pixel has a depth.
    """
    return [
        output if format_of(output.path).alpha else replace(output, pages=tuple(map(flatten_on_black, output.pages)))
        for output in complete_files(plan, request, opaque, depth_opaque)
    ]


def complete_files(plan: Plan, request: ExportRequest, opaque: bool, depth_opaque: bool) -> list[OutputFile]:
    """The files of a request as if every format held everything."""
    extra = {what: request.beside(what) for what in ("mask", "depthmap", "depth")}
    job = plan.result.job
    masked = bool(plan.recipe.generators) or (isinstance(job, FinishJob) and job.surface is not None)
    assert not request.extra or plan.maps
    files = output_pages(plan, request.result, extra if request.extra and masked else {}, opaque, depth_opaque)
    if request.size.z and format_of(request.result).z_step and isinstance(job, FinishJob):
        depth = result_planes(job, job.colours + 2, job.colours + 4)
        page = depth_in_micrometres(depth, len(plan.stack) * request.size.z)
        files = [replace(output, pages=(page,)) if output.role == "depth" else output for output in files]
    return files


def loss_lines(plan: Plan, store: Store, request: ExportRequest) -> list[str]:
    """What the format does not hold: a line for the result, and one for each other file that loses something else."""
    numbers = store.numbers.load(plan.result.key) or {}
    lines: dict[str, str] = {}
    for output in complete_files(plan, request, numbers.get("opaque", False), numbers.get("depth_opaque", False)):
        found, picture = format_of(output.path), describe_page(plan, output, output.pages[0], request)
        lost = losses(found, replace(picture, dtype="uint8" if request.bits == 8 else "uint16"))
        if lost:
            words = ", ".join(lost)
            lines.setdefault(words, f"{output.path}: {found.name} does not hold {words}")
    return list(lines.values())


def flatten_on_black(page: Page) -> Page:
    """The page on black, for a file that holds no opacity; itself if it has none."""
    if page.planes not in (2, 4):
        return page

    def read(access: Access, region: Region) -> np.ndarray:
        planes = page.read(access, region)
        return ((planes[:-1].astype(np.uint32) * planes[-1] + 32767) // 65535).astype(np.uint16)

    return replace(page, planes=page.planes - 1, read=read)


def describe_page(plan: Plan, output: OutputFile, page: Page, request: ExportRequest) -> Picture:
    """Geometry and description of a page of a file."""
    height, width = plan.stack.frame
    kind = "uint8" if request.bits == 8 or format_of(output.path).bits == 8 else "uint16"
    kind = kind if page.dtype == "uint16" else page.dtype
    tags = request.tags if output.role == "result" and request.tags else Tags()
    software, name = f"imfuse-tiles v{__version__}", output.role if format_of(output.path).tiled else ""
    return Picture(height, width, page.planes, kind, str(plan.recipe), software, page.name or name, tags, request.size)  # type: ignore[arg-type]


def estimated_bytes(plan: Plan, output: OutputFile, request: ExportRequest) -> int:
    """About the bytes of a file."""
    made = [describe_page(plan, output, page, request) for page in output.pages]
    return sum(packed_bytes(output.path, picture) for picture in made)


def packed_bytes(path: Path, picture: Picture) -> int:
    """About the bytes of a picture in the format of a name."""
    levels = 4 / 3 if format_of(path).tiled else 1
    if format_of(path).kind == "ome-tiff":
        levels = 5 / 3  # the smaller ones lie in a file beside it until all of the first is written
    return int(PACKED * levels * picture.row_bytes * picture.height)


def output_key(plan: Plan, output: OutputFile, request: ExportRequest) -> str:
    """Under which a store remembers that it wrote a file."""
    tags = repr(request.tags) if request.tags and request.tags != Tags() else ""
    place = str(output.path.absolute())
    # Maps have a key of their own: their arithmetic may change while the picture stays.
    key = plan.identity if output.role == "result" else plan.result.key
    parts = [key, str(plan.recipe), output.role, place, request.bits, tags]
    if request.size != PhysicalSize():
        parts.append(repr(request.size))
    if request.ome_version != "0.5" and file_format(output.path) == "ome-zarr":
        parts.append(request.ome_version)
    return "output-" + digest(parts)
