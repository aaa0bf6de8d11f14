"""The fusion of ``--bg=pyramid`` on whole frames in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

from imfuse_tiles import kernels
from imfuse_tiles.geometry import Halo, Region, Window
from imfuse_tiles.kernels.focus_peak import LEAST_LEFT, Peak
from imfuse_tiles.kernels.focus_place import Place, stored_place
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.focus_pyramid import (
    BASE_POWER,
    NOISE_PATCH,
    FocusPyramid,
    level_count,
    noise_energy,
    noise_pitch,
)
from imfuse_tiles.options.pyramid_level import (
    HIGHLIGHTED,
    Highlights,
    Level,
    blur_region,
    kept_detail,
    kept_samples,
    reconstruct_region,
    steady_region,
)

ONE = np.float32(1)


@dataclass(frozen=True)
class Blended:
    """A level: its detail, the least and most that the slices show, and where they peak (2, y, x)."""

    level: Level
    detail: np.ndarray
    least: np.ndarray
    most: np.ndarray
    peak: np.ndarray


@dataclass(frozen=True)
class WholePyramid:
    """The fusion of a stack (slices, planes, y, x) in its own number type, whose full scale is ``full``."""

    fusion: FocusPyramid
    stack: np.ndarray
    full: float

    @cached_property
    def variance(self) -> float:
        """That of the samples' noise: from energies at every second pixel of patches of all slices."""
        if self.fusion.noise is not None:
            return (self.fusion.noise / 100) ** 2
        energy, frame = kernels.detail_energy, self.stack.shape[2:]
        counts = np.zeros(energy.BINS, np.int64)
        pitch = noise_pitch(frame)
        taken = [np.arange(side) for side in frame]
        rows, columns = ((places % pitch < NOISE_PATCH) & (places % pitch % 2 == 0) for places in taken)
        for samples in self.stack:
            level = Level(0, frame, self.full)
            detail = self.detail_energy(level, samples)
            mean = Window.whole(detail).filtered(energy.box, Halo.uniform(2)).data
            counts += energy.histogram(mean[rows][:, columns])
        step = 0.0 if self.full == 1 else 1 / self.full
        return energy.noise_variance(counts, self.stack.shape[1], step)

    def detail_energy(self, level: Level, samples: np.ndarray) -> np.ndarray:
        whole = Region(0, level.frame[0], 0, level.frame[1])
        low = level.reduced_window(Window.whole(samples), Region(0, level.above[0], 0, level.above[1]))
        return kernels.detail_energy.energy(samples, low.data, ((0, 0), (0, 0)), level.frame, whole, level.full)

    @cached_property
    def levels(self) -> tuple[list[Blended], np.ndarray]:
        """All levels but the coarsest, the finest first, and the picture of the coarsest."""
        slices, found, near = list(self.stack), [], np.empty(0)
        finer: list[np.ndarray | None] = [None] * len(self.stack)
        level = Level(0, self.stack.shape[2:], self.full)
        for number in range(level_count(self.stack.shape[2:]) - 1):
            whole = Region(0, level.frame[0], 0, level.frame[1])
            above = Region(0, level.above[0], 0, level.above[1])
            low = [level.reduced_window(Window.whole(each), above) for each in slices]
            if number:
                near = kernels.highlights.brightness(near[None], 1.0)
            else:
                near = np.zeros(level.above, np.float32)
                for each in slices:
                    kernels.highlights.mark_clipped(each, self.full, near)
                near = level.blurred_cells(near, above)
            discounts = self.discounts(level, slices, near) if number < HIGHLIGHTED else [None] * len(slices)
            evidence = [level.evidence(Window.whole(each), down, share, whole, discount)
                        for each, down, share, discount in zip(slices, low, finer, discounts, strict=True)]  # fmt: skip
            found.append(self.blended(level, slices, low, evidence))
            slices = [kept_samples(level, each.data) for each in low]
            noise = noise_energy(level.number, self.stack.shape[1], self.variance)
            sure = [kernels.detail_energy.significant(each, noise) for each in evidence]
            shares = [kernels.pyramid.reduce(each, (0, 0), level.frame, above) for each in sure]
            finer = [kernels.level_codes.to_bfloat16(each) for each in shares]
            level = level.coarser
        shares = [kernels.level_codes.from_bfloat16(each) for each in finer if each is not None]
        picture = coarsest(slices, shares)
        return found, picture if level.exact else kernels.level_codes.sample_codes(picture, level.full)

    @staticmethod
    def discounts(level: Level, slices: list[np.ndarray], near: np.ndarray) -> list[Callable[[np.ndarray], None]]:
        """What diminishes the energy of each slice near highlights."""
        highlights = Highlights.of(level, Region(0, level.frame[0], 0, level.frame[1]), near)
        lights = [highlights.light(Window.whole(each)) for each in slices]
        for light in lights:
            highlights.add(light)
        return [partial(highlights.doubt, light) for light in lights]

    def blended(self, level: Level, slices: list[np.ndarray], low: list[Window], evidence: list[np.ndarray]) -> Blended:
        """The slices of a level weighed by their evidence."""
        focus, noise = kernels.focus_peak, noise_energy(level.number, self.stack.shape[1], self.variance)
        whole, peak = Region(0, level.frame[0], 0, level.frame[1]), Peak(level.frame)
        place = Place(peak, len(slices), noise, not self.fusion.unordered)
        for each in evidence:
            peak.add(each)
            place.add(each)
        everything = slice(None), slice(None)
        tolerance, detail = peak.tolerance(noise, everything), np.zeros(slices[0].shape, np.float32)
        weights = [self.blur(focus.weights(each, peak.best, tolerance), focus.WEIGHT_BLUR) for each in evidence]
        for samples, down, weight in zip(slices, low, weights, strict=True):
            origins = ((0, 0), (0, 0), (0, 0))
            kernels.pyramid_expand.add_detail(samples, weight, down.data, origins, level.frame, whole, detail)
        total, left = np.zeros_like(tolerance), np.zeros_like(tolerance)
        top = peak.inverse_top(self.blur(peak.gain(noise), focus.GAIN_BLUR), noise, everything)
        for each, weight in zip(evidence, weights, strict=True):
            focus.add_shares(weight, each, noise, top, total, left)
        if self.fusion.interpolates(level.number, len(slices)):
            total = np.maximum(left, np.float32(LEAST_LEFT) * total)
        for z, each in enumerate(evidence):
            if place.windows:
                place.add_again(each, z)
        bounds = np.min(slices, axis=0), np.max(slices, axis=0)
        found = stored_place(place.codes(everything), len(slices))
        return Blended(level, kept_detail(level, detail, total), *bounds, found)

    def blur(self, plane: np.ndarray, blur: tuple[float, int]) -> np.ndarray:
        return blur_region(Window.whole(plane), blur, Region(0, plane.shape[0], 0, plane.shape[1]))

    @cached_property
    def pictures(self) -> list[np.ndarray]:
        """The picture (planes, y, x) at every level but the coarsest, the finest first as 16-bit codes."""
        levels, below = self.levels
        made: list[np.ndarray] = []
        for blended in reversed(levels):
            level, bounds = blended.level, (blended.least, blended.most)
            whole, around = Region(0, level.frame[0], 0, level.frame[1]), Region(0, level.above[0], 0, level.above[1])
            overshoot = 0.0 if level.number else self.fusion.overshoot
            below = reconstruct_region(level, blended.detail, below, around, whole, bounds, overshoot)
            made.insert(0, below)
        codes = made[0] if made[0].dtype == np.uint16 else kernels.level_codes.sample_codes(made[0], 1.0)
        return [codes, *made[1:]]

    @property
    def picture(self) -> np.ndarray:
        """The fused picture (planes, y, x), 16-bit codes."""
        if len(self.stack) != 2:
            return self.pictures[0]
        copy = kernels.pair_copy
        decision = self.blur(copy.behind(self.place[0]), copy.DECISION_BLUR)
        samples, shown = copy.mix_pair((self.stack[0], self.stack[1]), self.full, decision)
        steps = copy.steps(self.pictures[0], samples, shown)
        apart = self.blur(copy.mean_square(steps), copy.APART_BLUR)
        light = copy.mean_square(np.stack([self.blur(plane, copy.LIGHT_BLUR) for plane in steps]))
        return copy.copy_sharp_samples(self.pictures[0], samples, apart, light, shown)

    @cached_property
    def place(self) -> np.ndarray:
        """Depth in slices from the first, and one over its variance (2, y, x)."""
        guides = [
            each if each.dtype == np.float32 else np.divide(each, 65535, dtype=np.float32) for each in self.pictures
        ]
        peaks = [blended.peak for blended in self.levels[0]]
        depth = kernels.depth_fill.coarsest_depth(peaks.pop())
        for number in reversed(range(len(peaks))):
            origins = ((0, 0), (0, 0))
            frame = peaks[number].shape[1:]
            peak = steady_region(Window.whole(peaks[number]), Region(0, frame[0], 0, frame[1]))
            depth = kernels.depth_fill.fill_depth(peak, guides[number], depth, guides[number + 1], origins)
        return depth

    @property
    def depth(self) -> tuple[np.ndarray, np.ndarray]:
        """Depth value with opacity (2, y, x), and confidence (y, x), all in 0..1."""
        depth = self.place
        value = (np.float32(len(self.stack) - 1) - depth[0]) / np.float32(len(self.stack))
        deviation = ONE / np.sqrt(np.maximum(depth[1], np.float32(1e-12)))
        return np.stack([np.clip(value, 0, 1), np.ones_like(value)]), ONE / (ONE + deviation)


def coarsest(slices: list[np.ndarray], evidence: list[np.ndarray]) -> np.ndarray:
    """The coarsest level: the slices weighed by a power of their evidence."""
    best = np.max(evidence, axis=0) + np.float32(1e-12)
    picture, total = np.zeros(slices[0].shape, np.float32), np.zeros_like(best)
    for samples, each in zip(slices, evidence, strict=True):
        weight = (each + np.float32(1e-12)) / best
        for _ in range(int(np.log2(BASE_POWER))):
            weight = weight * weight
        picture += weight * samples
        total += weight
    return picture / total
