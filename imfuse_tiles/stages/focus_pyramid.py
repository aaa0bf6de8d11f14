"""Fusion by local energy, one stage a level: from the finest, which decides with the coarser ones, and back.

A task takes one block of a level through all slices twice, one slice in memory at a time: first for the strongest
evidence at every pixel, then to weigh the slices by it. It stores the blended detail, the range of what the slices
show, and of every slice the next level with what its evidence contributes there: a quarter of the pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Halo, Region, Window
from imfuse_tiles.kernels.focus_peak import Peak
from imfuse_tiles.options.focus_pyramid import (
    BASE_POWER,
    CORE,
    HIGHLIGHTED,
    NOISE_PATCH,
    FocusPyramid,
    Highlights,
    Level,
    blurred,
    level_count,
    noise_energy,
    noise_pitch,
)
from imfuse_tiles.stages.masks import StoredFrames
from imfuse_tiles.stages.stage import Access, Block, Job, Output, Stage
from imfuse_tiles.storage.store import Store

#: Pixels around a block that its patches reach: they begin in it.
NOISE_HALO = Halo.uniform(NOISE_PATCH + 6)


@frozen
class NoiseJob(Job):
    """The variance of the samples' noise, from a histogram over patches of all slices."""

    kind: ClassVar[str] = "reduce"

    source: StoredFrames
    total: int

    def patches(self, region: Region) -> Iterator[Region]:
        """The patches that begin in a region."""
        pitch, (height, width) = noise_pitch(self.source.frame), self.source.frame
        for y in range(-(-region.y0 // pitch) * pitch, region.y1, pitch):
            for x in range(-(-region.x0 // pitch) * pitch, region.x1, pitch):
                yield Region(y, min(y + NOISE_PATCH, height), x, min(x + NOISE_PATCH, width))

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        level = Level(0, self.source.frame, self.source.full)
        counts = np.zeros(kernels.detail_energy.BINS, np.int64)
        around = block.region.with_halo(NOISE_HALO, level.frame)
        for z in range(self.total):
            samples = Window(self.source.samples(access, z, around), around, level.frame)
            for patch in self.patches(block.region):
                counts += patch_histogram(level, samples, patch)
        used = np.flatnonzero(counts)
        return {"bins": used.tolist(), "counts": counts[used].tolist()}

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        counts = np.zeros(kernels.detail_energy.BINS, np.int64)
        for report in reports:
            counts[report["bins"]] += np.asarray(report["counts"], np.int64)
        step = 0.0 if self.source.full == 1 else 1 / self.source.full
        return {"variance": kernels.detail_energy.noise_variance(counts, self.source.planes, step)}

    def planes(self) -> float:
        return 4.0


def patch_histogram(level: Level, samples: Window, patch: Region) -> np.ndarray:
    """The histogram of energies of detail, means of 5 x 5 pixels, at every second pixel of a patch of a slice."""
    wide = patch.with_halo(Halo.uniform(2), level.frame)
    coarse = Region(*kernels.pyramid.coarser(wide, level.above))
    need = Region(*kernels.pyramid.finer(coarse, level.frame))
    samples = samples.cropped(need)
    low, origins = level.reduced_window(samples, coarse), ((need.y0, need.x0), (coarse.y0, coarse.x0))
    detail = kernels.detail_energy.energy(samples.data, low.data, origins, level.frame, wide, level.full)
    mean = Window(detail, wide, level.frame).filtered(kernels.detail_energy.box, Halo.uniform(2)).cropped(patch).data
    return kernels.detail_energy.histogram(mean[::2, ::2])


@frozen
class DetailJob(Job):
    """One level: its blended detail, the range of the slices, where they peak, and every slice's next level."""

    kind: ClassVar[str] = "fold"

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

    def part(self, name: str) -> str:
        """Where one of the outputs goes."""
        return f"{self.out}-{name}"

    def outputs(self) -> list[Output]:
        p, n = self.source.planes, self.total
        shown = "float32" if self.level.number else self.source.dtype
        near = [] if self.level.number else [Output(self.part("near"), (1,), (1,), "float32", level=1)]
        return [
            *near,
            Output(self.part("detail"), (p,), (p,), "float32"),
            Output(self.part("least"), (p,), (p,), shown),
            Output(self.part("most"), (p,), (p,), shown),
            Output(self.part("peak"), (2,), (2,), "float32"),
            Output(self.part("slices"), (p, n), (p, 1), "float32", level=1, folded=True),
            Output(self.part("evidence"), (n,), (1,), "float32", level=1, folded=True),
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
        highlights = self.highlights(access, block.region)
        peak = self.first_pass(access, block.region, highlights)
        detail = self.second_pass(access, block.region, highlights, peak)
        region, noise = block.region, self.noise_energy(access.store)
        access.write(self.part("detail"), [(0, self.source.planes)], region, detail)
        inner = region.slices_in(self.level.core(region))
        place = np.stack([plane[inner] for plane in peak.place(noise, not self.fusion.unordered)])
        access.write(self.part("peak"), [(0, 2)], region, place)
        return {}

    def highlights(self, access: Access, region: Region) -> Highlights | None:
        """The clipped highlights near a region; at the finest level what it says of them to the next one is written."""
        if self.level.number >= HIGHLIGHTED:
            return None
        level, cells = self.level, self.level.cells(region)
        lit = level.lit(cells)
        read = lambda z: Window(self.source.samples(access, z, lit), lit, level.frame)  # noqa: E731
        near = self.near_cells(access, cells) if self.near else self.clipped_cells(read, cells)
        if not self.near:
            half = halved(region)
            access.write(self.part("near"), [(0, 1)], half, near[half.slices_in(cells)][None])
        if not near.any():
            return None
        highlights = Highlights.of(level, region, near)
        for z in range(self.total):
            highlights.add(read(z))
        return highlights

    def clipped_cells(self, read: Callable[[int], Window], cells: Region) -> np.ndarray:
        """The blurred share of clipped cells."""
        height, width = self.level.lit(cells).shape
        clipped = np.zeros((-(-height // 2), -(-width // 2)), np.float32)
        for z in range(self.total):
            kernels.highlights.mark_clipped(read(z).data, self.level.full, clipped)
        return self.level.blurred_cells(clipped, cells)

    def near_cells(self, access: Access, cells: Region) -> np.ndarray:
        """The share of clipped cells that the finer level wrote, means of 2 x 2."""
        (height, width), (y0, y1, x0, x1) = self.level.frame, cells
        region = Region(2 * y0, min(2 * y1, height), 2 * x0, min(2 * x1, width))
        return kernels.highlights.brightness(access.read(self.near, [(0, 1)], region), 1.0)

    def slices(
        self, access: Access, region: Region, highlights: Highlights | None
    ) -> Iterator[tuple[Window, Window, np.ndarray]]:
        """Samples, the next coarser level, and evidence over the core of a region, slice by slice."""
        need, coarse = self.level.around(region)
        core = self.level.core(region)
        for z in range(self.total):
            samples = Window(self.source.samples(access, z, need), need, self.level.frame)
            low = self.level.reduced_window(samples, coarse)
            finer = access.read(self.finer, [(z, z + 1)], core)[0] if self.finer else None
            yield samples, low, self.level.evidence(samples, low, finer, core, highlights)

    def first_pass(self, access: Access, region: Region, highlights: Highlights | None) -> Peak:
        """The strongest evidence at every pixel of the core; writes the range and the next level of the slices."""
        core, p = self.level.core(region), self.source.planes
        peak = kernels.focus_peak.Peak(core.shape)
        least = most = np.empty(0)
        half = halved(region)
        for z, (samples, low, evidence) in enumerate(self.slices(access, region, highlights)):
            peak.add(evidence)
            own = samples.cropped(region).data
            least, most = (np.minimum(least, own), np.maximum(most, own)) if z else (own.copy(), own.copy())
            access.write(self.part("slices"), [(0, p), (z, z + 1)], half, low.cropped(half).data[:, None])
            share = kernels.pyramid.reduce(evidence, (core.y0, core.x0), self.level.frame, half)
            access.write(self.part("evidence"), [(z, z + 1)], half, share[None])
        access.write(self.part("least"), [(0, p)], region, least)
        access.write(self.part("most"), [(0, p)], region, most)
        return peak

    def second_pass(self, access: Access, region: Region, highlights: Highlights | None, peak: Peak) -> np.ndarray:
        """The blended detail (planes, y, x) of a region, in the units of the samples."""
        focus, frame, core = kernels.focus_peak, self.level.frame, self.level.core(region)
        noise = self.noise_energy(access.store)
        tolerance, inner = peak.tolerance(noise), region.slices_in(core)
        wide = region.with_halo(Halo.uniform(focus.WEIGHT_BLUR[1]), frame)
        part = wide.slices_in(core)
        best, tolerance = peak.best[part], tolerance[part]
        total, left = np.zeros(region.shape, np.float32), np.zeros(region.shape, np.float32)
        detail = np.zeros((self.source.planes, *region.shape), np.float32)
        top = None
        if self.fusion.interpolates(self.level.number, self.total):
            gain = blurred(Window(peak.gain(noise), core, frame), focus.GAIN_BLUR, region)
            top = peak.inverse_top(gain, noise, inner)
        for samples, low, evidence in self.slices(access, region, highlights):
            weight = focus.weights(evidence[part], best, tolerance)
            weight = blurred(Window(weight, wide, frame), focus.WEIGHT_BLUR, region)
            origins = [(each.y0, each.x0) for each in (samples.region, region, low.region)]
            kernels.pyramid.add_detail(samples.data, weight, low.data, tuple(origins), frame, region, detail)
            if top is None:
                total += weight
            else:
                focus.add_shares(weight, evidence[inner], noise, top, total, left)
        if top is not None:
            total = np.maximum(left, np.float32(focus.LEAST_LEFT) * total)
        detail /= total
        return detail

    def planes(self) -> float:
        return 20.0 + 5.5 * self.source.planes


def halved(region: Region) -> Region:
    """A region of a level, beginning on even pixels, in the next coarser one."""
    return Region(*(-(-edge // 2) for edge in region))


@frozen
class CoarsestJob(Job):
    """The coarsest level: the slices weighed by a power of their evidence."""

    kind: ClassVar[str] = "fold"

    source: StoredFrames
    evidence: str
    total: int
    out: str

    def output(self) -> Output:
        return Output(self.out, (self.source.planes,), (self.source.planes,), "float32")

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        region, best = block.region, np.zeros(block.region.shape, np.float32)
        for z in range(self.total):
            np.maximum(best, access.read(self.evidence, [(z, z + 1)], region)[0], out=best)
        best += np.float32(1e-12)
        picture, total = np.zeros((self.source.planes, *region.shape), np.float32), np.zeros_like(best)
        for z in range(self.total):
            weight = base_weight(access.read(self.evidence, [(z, z + 1)], region)[0], best)
            picture += weight * self.source.samples(access, z, region)
            total += weight
        access.write(self.out, [(0, self.source.planes)], region, picture / total)
        return {}

    def planes(self) -> float:
        return 6.0 + 3 * self.source.planes


def base_weight(evidence: np.ndarray, best: np.ndarray) -> np.ndarray:
    """The weight of a slice at the coarsest level; ``best``: the strongest evidence + 1e-12."""
    share = (evidence + np.float32(1e-12)) / best
    for _ in range(BASE_POWER.bit_length() - 1):
        share = share * share
    return share


@frozen
class RestoreJob(Job):
    """The picture at one level: its detail upon the coarser picture, kept in the range of what the slices show."""

    blend: DetailJob
    below: str
    out: str

    @property
    def last(self) -> bool:
        """Whether this is the finest level, written as 16-bit codes."""
        return self.blend.level.number == 0

    def output(self) -> Output:
        p = self.blend.source.planes
        return Output(self.out, (p, 1), (p, 1), "uint16") if self.last else Output(self.out, (p,), (p,), "float32")

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        level, lead, region = self.blend.level, [(0, self.blend.source.planes)], block.region
        picture = access.read(self.blend.part("detail"), lead, region)
        around = Region(*kernels.pyramid.coarser(region, level.above))
        low = access.read(self.below, lead, around)
        kernels.pyramid.add_expanded(low, (around.y0, around.x0), level.frame, region, picture)
        least, most = (access.read(self.blend.part(name), lead, region) for name in ("least", "most"))
        picture = within(picture, least, most, self.blend.fusion.overshoot if self.last else 0.0)
        if self.last:
            codes = as_codes(picture, level.full)
            access.write(self.out, [*lead, (0, 1)], region, codes[:, None])
        else:
            access.write(self.out, lead, region, picture)
        return {}

    def picture(self, access: Access, region: Region) -> np.ndarray:
        """The picture of a region as it was written, (planes, y, x) in 0..1."""
        lead = [(0, self.blend.source.planes)]
        if self.last:
            return kernels.codes.scaled(access.read(self.out, [*lead, (0, 1)], region)[:, 0], 65535)
        return access.read(self.out, lead, region) / np.float32(self.blend.level.full)

    def planes(self) -> float:
        return 6.0 * self.blend.source.planes


def within(picture: np.ndarray, least: np.ndarray, most: np.ndarray, overshoot: float) -> np.ndarray:
    """A picture between bounds that are widened by percents of their distance."""
    least, most = least.astype(np.float32, copy=False), most.astype(np.float32, copy=False)
    room = (most - least) * np.float32(overshoot / 100)
    return np.minimum(np.maximum(picture, least - room), most + room)


def as_codes(picture: np.ndarray, full: float) -> np.ndarray:
    """Samples of some full scale as 16-bit codes."""
    return np.clip(picture * np.float32(65535 / full) + np.float32(0.5), 0, 65535).astype(np.uint16)


@frozen
class Fused:
    """What is planned of a fusion: how its picture is read, and the picture of every level, the coarsest first."""

    picture: StoredFrames
    restored: tuple[tuple[RestoreJob, str], ...]


def fused(add: Callable[..., Stage], source: StoredFrames, key: str, fusion: FocusPyramid, total: int) -> Fused:
    """Plan a fusion of ``total`` slices with ``add``, which takes what makes a stage.

    ``key``: that of the stack. The picture holds 16-bit codes (planes, 1, y, x), like a stack of one slice.
    """
    noise = ""
    if fusion.noise is None:
        noise = NoiseJob.key(key)
        add("measure noise", noise, NoiseJob(source, total), halo=NOISE_HALO, inputs=(key,))
    levels = blended(add, source, key, fusion, total, noise)
    last, made = levels[-1]
    inputs: tuple[str, ...] = (made,)
    made = CoarsestJob.key(inputs)
    coarsest = StoredFrames(last.part("slices"), source.planes, last.level.above, source.full)
    base = CoarsestJob(coarsest, last.part("evidence"), total, f"pyramid/{made}")
    add("fuse coarsest level", made, base, base.output(), frame=coarsest.frame, inputs=inputs)
    below, restored = base.out, []
    for job, detail in reversed(levels):
        inputs = (detail, made)
        made = RestoreJob.key(*inputs)
        restore = RestoreJob(job, below, f"image/{made}")
        add(f"restore level {job.level.number}", made, restore, restore.output(), frame=job.level.frame, inputs=inputs)
        restored.append((restore, made))
        below = restore.out
    return Fused(StoredFrames(below, source.planes, source.frame, 65535.0, key=made), tuple(restored))


def blended(add: Callable[..., Stage], source: StoredFrames, key: str, fusion: FocusPyramid, total: int,
            noise: str) -> list[tuple[DetailJob, str]]:  # fmt: skip
    """Plan the levels of the pyramid from the finest on; the jobs with their keys."""
    seen, finer, made = source, "", key
    jobs: list[tuple[DetailJob, str]] = []
    for number in range(level_count(source.frame) - 1):
        inputs = (made, *((noise,) if noise else ()))
        level = Level(number, seen.frame, source.full)
        made = DetailJob.key(inputs, number, str(fusion))
        near = jobs[0][0].part("near") if number == 1 else ""
        job = DetailJob(seen, level, fusion, total, finer, noise, f"pyramid/{made}", near)
        add(f"fuse level {number}", made, job, *job.outputs(), frame=level.frame, halo=Halo.uniform(REACH),
            inputs=inputs, grain=2)  # fmt: skip
        jobs.append((job, made))
        seen = StoredFrames(job.part("slices"), source.planes, level.above, source.full)
        finer = job.part("evidence")
    return jobs


#: Pixels around a block that its samples are read from: core, energy's window, and one level up and down.
REACH = CORE.radius + kernels.detail_energy.RADIUS + 4
