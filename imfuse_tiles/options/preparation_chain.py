"""All that is done to every frame before it is fused, as one value: any region of it from a region of the frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.grammar import Option
from imfuse_tiles.options.preparation import Preparation
from imfuse_tiles.options.preparation_geometry import FrameResize, Rotate

ReadRegion = Callable[[Region], "np.ndarray"]


@frozen
class PreparationChain:
    """Options of preparation in their order, and height and width of the frames that they are given."""

    steps: tuple[Preparation, ...]
    frame: Frame

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """Height and width before each option, and after the last one."""
        sizes = [self.frame]
        for step in self.steps:
            sizes.append(step.size(sizes[-1]))
        return tuple(sizes)

    @property
    def size(self) -> Frame:
        """Height and width of prepared frames."""
        return self.frames[-1]

    @property
    def adds_opacity(self) -> bool:
        """Whether prepared frames have places that show nothing."""
        return any(step.adds_opacity() for step in self.steps)

    @property
    def turns_sides(self) -> bool:
        """Whether a row of a prepared frame is more of a column than of a row of the frame."""
        return sum(isinstance(step, Rotate) and step.turns_sides for step in self.steps) % 2 == 1

    def pixel_sides(self, down: float, across: float) -> tuple[float, float]:
        """Height and width of a pixel of prepared frames, by those of a pixel of the frame, in the same unit."""
        for step, before, after in zip(self.steps, self.frames, self.frames[1:], strict=False):
            if isinstance(step, FrameResize):
                down, across = down * before[0] / after[0], across * before[1] / after[1]
            elif isinstance(step, Rotate) and step.turns_sides:
                down, across = across, down
        return down, across

    def record(self) -> list[Any]:
        """What decides the prepared samples, as JSON."""
        return [step.record("work") for step in self.steps]

    def until(self, count: int) -> PreparationChain:
        """The chain of its first options."""
        return PreparationChain(self.steps[:count], self.frame)

    def regions(self, region: Region) -> list[Region]:
        """What a region of the prepared frame needs before each option, and last the region itself."""
        needed = [region]
        for step, frame in zip(reversed(self.steps), reversed(self.frames[:-1]), strict=True):
            needed.append(step.source_region(needed[-1], frame))
        return needed[::-1]

    def prepared(self, read: ReadRegion, region: Region, numbers: Sequence[dict[str, Any]], whole: bool) -> np.ndarray:
        """The planes of a region of the prepared frame, float32 (c, y, x), with opacity if there is any.

        ``read`` gives those of a region of the frame. ``numbers``: what was measured for each option. ``whole``: the
        samples are whole numbers in the end, so that what is computed is clamped to 0..1.
        """
        needed = self.regions(region)
        planes = read(needed[0])
        for step, frame, had, wanted, known in zip(self.steps, self.frames, needed, needed[1:], numbers, strict=False):
            planes = step.apply(Window(planes, had, frame), wanted, known)
            if whole and not step.moves_only:
                planes = np.clip(planes, np.float32(0), np.float32(1))
        return planes


def preparation_chain(options: Iterable[Option], frame: Frame) -> PreparationChain:
    """What the options of a recipe do to frames of a height and width. Refusal where that leaves nothing of them."""
    steps = [step for option in options if isinstance(option, Preparation) for step in option.expanded()]
    chain = PreparationChain(tuple(steps), frame)
    assert chain.frames
    return chain
