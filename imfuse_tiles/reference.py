"""What a run computes, said on whole frames in memory: every tiled run must equal it bit for bit.

No tiles, no store, no plan: masks, levelling, merging, the montage, final steps and backgrounds in their order,
with the arithmetic of the options and plain NumPy between. Pictures from files are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.geometry import Window
from imfuse_tiles.options.backgrounds import ImageSpec
from imfuse_tiles.options.cuts import Cut, CutBg, CutLess
from imfuse_tiles.options.final_steps import Picture
from imfuse_tiles.options.focus_pyramid import FocusPyramid
from imfuse_tiles.options.fusion_weights import FusionWeights
from imfuse_tiles.options.mask_computation import coloured
from imfuse_tiles.options.recipe import Recipe, substack_spans
from imfuse_tiles.options.whole_frames.enfuse import fused_by_levels
from imfuse_tiles.options.whole_frames.focus_pyramid import WholePyramid
from imfuse_tiles.options.whole_frames.masks import WholeMasks, scale_to_unit

ONE, FULL = np.float32(1), np.float32(65535)


def fuse(
    recipe: Recipe,
    stack: np.ndarray,
    full: float,
    guide: np.ndarray | None = None,
    coverage: np.ndarray | None = None,
) -> np.ndarray:
    """The result's planes: colours, opacity, final mask, depth value and its opacity, uint16.

    ``stack`` (slices, planes, y, x), front first, in its own number type; ``full`` its value of full scale. ``guide``:
    the frames that masks are computed of, such as another channel of the same type; None: these themselves.
    ``coverage``: which pixels of the slices are picture, bool (slices, y, x); None: all. With it the samples of the
    others are those that reading fills in, and ``--bg=pyramid`` is not computed.
    """
    recipe, white = recipe.for_stack(len(stack)), np.float32(full)
    seen = None if guide is None else Reference(recipe, guide, white, coverage=coverage)
    return Reference(recipe, stack, white, seen, coverage).result()


@dataclass(frozen=True)
class Reference:
    """A recipe and the whole stack."""

    recipe: Recipe
    stack: np.ndarray
    full: np.float32
    guide: Reference | None = None
    coverage: np.ndarray | None = None

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
            canvas = kernels.composite.over(repeated(layer, colours), canvas)
        for picture, _ in reversed(made):
            canvas = kernels.composite.over(repeated(picture.image.data, colours), canvas)
            depth = kernels.composite.over(picture.depth.data, depth)
        mask = np.max([surface, *(picture.mask.data for picture, _ in made)], axis=0)
        planes = np.clip(np.concatenate([canvas, mask[None], depth]), 0, 1)
        return (planes * np.float32(65535) + np.float32(0.5)).astype(np.uint16)

    # The montage

    def montage(self, first: int, last: int) -> tuple[Picture, list[np.ndarray]]:
        """Slices painted from the back to the front; and what was left for backgrounds."""
        guide, cuts = replace(self.guide or self, recipe=self.recipe), self.recipe.cuts
        masks = WholeMasks(self.recipe, guide.stack, guide.full, guide.picture, self.coverage).blend()
        strongest = np.zeros_like(masks[0])
        valley = np.full_like(strongest, np.inf)
        layers = [op for op in cuts if isinstance(op, CutBg)]
        canvas, *behind = (np.zeros((self.stack.shape[1] + 2, *strongest.shape), np.float32) for _ in [None, *layers])
        for z in range(last, first - 1, -1):
            mask, before = masks[z], (strongest, valley)
            taken = (mask >= strongest) & (mask > 0)
            strongest = np.maximum(strongest, mask)
            if cuts and isinstance(cuts[0], CutLess):
                valley = np.where(taken, strongest, valley)
                strongest = np.where(mask > valley + np.float32(cuts[0].p / 100), mask, strongest)
                valley = np.minimum(valley, mask)
                taken = (mask >= strongest) & (strongest > 0)
            hard, m, s = (Window.whole(each) for each in (taken.astype(np.float32), mask, strongest))
            cut, at = Cut(hard, m, s, hard), 0
            covered = np.True_ if self.coverage is None else self.coverage[z]
            strongest, valley = (np.where(covered, *pair) for pair in zip((strongest, valley), before, strict=True))
            for op in cuts:
                if isinstance(op, CutBg):
                    behind[at] = self.painted(z, cut.alpha.data * covered, behind[at])
                    at += 1
                cut = op.apply(cut)
            canvas = self.painted(z, cut.alpha.data * covered, canvas)
        image, depth = split_canvas(canvas)
        for op, layer in zip(layers, behind, strict=True):
            if op.word1 == "compose":
                image = kernels.composite.over(image, split_canvas(layer)[0])
        left = [split_canvas(layer)[0] for op, layer in zip(layers, behind, strict=True) if op.word1 == "background"]
        image, strongest, *left = (stored(planes, self.full) for planes in (image, strongest, *left))
        return Picture(Window.whole(image), Window.whole(strongest), Window.whole(depth)), left

    def painted(self, z: int, cut: np.ndarray, canvas: np.ndarray) -> np.ndarray:
        """A slice and its depth over a canvas (colours, depth, opacity), all times the opacity."""
        opacity, place = np.clip(cut, 0, 1), np.float32((len(self.stack) - z - 1) / len(self.stack))
        depth = np.stack([np.full_like(cut, place), np.ones_like(cut)])
        top = np.concatenate([scale_to_unit(self.stack[z], self.full), depth])
        return top * opacity + canvas * (ONE - opacity)

    def finished(self, first: int, last: int) -> tuple[Picture, list[np.ndarray]]:
        """A substack after the final steps."""
        picture, behind = self.montage(first, last)
        for op in self.recipe.finals:
            numbers = {}
            if op.needs_measuring:
                picture = self.within_area(picture)
                numbers = op.merge_measurements([op.measure(picture, picture.image.region)])
            picture = op.apply(picture, numbers)
        return self.within_area(picture), behind

    def within_area(self, picture: Picture) -> Picture:
        """A picture that is transparent where no slice is picture."""
        image, depth = (self.shown_planes(part.data) for part in (picture.image, picture.depth))
        return replace(picture, image=Window.whole(image), depth=Window.whole(depth))

    def shown_planes(self, planes: np.ndarray) -> np.ndarray:
        """Planes (n, y, x) whose last one is opacity, transparent where no slice is picture."""
        if self.coverage is None:
            return planes
        return np.concatenate([planes[:-1], np.where(self.coverage.any(axis=0), planes[-1:], np.float32(0))])

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
            codes = fused_by_levels(self.stack, float(self.full), FusionWeights.parse("", made.mode), self.coverage)
            planes = np.divide(codes, FULL, dtype=np.float32)
        elif made.kind == "pyramid":
            planes = np.divide(self._pyramid(made).picture, FULL, dtype=np.float32)
        elif made.kind == "compose":
            low, high = (evaluate_stack(self.stack, mode, self.coverage) for mode in ("Min", "Max"))
            planes = kernels.blend.blend(made.mode, *((high, low) if made.swapped else (low, high)))
        else:
            planes = evaluate_stack(self.stack, made.mode, self.coverage)
        return self.shown_planes(np.concatenate([planes, np.ones_like(planes[:1])]))

    def _pyramid(self, made: ImageSpec) -> WholePyramid:
        """A fusion by local energy."""
        assert self.coverage is None, "the fusion by local energy of whole frames knows no coverage"
        return WholePyramid(FocusPyramid.read("", made.mode), self.stack, float(self.full))


def evaluate_stack(stack: np.ndarray, mode: str, coverage: np.ndarray | None = None) -> np.ndarray:
    """A statistic over the slices of a stack (slices, planes, y, x) where they are picture; over all where none is."""
    everything = statistic(stack, mode, None)
    if coverage is None:
        return everything
    return np.where(coverage.any(axis=0), statistic(stack, mode, coverage), everything)


def statistic(stack: np.ndarray, mode: str, coverage: np.ndarray | None) -> np.ndarray:
    """The same, of the slices that are picture; None: of all."""
    shown = [None] * len(stack) if coverage is None else list(coverage)
    if mode == "Median":
        slices = list(stack)
        if coverage is not None:
            count = coverage.sum(axis=0, dtype=np.int32)
            slices = list(kernels.evaluate.around_median(stack, coverage, count, len(stack)))
        return kernels.evaluate.median(np.stack([coloured(frame) for frame in slices]))[: stack.shape[1]]
    state = kernels.evaluate.Evaluation(mode)
    for samples, covered in zip(stack, shown, strict=True):
        state.add(samples, covered)
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
