"""One pyramid level of a fusion by local energy: what of its detail each slice gives.

A task takes one block of a level through all slices twice: first for the strongest evidence at every pixel, then to
weigh the slices by it. It stores the blended detail, the range of what the slices show, and of every slice the next
level with what its evidence contributes there: a quarter of the pixels.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Halo, Region, Window
from imfuse_tiles.kernels.focus_coverage import LEAST_TOTAL, ShownRange
from imfuse_tiles.kernels.focus_peak import Peak
from imfuse_tiles.kernels.focus_place import SWEEP, Place
from imfuse_tiles.options.focus_pyramid import FocusPyramid, noise_energy
from imfuse_tiles.options.pyramid_level import HIGHLIGHTED, Highlights, Level, blur_region, kept_detail, kept_samples
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block, Output
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.level_slices import KEPT, LevelSlices
from imfuse_tiles.stages.stored_frames import StoredFrames
from imfuse_tiles.storage.store import Store


@frozen
class DetailJob(Job):
    """One level: its blended detail, the range of the slices, and every slice's next level; where slices peak."""

    kind: ClassVar[str] = "fold"
    #: The sixth took slices on one side of a peak more than on the other into account, for depths of long stacks.
    version: ClassVar[int] = 7

    #: Samples of the slices at this level; those of level 0 are the stack itself.
    source: StoredFrames
    level: Level
    fusion: FocusPyramid
    total: int
    #: What the finer level's evidence contributes, (slices, y, x); none at level 0.
    finer: str
    #: The stage that measured the noise; none if it is given.
    noise: str
    out: str
    #: Share of clipped pixels around each at level 1, (1, y, x), from level 0.
    near: str = ""
    #: Whether the place of the peak is kept, for a depth.
    depth: bool = False

    def part(self, name: str) -> str:
        """Where one of the outputs goes."""
        return f"{self.out}-{name}"

    @property
    def next_slices(self) -> StoredFrames:
        """The slices of the next coarser level."""
        coarser = self.level.coarser
        coverage = self.part("coverage") if self.source.coverage else ""
        return StoredFrames(self.part("slices"), self.source.planes, coarser.frame, coarser.full, coverage=coverage)

    def outputs(self) -> list[Output]:
        p, n, level = self.source.planes, self.total, self.level
        found = [] if level.number else [Output(self.part("near"), (1,), (1,), "float32", level=1)]
        found += [Output(self.part("peak"), (2,), (2,), "uint16")] if self.depth else []
        return [
            *found,
            Output(self.part("detail"), (p,), (p,), "float32" if level.exact else "int16"),
            Output(self.part("least"), (p,), (p,), self.source.dtype),
            Output(self.part("most"), (p,), (p,), self.source.dtype),
            Output(self.part("slices"), (p, n), (p, 1), self.next_slices.dtype, level=1, folded=True),
            Output(self.part("evidence"), (n,), (1,), "uint16", level=1, folded=True),
            *(
                Output(path, (n,), (1,), "float32", level=1, folded=True)
                for path in [self.next_slices.coverage]
                if path
            ),
        ]

    def noise_energy(self, store: Store) -> float:
        """Mean evidence that noise makes up at this level."""
        if self.noise:
            numbers = store.numbers.load(self.noise)
            assert numbers is not None, f"{self.noise} is not finished"
            variance = numbers["variance"]
        else:
            variance = ((self.fusion.noise or 0) / 100) ** 2
        return noise_energy(self.level.number, self.source.planes, variance)

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        region, noise = block.region, self.noise_energy(access.store)
        slices = LevelSlices(access, self.source, self.level, region, self.finer)
        slices.highlights = self.highlights(access, slices)
        peak = Peak(self.level.core(region).shape)
        place = Place(peak, self.total, noise, not self.fusion.unordered) if self.depth else None
        self.first_pass(access, slices, peak, place, noise)
        detail, total = self.second_pass(slices, peak, place, noise)
        access.write(self.part("detail"), [(0, self.source.planes)], region, kept_detail(self.level, detail, total))
        if place:
            access.write(self.part("peak"), [(0, 2)], region, place.codes(region.slices_in(self.level.core(region))))
        return {}

    def highlights(self, access: Access, slices: LevelSlices) -> Highlights | None:
        """The clipped highlights near a region; at the finest level what it says of them to the next one is written."""
        if self.level.number >= HIGHLIGHTED:
            return None
        cells = self.level.cells(slices.region)
        near = self.near_cells(access, cells) if self.near else self.clipped_cells(slices, cells)
        if not self.near:
            half = half_region(slices.region)
            access.write(self.part("near"), [(0, 1)], half, near[half.slices_in(cells)][None])
        if not near.any():
            return None
        highlights = Highlights.of(self.level, slices.region, near)
        for z in range(self.total):
            highlights.add(slices.light(z, highlights), slices.covered(z))
        return highlights

    def clipped_cells(self, slices: LevelSlices, cells: Region) -> np.ndarray:
        """The blurred share of clipped cells."""
        lit = self.level.lit(cells)
        height, width = lit.shape
        clipped = np.zeros((-(-height // 2), -(-width // 2)), np.float32)
        for z in range(self.total):
            samples, covered = slices.samples(z).cropped(lit).data, slices.covered(z)
            if covered is not None:
                samples = samples * covered.cropped(lit).data.astype(samples.dtype)
            kernels.highlights.mark_clipped(samples, self.level.full, clipped)
        return self.level.blurred_cells(clipped, cells) if clipped.any() else np.zeros(cells.shape, np.float32)

    def near_cells(self, access: Access, cells: Region) -> np.ndarray:
        """The share of clipped cells that the finer level wrote, means of 2 x 2."""
        (height, width), (y0, y1, x0, x1) = self.level.frame, cells
        region = Region(2 * y0, min(2 * y1, height), 2 * x0, min(2 * x1, width))
        return kernels.highlights.brightness(access.read(self.near, [(0, 1)], region), 1.0)

    def first_pass(self, access: Access, slices: LevelSlices, peak: Peak, place: Place | None, noise: float) -> None:
        """Find the strongest evidence at every pixel of the core; write the range and next level of the slices."""
        region, p = slices.region, self.source.planes
        core, half = self.level.core(region), half_region(region)
        shown = ShownRange()
        for z in range(self.total):
            low, evidence = slices.evidence(z)
            peak.add(evidence)
            if place:
                place.add(evidence)
            covered = slices.covered(z)
            shown.add(slices.samples(z).cropped(region).data,
                      None if covered is None else covered.cropped(region).data)  # fmt: skip
            if covered is not None:
                reduced = self.level.reduced_window(covered, half).data
                access.write(self.next_slices.coverage, [(z, z + 1)], half, np.clip(reduced, 0, 1)[None])
            kept = kept_samples(self.level, low.cropped(half).data)
            access.write(self.part("slices"), [(0, p), (z, z + 1)], half, kept[:, None])
            sure = kernels.detail_energy.significant(evidence, noise)
            share = kernels.pyramid.reduce(sure, (core.y0, core.x0), self.level.frame, half)
            access.write(self.part("evidence"), [(z, z + 1)], half, kernels.level_codes.to_bfloat16(share)[None])
        access.write(self.part("least"), [(0, p)], region, shown.least)
        access.write(self.part("most"), [(0, p)], region, shown.most)

    def second_pass(self, slices: LevelSlices, peak: Peak, place: Place | None, noise: float,
                    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """The weighted detail of the slices (planes, y, x), in the units of the samples, and the sum of weights."""
        focus, frame, region = kernels.focus_peak, self.level.frame, slices.region
        core = self.level.core(region)
        wide, inner = region.with_halo(Halo.uniform(focus.WEIGHT_BLUR[1]), frame), region.slices_in(core)
        part = wide.slices_in(core)
        best, tolerance = peak.best[part], peak.tolerance(noise, part)
        total, left = np.zeros(region.shape, np.float32), np.zeros(region.shape, np.float32)
        detail = np.zeros((self.source.planes, *region.shape), np.float32)
        top = self.inverse_top(peak, noise, region)
        for z in range(self.total):
            samples, (low, evidence) = slices.samples(z), slices.evidence(z)
            weight, covered = focus.weights(evidence[part], best, tolerance), slices.covered(z)
            if covered is not None:
                weight *= covered.cropped(wide).data
            weight = blur_region(Window(weight, wide, frame), focus.WEIGHT_BLUR, region)
            if covered is not None:
                weight *= covered.cropped(region).data
            here, there = samples.region, low.region
            origins = (here.y0, here.x0), (region.y0, region.x0), (there.y0, there.x0)
            kernels.pyramid_expand.add_detail(samples.data, weight, low.data, origins, frame, region, detail)
            if place and place.windows:
                place.add_again(evidence, z)
            if top is None:
                total += weight
            else:
                focus.add_shares(weight, evidence[inner], noise, top, total, left)
        total = total if top is None else np.maximum(left, np.float32(focus.LEAST_LEFT) * total)
        return detail, np.maximum(total, np.float32(LEAST_TOTAL)) if self.source.coverage else total

    def inverse_top(self, peak: Peak, noise: float, region: Region) -> np.ndarray | None:
        """One over the energy at the peak between slices; None where it is not estimated."""
        if not self.fusion.interpolates(self.level.number, self.total):
            return None
        core, focus = self.level.core(region), kernels.focus_peak
        gain = blur_region(Window(peak.gain(noise), core, self.level.frame), focus.GAIN_BLUR, region)
        return peak.inverse_top(gain, noise, region.slices_in(core))

    def planes(self) -> float:
        slices = self.source.planes * (self.source.sample_bytes / 4 + 0.25) + 1.25
        place = 12.0 if self.depth and self.total >= 2 * SWEEP else 0.0
        return 20.0 + place + 5.5 * self.source.planes + min(self.total, KEPT) * slices


def slice_reads(job: DetailJob) -> float:
    """How often a slice is read on average: where all do not stay in memory, most by every pass through them.

    As many passes as clipped highlights take.
    """
    if job.total <= KEPT:
        return 1.0
    passes = 2 + (job.level.number < HIGHLIGHTED) + (job.level.number == 0)
    return passes - (passes - 1) * (KEPT - 1) / job.total


def half_region(region: Region) -> Region:
    """A region of a level, beginning on even pixels, in the next coarser one."""
    return Region(*(-(-edge // 2) for edge in region))
