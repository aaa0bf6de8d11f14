"""Step 3: the masks of a frame become one, which is stretched over the stack."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.grammar import Option, number, word

BASE_VALUES = {"Screen": 0.0, "Lighten": 0.0, "Blend": 0.0, "Multiply": 1.0, "Darken": 1.0}
#: Modes that leave a mask in 0..1 as it is when it is put on their base.
ZERO_BASE_MODES = ("Screen", "Lighten", "Blend")


def blend_modes() -> tuple[str, ...]:
    """Names of the ways to put one picture on another."""
    return tuple(kernels.blend.MODES)


@frozen
class MaskMerge(Option, name="maskmerge"):
    """How the masks of a frame are put together."""

    section: ClassVar[str] = "Merging masks"
    once_only: ClassVar[bool] = True
    examples: ClassVar = ("", "plus", "multiply", "lighten", "overlay")

    word1: str = word("Screen", "mode", blend_modes, quiet=True)

    @property
    def base_value(self) -> float:
        """What the masks are merged onto: the mode's neutral value, else the original's 50 % grey."""
        return BASE_VALUES.get(self.word1, 127 / 255)

    def blend(self, onto: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """``mask`` put on ``onto``, both (y, x) in 0..1."""
        return kernels.blend.blend(self.word1, onto, mask)

    def blend_all(self, masks: Iterable[np.ndarray], shape: Frame) -> np.ndarray:
        """Masks put on each other in their order, the first on the base. The masks may be overwritten."""
        masks, merged = iter(masks), None
        if self.word1 in ZERO_BASE_MODES:
            first = next(masks, None)
            merged = None if first is None else np.clip(first, 0, 1, out=first)
        if merged is None:
            merged = np.full(shape, self.base_value, np.float32)
        for mask in masks:
            merged = self.blend(merged, mask)
        return merged


@frozen
class MaskLevel(Option, name="masklevel"):
    """Stretch the merged masks to 0..100 % over the whole stack; always on, always last."""

    section: ClassVar[str] = "Merging masks"
    once_only: ClassVar[bool] = True
    examples: ClassVar = ("", "t0", "t10", "off", "p10,P60")

    p: float | None = number(None, "percent that becomes 0; left out: the smallest there is")
    P: float | None = number(None, "percent that becomes 100; left out: the largest there is")
    t: float = number(5, "widen the range to whole steps of so many percent; 0: no steps", low=0, high=100)
    word1: str = word("all", "all: measured over the stack (substack means the same); off: leave alone",
                      ("all", "off", "substack"), quiet=True)  # fmt: skip

    def limits(self, low: float, high: float) -> tuple[float, float]:
        """The values that become 0 and 1, from the smallest and largest mask value of the stack.

        Rounded outwards to steps of ``t`` percent, so that a crop and the whole picture mostly agree.
        """
        if self.word1 == "off":
            return 0.0, 1.0
        low = kernels.level.six_digits(low) if self.p is None else self.p / 100
        high = kernels.level.six_digits(high) if self.P is None else self.P / 100
        if self.t:
            high = np.ceil(round(high * 100 / self.t, 9)) * self.t / 100
            low = np.floor(round(low * 100 / self.t, 9)) * self.t / 100
        return float(low), float(high)
