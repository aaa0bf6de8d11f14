"""Retouching: brush strokes that take a slice, another result or a picture in the place of a result's pixels.

Strokes are data, never pixels: they are applied to what a region of the result holds when it is read, so that only
what they touch is computed, and they can be laid over any other result of the same frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.reading import Header
from imfuse_tiles.imageio.stack import FULL
from imfuse_tiles.stages.access import Access, RegionValues
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.step_chain import COLOURS
from imfuse_tiles.stages.stored_frames import COVERAGE
from imfuse_tiles.stages.strokes import Stroke, Strokes
from imfuse_tiles.storage.store import Store

#: Edge of the squares in which strokes are computed, so that a wide band costs what is under the brush only.
CELL = 512


@frozen
class PictureArray:
    """A picture that strokes take: its array (planes, 1, y, x) in a store of its own, with ``full`` scale."""

    store: Store
    path: str
    full: float


@frozen
class RetouchedResult:
    """A result with strokes laid over it, computed where it is read.

    ``path``: the array of the result, ``colours``: its colour planes, ``depth``: its first plane of depth, 0: none.
    ``source``: the array of the frames with ``full`` scale, ``slices`` of them; ``coverage``: that of where each has
    a picture, empty if it is everywhere. ``in_place``: what reads frames that are not in the store. ``pictures``: those
    that strokes take, by their names.
    """

    path: str
    colours: int
    depth: int
    source: str
    full: float
    slices: int
    strokes: Strokes
    pictures: Mapping[str, PictureArray] = field(default_factory=dict)
    coverage: str = ""
    in_place: IngestJob | None = None

    def check(self) -> None:
        """Refusal of a stroke that takes a slice or a picture that is not there."""
        for number, stroke in enumerate(self.strokes, 1):
            if stroke.slice > self.slices:
                raise Refusal(f"stroke {number} takes slice {stroke.slice}; there are {self.slices}")
            if stroke.picture and stroke.picture not in self.pictures:
                raise Refusal(f"stroke {number} takes {stroke.picture}, which is not open")

    def planes(self) -> float:
        return 6.0 * (self.colours + 4)

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        """Planes of a region of the result, the strokes that touch it in their order; uint16."""
        plain = Access(access.store, arrays=access.arrays, computed=self.frames)
        out = plain.read(self.path, lead, region)
        strokes = [stroke for stroke in self.strokes if stroke.touches(region)]
        for cell in region.split(CELL) if strokes else ():
            over = [stroke for stroke in strokes if stroke.touches(cell)]
            if over:
                rows, columns = cell.slices_in(region)
                out[:, rows, columns] = self.painted(plain, over, cell)[slice(*lead[0])]
        return out

    @property
    def frames(self) -> dict[str, RegionValues]:
        """What reads the frames that are not in the store, by their path."""
        return {self.source: self.in_place} if self.in_place else {}

    def painted(self, plain: Access, strokes: Sequence[Stroke], region: Region) -> np.ndarray:
        """All planes of a small region with strokes laid over them, uint16."""
        total = plain.array(self.path).shape[0]
        base = plain.read(self.path, [(0, total)], region).astype(np.float64)
        painted = base.copy()
        for stroke in strokes:
            part = stroke.part_of(region)
            under = (slice(None), *part.slices_in(region))
            if not painted[under].size:
                continue
            planes, values = self.taken(plain, stroke, part, base[under])
            painted[under][planes] += (values - painted[under][planes]) * self.weight(plain, stroke, part)
        return np.rint(painted).astype(np.uint16)

    def weight(self, access: Access, stroke: Stroke, region: Region) -> np.ndarray:
        """How much a stroke covers pixels, float64 (y, x); not at all where its slice has no picture."""
        weight = stroke.weight(region)
        if not (stroke.slice and self.coverage):
            return weight
        covered = access.read(self.coverage, [(stroke.slice - 1, stroke.slice)], region)[0]
        return np.where(covered > 0, weight, 0.0)

    def taken(self, access: Access, stroke: Stroke, region: Region, base: np.ndarray) -> tuple[list[int], np.ndarray]:
        """The planes that a stroke changes, and what it puts there, in 16-bit codes."""
        shown, depths = list(range(self.colours + 1)), [self.depth, self.depth + 1] if self.depth else []
        if stroke.slice:
            number = stroke.slice - 1
            codes = self.picture_codes(access, self.source, number, self.full, region)
            value = np.full(region.shape, float(round(65535 * (self.slices - stroke.slice) / self.slices)))
            return shown + depths, np.stack([*codes, *([value, np.full(region.shape, 65535.0)] if depths else [])])
        if stroke.picture:  # of which no depth is known: that of the result stays
            picture = self.pictures[stroke.picture]
            codes = self.picture_codes(Access(picture.store), picture.path, 0, picture.full, region)
            return shown, np.stack(codes)
        if stroke.result and stroke.result != self.path:
            other = access.array(stroke.result).shape[0]
            if other not in (self.colours + 1, self.colours + 4):
                raise Refusal(f"{stroke.result}: has other colours than the result that is retouched")
            planes = shown + (depths if other == self.colours + 4 else [])
            return planes, access.read(stroke.result, [(0, other)], region)[planes].astype(np.float64)
        return list(range(len(base))), base

    def picture_codes(self, access: Access, path: str, number: int, full: float, region: Region) -> list[np.ndarray]:
        """Colours and opacity of slice ``number`` of frames at ``path``, in 16-bit codes of the result's colours."""
        read_in_place = self.in_place if path in access.computed else None
        planes = read_in_place.headers[0].planes if read_in_place else access.array(path).shape[0]
        samples = access.read(path, [(0, planes), (number, number + 1)], region)[:, 0]
        codes = np.rint(np.clip(samples.astype(np.float64) / full, 0, 1) * 65535)
        own = 3 if planes >= 3 else 1  # grey is repeated
        opacity = codes[own] if planes > own else np.full(region.shape, 65535.0)
        return [*(codes[min(plane, own - 1)] for plane in range(self.colours)), opacity]


def retouched(
    store: Store, path: str, source: str, strokes: Strokes, pictures: Mapping[str, PictureArray] | None = None,
    frames: Sequence[Header] = (),
) -> RetouchedResult:  # fmt: skip
    """A finished result of a store (``path``) with strokes laid over it.

    ``source``: the array of its frames; ``frames``: their files where they are read in place, and ``source`` is but the
    name by which they are known.
    """
    planes = store.arrays.open(path).shape[0]
    colours = COLOURS[planes]
    depth = colours + 2 if planes > colours + 1 else 0
    if frames:
        full, slices, coverage, in_place = (
            FULL[frames[0].dtype],
            len(frames),
            "",
            IngestJob(tuple(frames), ""),
        )
    else:
        array, in_place = store.arrays.open(source), None
        if len(array.shape) != 4:
            raise Refusal(f"{source}: holds no frames")
        full, slices = FULL[array.dtype], array.shape[1]
        coverage = source + COVERAGE if store.files.exists(f"{source}{COVERAGE}/zarr.json") else ""
    result = RetouchedResult(path, colours, depth, source, full, slices, strokes, pictures or {}, coverage, in_place)
    result.check()
    return result
