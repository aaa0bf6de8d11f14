"""Image files into the store, prepared on the way: cropped, resized, turned, brightened, as the options say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.reading import Header, open_frame
from imfuse_tiles.imageio.stack import FULL, FrameWarp
from imfuse_tiles.options.preparation_chain import PreparationChain
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.frame_levels import FrameLevels
from imfuse_tiles.stages.ingest import IngestJob, band_rows
from imfuse_tiles.stages.source_windows import SourceWindows, frame_of, source_rows
from imfuse_tiles.storage.store import Store

#: Pixels along a band, or a strip of columns, that are prepared at once.
PART = 1024
#: Float32 planes that an option holds for every plane of its window.
PLANES = 4
Numbers = list[dict[str, Any]]


@frozen
class MeasuredBy:
    """The stages that measured what options of a chain have to know: the mean image, and every frame for an option."""

    mean: str | None
    frames: tuple[str | None, ...]

    def numbers(self, store: Store, slice_number: int) -> Numbers:
        """What is known for each option, for one frame."""
        mean = load_numbers(store, self.mean) if self.mean else {}
        return [{**mean, **(load_numbers(store, key)["frames"][slice_number] if key else {})} for key in self.frames]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of these stages."""
        return tuple(key for key in (self.mean, *self.frames) if key)


def load_numbers(store: Store, key: str) -> dict[str, Any]:
    """The numbers of a stage that is finished."""
    numbers = store.numbers.load(key)
    assert numbers is not None, f"{key} is not finished"
    return numbers


@frozen
class PrepareJob(IngestJob):
    """As its parent, each frame warped by one of ``warps`` if there are any, and then prepared by ``chain``."""

    version: ClassVar[int] = 3  # 3: what resized frames show where they are transparent as ImageMagick has it

    chain: PreparationChain = PreparationChain((), (0, 0))
    measured: MeasuredBy = MeasuredBy(None, ())
    warps: tuple[FrameWarp, ...] = ()

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        number = block.z0 - self.first
        header, levels = self.headers[number], FrameLevels(block.z0)
        numbers, (rows, columns) = self.measured.numbers(access.store, block.z0), access.array(self.out).chunks[-2:]
        with open_frame(header) as frame:
            source = SourceWindows(frame, self.warps[number] if self.warps else None, opacity=bool(self.coverage))
            for band in bands(block.region, (rows, columns), self.chain.turns_sides):
                samples = prepared_band(source, header, self.chain, numbers, band)
                covered = samples[-1] > FULL[header.dtype] / 2 if self.coverage else None
                samples = samples[: header.channels]
                levels.add(samples, band.y0, band.x0, covered)
                self.write(access, (block.z0, block.z1), band, samples, covered)
            access.bytes_read += source.bytes_read
        return levels.report()

    def for_block(self, block: Block) -> PrepareJob:
        some = slice(block.z0, block.z1)
        return replace(self, headers=self.headers[some], warps=self.warps[some], first=block.z0)

    def memory(self, height: int, width: int) -> int:
        band = band_rows(frame_of(self.headers[0]))
        sides = (height, min(width, band)) if self.chain.turns_sides else (min(height, band), width)
        return preparation_memory(self.headers, self.warps, self.chain, sides)


def bands(region: Region, chunk: tuple[int, int], strips: bool) -> Iterator[Region]:
    """A region in bands as high as a chunk, or in strips of columns as wide as one."""
    if not strips:
        for y0 in range(region.y0, region.y1, chunk[0]):
            yield region._replace(y0=y0, y1=min(y0 + chunk[0], region.y1))
        return
    for x0 in range(region.x0, region.x1, chunk[1]):
        yield region._replace(x0=x0, x1=min(x0 + chunk[1], region.x1))


def parts(band: Region) -> Iterator[Region]:
    """A band or strip in parts along its longer side."""
    height, width = band.shape
    for x0 in range(band.x0, band.x1, PART if width >= height else width):
        for y0 in range(band.y0, band.y1, height if width >= height else PART):
            yield Region(
                y0, min(y0 + (height if width >= height else PART), band.y1),
                x0, min(x0 + (PART if width >= height else width), band.x1),
            )  # fmt: skip


def prepared_band(
    source: SourceWindows, header: Header, chain: PreparationChain, numbers: Numbers, band: Region
) -> np.ndarray:
    """A band of a prepared frame, (planes, y, x) of its file's number type, with opacity if there is any."""
    planes = header.channels + (chain.adds_opacity or source.opacity)
    out = np.empty((planes, *band.shape), header.dtype)
    for part in parts(band):
        found = prepared_planes(source, header, chain, numbers, part)
        out[(..., *part.slices_in(band))] = as_samples(found, header.dtype)
    return out


def prepared_planes(
    source: SourceWindows, header: Header, chain: PreparationChain, numbers: Numbers, region: Region
) -> np.ndarray:
    """A region of a prepared frame, float32 (planes, y, x) in 0..1."""

    def read(part: Region) -> np.ndarray:
        samples = np.ascontiguousarray(source.read(part))
        return kernels.codes.scale_to_unit(samples, FULL[header.dtype])

    return chain.prepared(read, region, numbers, header.dtype != "float32")


def as_samples(planes: np.ndarray, dtype: str) -> np.ndarray:
    """Planes in 0..1 as samples of a number type, whole numbers rounded to the nearest."""
    if dtype == "float32":
        return planes
    full = np.float32(FULL[dtype])
    return np.clip(planes * full + np.float32(0.5), np.float32(0), full).astype(dtype)


def preparation_memory(
    headers: tuple[Header, ...], warps: tuple[FrameWarp, ...], chain: PreparationChain, sides: tuple[int, int]
) -> int:
    """Bytes for a band or strip of (height, width): the decoder, rows of the file, the windows of a part, the band."""
    header, (height, width), most = headers[0], sides, 0
    for y0 in sorted({0, max(0, (chain.size[0] - height) // 2), max(0, chain.size[0] - height)}):
        for x0 in sorted({0, max(0, (chain.size[1] - width) // 2), max(0, chain.size[1] - width)}):
            for part in parts(Region(y0, y0 + height, x0, x0 + width)):
                needed = chain.regions(part)
                rows = max(
                    y1 - y for warp in warps or (None,) for y, y1 in [source_rows(needed[0], header, warp)]
                )  # fmt: skip
                windows = sum(region.shape[0] * region.shape[1] for region in needed)
                most = max(most, 2 * rows * header.width + PLANES * windows)
    decoder = max(each.decode_bytes for each in headers)
    return decoder + 4 * (header.planes + 1) * (most + height * width)
