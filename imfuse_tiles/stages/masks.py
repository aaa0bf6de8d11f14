"""Masks: one generator on every slice, its equalisation over the stack, and merging with the mask filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Protocol

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window, total_halo
from imfuse_tiles.options.general import PrepResize
from imfuse_tiles.options.mask_computation import raw_mask
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import MaskGenerator, WorkingSpace
from imfuse_tiles.options.mask_merging import MaskMerge
from imfuse_tiles.stages import subtiles
from imfuse_tiles.stages.access import Access, chunk_factor
from imfuse_tiles.stages.stage import Block, Job, stage_numbers
from imfuse_tiles.storage.store import Store

#: Behind the path of the frames: where they have a picture.
COVERAGE = "-coverage"


@frozen
class StoredFrames:
    """The stack in the store, (planes, slices, y, x) in its own number type, and how masks see it."""

    path: str
    planes: int
    frame: Frame
    full: float
    resize: PrepResize | None = None
    key: str = ""
    #: Where slices have a picture, (slices, y, x) in 0..1; none: everywhere.
    coverage: str = ""

    @property
    def sample_bytes(self) -> int:
        """Bytes of a sample in the store."""
        return {255.0: 1, 65535.0: 2}.get(self.full, 4)

    def wider(self) -> float:
        """Float32 planes of a window that are read beside it where masks are made at another size."""
        if self.resize is None:
            return 0.0
        small = self.resize.size(self.frame)
        return 1.5 * self.planes * self.frame[0] * self.frame[1] / (small[0] * small[1])

    @property
    def dtype(self) -> str:
        """Number type of the samples in the store."""
        return {1: "uint8", 2: "uint16", 4: "float32"}[self.sample_bytes]

    def samples(self, access: Access, z: int, region: Region, keep: bool = False,
                out: np.ndarray | None = None) -> np.ndarray:  # fmt: skip
        """Samples (planes, y, x) of a slice as they were read; ``keep``: chunks are shared, row by row."""
        into = None if out is None else out[:, None]
        return access.read(self.path, [(0, self.planes), (z, z + 1)], region, keep, into)[:, 0]

    def covered(self, access: Access, z: int, region: Region) -> np.ndarray:
        """How much of each pixel of a slice is picture, (y, x) in 0..1, as it is in the store."""
        return access.read(self.coverage, [(z, z + 1)], region)[0]

    def mask_covered(self, access: Access, z: int, region: Region) -> np.ndarray | None:
        """Whether pixels of a mask are picture, bool (y, x), at the size that masks are made in; None: all."""
        if not self.coverage:
            return None
        if self.resize is None:
            return self.covered(access, z, region) > 0
        read = lambda part: self.covered(access, z, part)[None].astype(np.float32)  # noqa: E731
        shown: np.ndarray = self.resize.to_mask_size(read, self.frame, region).data[0] > 0.5
        return shown

    def window(self, access: Access, z: int, region: Region, keep: bool = False, codes: bool = False) -> Window:
        """A slice's window as float32 in 0..1, at the size that masks are made in.

        ``codes``: samples of 8 and 16 bits may stay the whole numbers that they are.
        """
        read = lambda part: kernels.codes.scale_to_unit(self.samples(access, z, part, keep), self.full)  # noqa: E731
        if self.resize is None:
            plain = codes and self.sample_bytes < 4
            return Window(self.samples(access, z, region, keep) if plain else read(region), region, self.frame)
        return self.resize.to_mask_size(read, self.frame, region)


@frozen
class StoredPicture(StoredFrames):
    """A picture in the store without slices, (planes, y, x) in its own number type."""

    def samples(self, access: Access, z: int, region: Region, keep: bool = False,
                out: np.ndarray | None = None) -> np.ndarray:  # fmt: skip
        return access.read(self.path, [(0, self.planes)], region, keep, out)


#: Parts of blocks of masks: what is computed twice in their halos costs more than memory.
PORTION: dict[str, int] = {"least": 2, "halos": 12}


def split_region(access: Access, out: str, region: Region, reach: int, whole: bool) -> list[Region]:
    """A block's region in the parts that are computed one after the other; ``whole``: it can only be one."""
    return [region] if whole else list(subtiles.subtiles_of(region, access.chunk_edge(out), reach, **PORTION))


