"""What a run computes, said on whole frames in memory: every tiled run must equal it bit for bit.

No tiles, no store, no plan: masks, levelling, merging, the montage, final steps and backgrounds in their order,
with the arithmetic of the options and plain NumPy between. Pictures from files are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.geometry import Halo, Region, Window
from imfuse_tiles.kernels.focus_peak import LEAST_LEFT, Peak
from imfuse_tiles.options.backgrounds import ImageSpec, parse_image_spec
from imfuse_tiles.options.cuts import Cut, CutBg, CutLess
from imfuse_tiles.options.final_steps import Picture
from imfuse_tiles.options.focus_pyramid import (
    BASE_POWER,
    HIGHLIGHTED,
    NOISE_PATCH,
    FocusPyramid,
    Highlights,
    Level,
    blur_region,
    kept_detail,
    kept_samples,
    level_count,
    noise_energy,
    noise_pitch,
    reconstruct_region,
    steady_region,
)
from imfuse_tiles.options.fusion_weights import FusionWeights
from imfuse_tiles.options.general import PrepResize
from imfuse_tiles.options.mask_computation import coloured, raw_mask
from imfuse_tiles.options.mask_generator import MaskGenerator
from imfuse_tiles.options.recipe import Recipe, mask_weights, substack_spans

ONE, FULL = np.float32(1), np.float32(65535)


def fuse(recipe: Recipe, stack: np.ndarray, full: float, guide: np.ndarray | None = None) -> np.ndarray:
    """The result's planes: colours, opacity, final mask, depth value and its opacity, uint16.

    ``stack`` (slices, planes, y, x), front first, in its own number type; ``full`` its value of full scale. ``guide``:
    the frames that masks are computed of, such as another channel of the same type; None: these themselves.
    """
    recipe, white = recipe.for_stack(len(stack)), np.float32(full)
    return Reference(recipe, stack, white, None if guide is None else Reference(recipe, guide, white)).result()


@dataclass(frozen=True)
class Reference:
    """A recipe and the whole stack."""

    recipe: Recipe
    stack: np.ndarray
    full: np.float32
    guide: Reference | None = None

    def result(self) -> np.ndarray:
        """Substacks after their final steps, the front one on top, over what the cuts left and the backgrounds."""
        made = (
            [self.finished(*span) for span in substack_spans(self.recipe, len(self.stack))]
            if self.recipe.generators
            else []
        )
        layers = [np.clip(self.picture(op.image_spec), 0, 1) for op in self.recipe.backgrounds]
        layers += [layer for _, behind in reversed(made) for layer in behind]
        colours = max(self.stack.shape[1], *(len(layer) - 1 for layer in layers), 1)
        canvas, depth = (np.zeros((count, *self.stack.shape[2:]), np.float32) for count in (colours + 1, 2))
        surface = np.zeros_like(canvas[0])
        if self.recipe.backgrounds and self.recipe.backgrounds[-1].image_spec.kind == "pyramid":
            depth, surface = self._pyramid(self.recipe.backgrounds[-1].image_spec).depth
        for layer in layers:
            canvas = kernels.fold.over(repeated(layer, colours), canvas)
        for picture, _ in reversed(made):
            canvas = kernels.fold.over(repeated(picture.image.data, colours), canvas)
            depth = kernels.fold.over(picture.depth.data, depth)
        mask = np.max([surface, *(picture.mask.data for picture, _ in made)], axis=0)
        planes = np.clip(np.concatenate([canvas, mask[None], depth]), 0, 1)
        return (planes * np.float32(65535) + np.float32(0.5)).astype(np.uint16)

    # Masks

    @property
    def resize(self) -> PrepResize | None:
        """What masks are made smaller by."""
        return self.recipe.single_option(PrepResize)

    def frame(self, z: int) -> np.ndarray:
        """A slice (planes, y, x) in 0..1."""
        return np.divide(self.stack[z], self.full, dtype=np.float32)

    def small(self, planes: np.ndarray) -> Window:
        """Planes at the size that masks are made in."""
        window = Window.whole(planes)
        if self.resize is None:
            return window
        height, width = self.resize.size(window.frame)
        return self.resize.to_mask_size(
            lambda part: window.cropped(part).data, window.frame, Region(0, height, 0, width)
        )

    def seen(self, op: MaskGenerator, z: int) -> Window:
        """What a generator looks at of a slice: the whole numbers that it is made of, if it can."""
        codes = self.full != 1 and self.resize is None and op.accepts_codes(self.recipe.working_space)
        return Window.whole(self.stack[z]) if codes else self.small(self.frame(z))

    def mask(self, op: MaskGenerator) -> list[np.ndarray]:
        """A generator's mask of every slice, levelled over the stack."""
        image = None if op.I is None else self.small(self.picture(parse_image_spec(f"--{op.name}", op.I))[:-1])
        raw = [raw_mask(op, self.seen(op, z), self.recipe.working_space, image).data for z in range(len(self.stack))]
        if not op.is_levelled:
            return raw
        low, high = (kernels.level.six_digits(float(each)) for each in (np.min(raw), np.max(raw)))
        equalised = op.clut and low < high
        counts = kernels.level.histogram(np.max(raw, axis=0), low, high) if equalised else None
        curve = None if counts is None else kernels.level.equalisation(counts)
        return [kernels.level.stretch_levels(each, low, high, kernels.level.table(curve)) for each in raw]

    def blend(self) -> list[np.ndarray]:
        """The masks of every slice merged, filtered, stretched over the stack, and as large as the frame."""
        recipe = self.recipe
        parts = [
            (op, weight, self.mask(op)) for op, weight in zip(recipe.generators, mask_weights(recipe), strict=True)
        ]
        masks = []
        for z in range(len(self.stack)):
            mask = np.full_like(parts[0][2][z], recipe.merge.base_value)
            for filtered in (True, False):
                for op, weight, own in parts:
                    if op.is_filtered == filtered:
                        mask = recipe.merge.blend(mask, kernels.level.threshold_and_weigh(own[z], op.t, op.T, weight))
                for step in recipe.filters if filtered else ():
                    mask = step.apply(Window.whole(mask)).data
            masks.append(np.clip(mask, 0, 1))
        low, high = recipe.level.limits(float(np.min(masks)), float(np.max(masks)))
        if (low, high) != (0, 1):
            masks = [kernels.level.stretch_levels(mask, low, high, np.empty(0, np.float32)) for mask in masks]
        return [self.large(mask) for mask in masks]

    def large(self, mask: np.ndarray) -> np.ndarray:
        """A mask at the size of the frame."""
        if self.resize is None:
            return mask
        small, (height, width) = Window.whole(mask[None]), self.stack.shape[2:]
        whole = Region(0, height, 0, width)
        return self.resize.to_frame_size(lambda part: small.cropped(part).data, (height, width), whole).data[0]

    # The montage

    def montage(self, first: int, last: int) -> tuple[Picture, list[np.ndarray]]:
        """Slices painted from the back to the front; and what was left for backgrounds."""
        guide, cuts = replace(self.guide or self, recipe=self.recipe), self.recipe.cuts
        masks = guide.blend()
        strongest = np.zeros_like(masks[0])
        valley = np.full_like(strongest, np.inf)
        layers = [op for op in cuts if isinstance(op, CutBg)]
        canvas, *behind = (np.zeros((self.stack.shape[1] + 2, *strongest.shape), np.float32) for _ in [None, *layers])
        for z in range(last, first - 1, -1):
            mask = masks[z]
            taken = (mask >= strongest) & (mask > 0)
            strongest = np.maximum(strongest, mask)
            if cuts and isinstance(cuts[0], CutLess):
                valley = np.where(taken, strongest, valley)
                strongest = np.where(mask > valley + np.float32(cuts[0].p / 100), mask, strongest)
                valley = np.minimum(valley, mask)
                taken = (mask >= strongest) & (strongest > 0)
            hard, m, s = (Window.whole(each) for each in (taken.astype(np.float32), mask, strongest))
            cut, at = Cut(hard, m, s, hard), 0
            for op in cuts:
                if isinstance(op, CutBg):
                    behind[at] = self.painted(z, cut.alpha.data, behind[at])
                    at += 1
                cut = op.apply(cut)
            canvas = self.painted(z, cut.alpha.data, canvas)
        image, depth = split_canvas(canvas)
        for op, layer in zip(layers, behind, strict=True):
            if op.word1 == "compose":
                image = kernels.fold.over(image, split_canvas(layer)[0])
        left = [split_canvas(layer)[0] for op, layer in zip(layers, behind, strict=True) if op.word1 == "background"]
        image, strongest, *left = (stored(planes, self.full) for planes in (image, strongest, *left))
        return Picture(Window.whole(image), Window.whole(strongest), Window.whole(depth)), left

    def painted(self, z: int, cut: np.ndarray, canvas: np.ndarray) -> np.ndarray:
        """A slice and its depth over a canvas (colours, depth, opacity), all times the opacity."""
        opacity, place = np.clip(cut, 0, 1), np.float32((len(self.stack) - z - 1) / len(self.stack))
        top = np.concatenate([self.frame(z), np.stack([np.full_like(cut, place), np.ones_like(cut)])])
        return top * opacity + canvas * (ONE - opacity)

    def finished(self, first: int, last: int) -> tuple[Picture, list[np.ndarray]]:
        """A substack after the final steps."""
        picture, behind = self.montage(first, last)
        for op in self.recipe.finals:
            numbers = op.merge_measurements([op.measure(picture, picture.image.region)]) if op.needs_measuring else {}
            picture = op.apply(picture, numbers)
        return picture, behind

    # Pictures of the stack

    def picture(self, made: ImageSpec) -> np.ndarray:
        """Colours with opacity (c + 1, y, x) of a picture; sums may exceed 1."""
        if made.kind in ("colour", "clear"):
            values = np.asarray(made.value or (0, 0, 0, 0), np.float32)
            planes = np.broadcast_to(values[:, None, None], (4, *self.stack.shape[2:]))
            return planes if made.needs_colour else planes[[0, 3]]
        if made.kind == "recipe":
            return (
                replace(self, recipe=Recipe.from_options(made.options)).finished(0, len(self.stack) - 1)[0].image.data
            )
        if made.kind == "enfuse":
            codes = fused_by_levels(self.stack, float(self.full), FusionWeights.parse("", made.mode))
            planes = np.divide(codes, FULL, dtype=np.float32)
        elif made.kind == "pyramid":
            planes = np.divide(self._pyramid(made).picture, FULL, dtype=np.float32)
        elif made.kind == "compose":
            low, high = evaluate_stack(self.stack, "Min"), evaluate_stack(self.stack, "Max")
            planes = kernels.blend.blend(made.mode, *((high, low) if made.swapped else (low, high)))
        else:
            planes = evaluate_stack(self.stack, made.mode)
        return np.concatenate([planes, np.ones_like(planes[:1])])

    def _pyramid(self, made: ImageSpec) -> PyramidReference:
        """A fusion by local energy."""
        return PyramidReference(FocusPyramid.read("", made.mode), self.stack, float(self.full))


