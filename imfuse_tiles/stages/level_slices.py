"""The slices of a pyramid level around a region, with the next coarser level and the evidence of focus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, TypeVar, cast

import numpy as np

from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.kernels.focus_coverage import shown_evidence
from imfuse_tiles.options.pyramid_level import Highlights, Level
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.stored_frames import StoredFrames

#: Slices that are in memory at a time: the first stay once they are read, the last is the one at work. All behind
#: them are read and computed again by every pass through the slices.
KEPT = 12

Method = TypeVar("Method", bound=Callable[..., Any])


def kept(method: Method) -> Method:
    """A method of :class:`LevelSlices` that tells something of a slice, which is remembered as long as the slice is."""

    @wraps(method)
    def remembered(self: LevelSlices, z: int, *about: Any) -> Any:
        name = method.__name__, z
        if name in self.known:
            return self.known[name]
        if z >= KEPT - 1:
            for other in [other for other in self.known if KEPT - 1 <= other[1] != z]:
                del self.known[other]
        return self.known.setdefault(name, method(self, z, *about))

    return cast(Method, remembered)


@dataclass
class LevelSlices:
    """Slices of a level around a region, one at a time, as often as they are asked for.

    ``finer``: where the evidence of the finer level lies, (slices, y, x); none at level 0.
    """

    access: Access
    source: StoredFrames
    level: Level
    region: Region
    finer: str
    highlights: Highlights | None = None
    known: dict[tuple[str, int], Any] = field(default_factory=dict)

    @kept
    def samples(self, z: int) -> Window:
        """The samples of a slice that anything here needs."""
        need, _ = self.level.around(self.region)
        return Window(self.source.samples(self.access, z, need), need, self.level.frame)

    def covered(self, z: int) -> Window | None:
        """How much of the pixels of a slice is picture, float32 (y, x) in 0..1, where its samples are; None: all."""
        if not self.source.coverage:
            return None
        need, _ = self.level.around(self.region)
        shown = self.source.covered(self.access, z, need).astype(np.float32, copy=False)
        return Window(shown, need, self.level.frame)

    @kept
    def light(self, z: int, highlights: Highlights) -> np.ndarray:
        """The blurred brightness of a slice near highlights, a value for each cell."""
        return highlights.light(self.samples(z))

    @kept
    def evidence(self, z: int) -> tuple[Window, np.ndarray]:
        """The next coarser level of a slice, and its evidence over the core of the region, float32 (y, x)."""
        _, coarse = self.level.around(self.region)
        core, samples = self.level.core(self.region), self.samples(z)
        low = self.level.reduced_window(samples, coarse)
        finer = self.access.read(self.finer, [(z, z + 1)], core)[0] if self.finer else None
        lit = self.highlights
        discount = partial(lit.doubt, self.light(z, lit)) if lit else None
        evidence, covered = self.level.evidence(samples, low, finer, core, discount), self.covered(z)
        if covered is not None:
            evidence = shown_evidence(evidence, covered.cropped(core).data)
        return low, evidence
