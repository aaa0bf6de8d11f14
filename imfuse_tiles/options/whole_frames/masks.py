"""Masks of whole frames in memory: of one generator, and merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from imfuse_tiles import kernels
from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.backgrounds import ImageSpec, parse_image_spec
from imfuse_tiles.options.general import PrepResize
from imfuse_tiles.options.mask_computation import raw_mask
from imfuse_tiles.options.mask_generator import MaskGenerator
from imfuse_tiles.options.recipe import Recipe, mask_weights


def scale_to_unit(samples: np.ndarray, full: np.float32) -> np.ndarray:
    """Samples in 0..1 as float32; ``full``: their value of full scale."""
    scaled: np.ndarray = np.divide(samples, full, dtype=np.float32)
    return scaled


@dataclass(frozen=True)
class WholeMasks:
    """The masks of a stack (slices, planes, y, x). ``picture``: what gives a picture with opacity to compare to.

    ``coverage``: which pixels of the slices are picture, bool (slices, y, x); None: all.
    """

    recipe: Recipe
    stack: np.ndarray
    full: np.float32
    picture: Callable[[ImageSpec], np.ndarray]
    coverage: np.ndarray | None = None

    @property
    def resize(self) -> PrepResize | None:
        """What masks are made smaller by."""
        return self.recipe.single_option(PrepResize)

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
        return Window.whole(self.stack[z]) if codes else self.small(scale_to_unit(self.stack[z], self.full))

    def mask(self, op: MaskGenerator) -> list[np.ndarray]:
        """A generator's mask of every slice, levelled over the stack."""
        image = None if op.I is None else self.small(self.picture(parse_image_spec(f"--{op.name}", op.I))[:-1])
        raw = [raw_mask(op, self.seen(op, z), self.recipe.working_space, image).data for z in range(len(self.stack))]
        if not op.is_levelled:
            return raw
        peak, values = self.strongest(raw), self.shown_values(raw)
        low, high = (kernels.level.six_digits(float(limit)) for limit in (values.min(), values.max()))
        equalised = op.clut and low < high
        counts = kernels.level.histogram(peak, low, high) if equalised else None
        curve = None if counts is None else kernels.level.equalisation(counts)
        return [kernels.level.stretch_levels(each, low, high, kernels.level.table(curve)) for each in raw]

    def shown(self, z: int, mask: np.ndarray) -> np.ndarray:
        """Which pixels of a slice's mask are picture, bool (y, x)."""
        if self.coverage is None:
            return np.ones(mask.shape, np.bool_)
        covered = self.small(self.coverage[z : z + 1].astype(np.float32)).data[0]
        return covered > 0.5 if self.resize else covered > 0

    def strongest(self, masks: list[np.ndarray]) -> np.ndarray:
        """The strongest of the slices' masks where they are picture, (y, x); -inf where none is."""
        shown = [np.where(self.shown(z, mask), mask, np.float32(-np.inf)) for z, mask in enumerate(masks)]
        return np.max(shown, axis=0)

    def shown_values(self, masks: list[np.ndarray]) -> np.ndarray:
        """The values of the slices' masks where they are picture."""
        return np.concatenate([mask[self.shown(z, mask)] for z, mask in enumerate(masks)])

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
        values = self.shown_values(masks)
        low, high = recipe.level.limits(float(values.min()), float(values.max()))
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