def evaluate_stack(stack: np.ndarray, mode: str) -> np.ndarray:
    """A statistic over the slices of a stack (slices, planes, y, x)."""
    if mode == "Median":
        return kernels.evaluate.median(np.stack([coloured(frame) for frame in stack]))[: stack.shape[1]]
    state = kernels.evaluate.Evaluation(mode)
    for samples in stack:
        state.add(samples)
    return state.result()


def stored(planes: np.ndarray, full: np.float32) -> np.ndarray:
    """Planes of a montage, but for the depth, as they are kept: rounded to 16 bits unless the stack is float32."""
    if full == 1:
        return planes
    return (np.clip(planes, 0, 1) * FULL + np.float32(0.5)).astype(np.uint16).astype(np.float32) / FULL


def split_canvas(canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours with opacity and depth with opacity of a canvas, divided by the opacity."""
    opacity = canvas[-1:]
    plain = np.where(opacity > 0, canvas[:-1] / np.where(opacity > 0, opacity, ONE), np.float32(0))
    return np.concatenate([plain[:-1], opacity]), np.concatenate([plain[-1:], opacity])


def repeated(planes: np.ndarray, colours: int) -> np.ndarray:
    """Colours with opacity in ``colours`` planes and the opacity, grey repeated."""
    return planes if len(planes) == colours + 1 else planes[[*[0] * colours, -1]]


def fused_by_levels(stack: np.ndarray, full: float, fusion: FusionWeights) -> np.ndarray:
    """The picture, uint16 (planes, y, x), of a stack (slices, planes, y, x) whose full scale is ``full``."""
    frame = stack.shape[2:]
    count = kernels.pyramid.levels_for(*frame)
    sizes = [kernels.pyramid.size_at(frame, level) for level in range(count)]
    sums = [np.zeros((stack.shape[1], *size), np.float32) for size in sizes]
    for samples, mask in zip(stack, level_masks(stack, fusion), strict=True):
        for level, size in enumerate(sizes[:-1]):
            above, here = Region(0, sizes[level + 1][0], 0, sizes[level + 1][1]), Region(0, size[0], 0, size[1])
            low = kernels.pyramid.reduce(samples, (0, 0), size, above)
            kernels.pyramid.add_detail(samples, mask, low, ((0, 0),) * 3, size, here, sums[level])
            samples, mask = low, kernels.pyramid.reduce(mask, (0, 0), size, above)
        sums[-1] += samples * mask
    picture = sums.pop()
    for size, detail in zip(sizes[-2::-1], sums[::-1], strict=True):
        kernels.pyramid.add_expanded(picture, (0, 0), size, Region(0, size[0], 0, size[1]), detail)
        picture = detail
    return np.clip(picture * np.float32(65535 / full) + np.float32(0.5), 0, 65535).astype(np.uint16)


def level_masks(stack: np.ndarray, fusion: FusionWeights) -> list[np.ndarray]:
    """What every slice counts at every pixel: all together 1."""
    share = np.float32(1 / len(stack))
    weights = [fusion.weights(Window.whole(samples)).data for samples in stack]
    if not fusion.soft:
        none, first = np.max(weights, axis=0) == 0, np.argmax(weights, axis=0)
        return [np.where(none, share, (first == z).astype(np.float32)) for z in range(len(stack))]
    total = np.zeros_like(weights[0])
    for weight in weights:
        total += weight
    return [np.where(total > 0, weight / np.where(total > 0, total, 1), share) for weight in weights]


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
class PyramidReference:
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
            highlights = Highlights.of(level, whole, near) if number < HIGHLIGHTED else None
            if highlights is not None:
                for each in slices:
                    highlights.add(Window.whole(each))
            evidence = [level.evidence(Window.whole(each), down, share, whole, highlights)
                        for each, down, share in zip(slices, low, finer, strict=True)]  # fmt: skip
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

    def blended(self, level: Level, slices: list[np.ndarray], low: list[Window], evidence: list[np.ndarray]) -> Blended:
        """The slices of a level weighed by their evidence."""
        focus, noise = kernels.focus_peak, noise_energy(level.number, self.stack.shape[1], self.variance)
        whole, peak = Region(0, level.frame[0], 0, level.frame[1]), Peak(level.frame)
        for each in evidence:
            peak.add(each)
        everything = slice(None), slice(None)
        tolerance, detail = peak.tolerance(noise, everything), np.zeros(slices[0].shape, np.float32)
        weights = [self.blur(focus.weights(each, peak.best, tolerance), focus.WEIGHT_BLUR) for each in evidence]
        for samples, down, weight in zip(slices, low, weights, strict=True):
            origins = ((0, 0), (0, 0), (0, 0))
            kernels.pyramid.add_detail(samples, weight, down.data, origins, level.frame, whole, detail)
        total, left = np.zeros_like(tolerance), np.zeros_like(tolerance)
        top = peak.inverse_top(self.blur(peak.gain(noise), focus.GAIN_BLUR), noise, everything)
        for each, weight in zip(evidence, weights, strict=True):
            focus.add_shares(weight, each, noise, top, total, left)
        if self.fusion.interpolates(level.number, len(slices)):
            total = np.maximum(left, np.float32(LEAST_LEFT) * total)
        for z, each in enumerate(evidence):
            if peak.reach > 1 and not self.fusion.unordered:
                peak.add_near(each, z, noise)
        place = focus.stored_place(peak.place(noise, not self.fusion.unordered, everything), len(slices))
        bounds = np.min(slices, axis=0), np.max(slices, axis=0)
        return Blended(level, kept_detail(level, detail, total), *bounds, place)

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
        depth = peaks.pop()
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