@frozen
class MaskJob(Job):
    """One generator on every slice: raw masks, and the strongest of each group of slices.

    ``peak``: where the strongest go; the same as ``out`` when every block is a group of one slice.
    """

    parted: ClassVar[bool] = True

    op: MaskGenerator
    working_space: WorkingSpace
    source: StoredFrames
    frame: Frame
    out: str
    peak: str
    image: StoredFrames | None = None

    def around(self, region: Region) -> Region:
        """The part of the frame that a region of the mask depends on."""
        return region.with_halo(self.op.halo(self.frame), self.frame)

    def seen(self, access: Access, z: int, around: Region) -> Window:
        """What the generator looks at of a slice."""
        return self.source.window(access, z, around, keep=self.parted, codes=self.op.accepts_codes(self.working_space))

    def raw_mask(self, access: Access, z: int, seen: Window, image: Window | None, region: Region) -> np.ndarray:
        """The raw mask of one slice."""
        return raw_mask(self.op, seen, self.working_space, image).cropped(region).data

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        whole = not self.parted or self.op.whole_frame
        split = split_region(access, self.out, block.region, self.op.halo(self.frame).radius, whole)
        parts = {part: self.around(part) for part in split}
        images = {
            part: None if self.image is None else self.image.window(access, 0, around)
            for part, around in parts.items()
        }  # fmt: skip
        peak, low = np.full(block.region.shape, -np.inf, np.float32), np.inf
        for z in range(block.z0, block.z1):
            for part, around in parts.items():
                raw = self.raw_mask(access, z, self.seen(access, z, around), images[part], part)
                access.write(self.out, [(z, z + 1)], part, raw[None])
                shown = self.source.mask_covered(access, z, part)
                low = min(low, kernels.level.raise_peak(raw, peak[part.slices_in(block.region)], shown))
        if self.peak != self.out:
            access.write(self.peak, [(block.z_batch, block.z_batch + 1)], block.region, peak[None])
        return limits_report(low, float(peak.max()))

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        around = self.around(region)
        image = None if self.image is None else self.image.window(access, 0, around)
        codes = self.op.accepts_codes(self.working_space)
        keep = self.parted and lead[0][1] - lead[0][0] == 1  # a merge goes part by part through a slice
        windows = [(z, self.source.window(access, z, around, keep, codes)) for z in range(*lead[0])]
        return np.stack([self.raw_mask(access, z, seen, image, region) for z, seen in windows])

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return value_range(reports)

    def summary_pattern(self) -> Any:
        return RANGE

    def planes(self) -> float:
        return 10 + 2.5 * self.source.planes + self.source.wider()

    def memory(self, height: int, width: int) -> int:
        """Planes of a part, the chunks around a row of parts, and of the block the mask, the strongest and images."""
        if not self.parted or self.op.whole_frame:
            beside = whole_frame_bytes(self.frame) if self.op.whole_frame else 0
            return super().memory(height, width) + beside
        read = self.source.planes * self.source.sample_bytes / 4
        whole = 1.5 + (0 if self.image is None else 1.5 * self.source.planes)
        reach = self.op.halo(self.frame).radius
        work = subtiles.memory(read, self.planes(), (height, width), self.frame, reach, **PORTION,
                               factor=chunk_factor(self.source.frame))  # fmt: skip
        return int(work + 4 * whole * height * width)


@frozen
class StrongestMask:
    """The strongest of a generator's masks of all slices at every pixel, for when it is not stored."""

    mask: MaskJob
    slices: int

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        peak = np.full(region.shape, -np.inf, np.float32)
        for z in range(self.slices):
            mask, shown = self.mask.values(access, path, [(z, z + 1)], region)[0], None
            if self.mask.source.coverage:
                shown = self.mask.source.mask_covered(access, z, region)
            kernels.level.raise_peak(mask, peak, shown)
        return peak[None]

    def planes(self) -> float:
        return 1 + self.mask.planes()


def whole_frame_bytes(frame: Frame) -> int:
    """Bytes that filtering a whole frame takes, with what is held for the next one."""
    return int(kernels.fft.bytes_needed(*frame) + kernels.fft.kept_bytes(*frame))


def limits_report(low: float, high: float) -> dict[str, Any]:
    """What a block says of its values: nothing if it has no pixel of a picture."""
    return {"low": low, "high": high} if low <= high else {}


#: What ``value_range`` gives.
RANGE = {"low": float, "high": float}


