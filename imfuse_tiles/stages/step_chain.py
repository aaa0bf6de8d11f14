"""A montage and the final steps that it takes on its way to the result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window, total_halo
from imfuse_tiles.options.final_steps import FinalStep, Picture
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.covered_area import within_area
from imfuse_tiles.stages.stored_frames import StoredFrames
from imfuse_tiles.storage.store import Store

#: Colours of a result by its planes: colours and opacity, with or without mask, depth and opacity of the depth.
COLOURS = {2: 1, 4: 3, 5: 1, 7: 3}


@frozen
class AppliedStep:
    """A final step, and the stage that measured the numbers it needs."""

    op: FinalStep
    numbers: str | None = None

    def apply(self, picture: Picture, store: Store) -> Picture:
        numbers = store.numbers.load(self.numbers) if self.numbers else {}
        assert numbers is not None, f"{self.numbers} is not finished"
        return self.op.apply(picture, numbers)


@frozen
class StepChain:
    """A picture in the store, and the final steps it takes as it is read.

    The planes: ``colours`` colours, the opacity, the final mask, depth value and its opacity if it has ``maps``, and
    colours with opacity of every background that the cuts left behind; ``full`` stands for 1 in them.
    """

    path: str
    colours: int
    planes: int
    frame: Frame
    full: float = 1.0
    steps: tuple[AppliedStep, ...] = ()
    maps: bool = True
    #: What any slice covers; None: everything.
    area: StoredFrames | None = None

    @property
    def behind(self) -> int:
        """The first plane of the backgrounds."""
        return self.colours + 2 + 2 * self.maps

    @property
    def key(self) -> str:
        """The key of the stage that wrote the picture."""
        return self.path.rpartition("/")[2]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The keys of the stages it is read from."""
        numbers = (step.numbers for step in self.steps if step.numbers)
        return (self.key, *numbers, *([self.area.key] if self.area else []))

    def record(self) -> list[Any]:
        """What decides the picture's samples."""
        steps = [[step.op.record("work"), step.numbers] for step in self.steps]
        return [self.path, steps, *([self.area.key] if self.area else [])]

    def then(self, step: AppliedStep) -> StepChain:
        """The same picture with one more step to take."""
        return replace(self, steps=(*self.steps, step))

    @property
    def weight(self) -> float:
        """Float32 planes that take as much memory as its planes in the store."""
        return self.planes if self.full == 1 else self.planes / 2

    def halo(self) -> Halo:
        return total_halo(step.op.halo(self.frame) for step in self.steps)

    def around(self, region: Region) -> Region:
        """What is read for a region."""
        return region.with_halo(self.halo(), self.frame)

    def samples(self, access: Access, lead: tuple[int, int], region: Region, keep: bool = False) -> np.ndarray:
        """Some planes of a region as they are in the store, float32 in 0..1."""
        return kernels.codes.scale_to_unit(access.read(self.path, [lead], region, keep), self.full)

    def read(self, access: Access, region: Region, keep: bool = True) -> tuple[Picture, np.ndarray]:
        """The picture of a region after the steps, and the planes of the backgrounds it brings along.

        ``keep``: regions are read row by row and share the chunks of their halos.
        """
        around, c = self.around(region), self.colours
        planes = self.samples(access, (0, self.planes), around, keep)
        window = lambda part: Window(part, around, self.frame)  # noqa: E731
        picture = Picture(window(planes[: c + 1]), window(planes[c + 1]), window(planes[c + 2 : self.behind]))
        for step in self.steps:
            picture = step.apply(picture, access.store)
        picture = picture.cropped(region)
        if self.steps and self.area:  # a step may have covered what no slice does
            parts = (within_area(part.data, self.area, access, region) for part in (picture.image, picture.depth))
            image, depth = (Window(part, region, self.frame) for part in parts)
            picture = replace(picture, image=image, depth=depth)
        return picture, window(planes[self.behind :]).cropped(region).data