def value_range(reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The smallest and largest value over all blocks."""
    found = [(each["low"], each["high"]) for each in reports if "low" in each]
    return {"low": min(low for low, _ in found), "high": max(high for _, high in found)}


def least_and_most(mask: np.ndarray, shown: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest value of a mask where it is shown; infinite if it is nowhere."""
    values = mask[shown]
    return (float(values.min()), float(values.max())) if values.size else (np.inf, -np.inf)


@frozen
class LevelJob(Job):
    """The equalisation curve of a generator: the histogram of its strongest mask over the whole frame."""

    kind: ClassVar[str] = "reduce"
    step: ClassVar[str] = "level"

    raw: str
    peak: str
    clut: bool
    #: The frames, if ``peak`` holds the masks of all slices and not every pixel of these is picture.
    source: StoredFrames | None = None

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        low, high = level_limits(access.store, self.raw)
        if high <= low or not self.clut:
            return {"counts": None}
        runs = access.lead_length(self.peak)
        peak = self.strongest(access, 0, block.region)
        for run in range(1, runs):
            np.maximum(peak, self.strongest(access, run, block.region), out=peak)
        return {"counts": kernels.level.histogram(peak, low, high).tolist()}

    def strongest(self, access: Access, run: int, region: Region) -> np.ndarray:
        """The strongest mask of a group of slices, (y, x); -inf where none is picture."""
        peak = access.read(self.peak, [(run, run + 1)], region)[0]
        shown = self.source.mask_covered(access, run, region) if self.source else None
        return peak if shown is None else np.where(shown, peak, np.float32(-np.inf))

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        low, high = level_limits(store, self.raw)
        counts = [each["counts"] for each in reports]
        if counts[0] is None:
            return {"low": low, "high": high, "curve": None}
        curve = kernels.level.equalisation(np.sum(counts, axis=0, dtype=np.int64))
        return {"low": low, "high": high, "curve": None if curve is None else curve.tolist()}

    def summary_pattern(self) -> Any:
        return {**RANGE, "curve": (None, [float])}

    def planes(self) -> float:
        return 10.0


def level_limits(store: Store, raw: str) -> tuple[float, float]:
    """Smallest and largest raw mask value of the stack, as their six-digit percent figures."""
    numbers = stage_numbers(store, raw)
    return kernels.level.six_digits(numbers["low"]), kernels.level.six_digits(numbers["high"])


@lru_cache(maxsize=64)
def normalisation_range(store: Store, key: str) -> tuple[float, float, np.ndarray]:
    """Limits and table of a levelled generator."""
    numbers = stage_numbers(store, key)
    curve = None if numbers["curve"] is None else np.asarray(numbers["curve"])
    return numbers["low"], numbers["high"], kernels.level.table(curve)


@frozen
class WeightedMask:
    """A generator's mask as merging takes it: its array, its levelling (None: as it is) and its weight."""

    op: MaskGenerator
    weight: float
    path: str
    level: str | None

    def read(self, access: Access, z: int, region: Region) -> np.ndarray:
        """The mask (y, x) of one slice: levelled, cut at its thresholds, weighed."""
        mask = access.read(self.path, [(z, z + 1)], region, keep=True)[0]
        if self.level is not None:
            mask = kernels.level.stretch_levels(mask, *normalisation_range(access.store, self.level))
        return kernels.level.threshold_and_weigh(mask, self.op.t, self.op.T, self.weight)


class UnfilteredMasks(Protocol):
    """What a later part of a chain of mask filters goes on from."""

    def read(self, access: Access, z: int, region: Region) -> Window:
        """The mask (y, x) of a slice."""
        ...


@frozen
class MergeJob(Job):
    """The masks of each slice merged, filtered, and merged with those that are not to be filtered.

    A chain of filters that cannot run in one go is cut: a later job has a ``start`` instead of masks to merge,
    and only the last one puts the unfiltered masks on.
    """

    step: ClassVar[str] = "merge"
    parted: ClassVar[bool] = True

    parts: tuple[WeightedMask, ...]
    merge: MaskMerge
    filters: tuple[MaskFilter, ...]
    frame: Frame
    out: str
    start: UnfilteredMasks | None = None
    last: bool = True
    #: The frames, if not every pixel of them is picture.
    source: StoredFrames | None = None

    def halo(self) -> Halo:
        return total_halo(op.halo(self.frame) for op in self.filters)

    @property
    def whole_frame(self) -> bool:
        return any(op.whole_frame for op in self.filters)

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        low, high = np.inf, -np.inf
        parts = split_region(access, self.out, block.region, self.halo().radius, self.whole_frame)
        for z in range(block.z0, block.z1):
            for part in parts:
                mask, least, most = self.merged(access, z, part)
                access.write(self.out, [(z, z + 1)], part, mask[None])
                shown = self.source.mask_covered(access, z, part) if self.source else None
                if shown is not None:
                    least, most = least_and_most(mask, shown)
                low, high = min(low, least), max(high, most)
        return limits_report(low, high)

    def merged(self, access: Access, z: int, region: Region) -> tuple[np.ndarray, float, float]:
        """One slice's merged mask, its smallest and its largest value."""
        around = region.with_halo(self.halo(), self.frame)
        window = self.begun(access, z, around)
        for op in self.filters:
            window = op.apply(window)
        mask = window.cropped(region).data
        if not self.last:
            return mask, float(mask.min()), float(mask.max())
        for part in self.parts:
            if not part.op.is_filtered:
                mask = self.merge.blend(mask, part.read(access, z, region))
        return kernels.level.clamp_and_extremes(mask)

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        return np.stack([self.merged(access, z, region)[0] for z in range(*lead[0])])

    def begun(self, access: Access, z: int, around: Region) -> Window:
        """The mask before this job's filters: merged now, or what an earlier job left."""
        if self.start is not None:
            return self.start.read(access, z, around)
        masks = (part.read(access, z, around) for part in self.parts if part.op.is_filtered)
        return Window(self.merge.blend_all(masks, around.shape), around, self.frame)

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return value_range(reports)

    def summary_pattern(self) -> Any:
        return RANGE

    def planes(self) -> float:
        return 11.0

    def memory(self, height: int, width: int) -> int:
        if self.whole_frame:
            return super().memory(height, width) + whole_frame_bytes(self.frame)
        reach = self.halo().radius
        return subtiles.memory(len(self.parts), self.planes(), (height, width), self.frame, reach, **PORTION)
