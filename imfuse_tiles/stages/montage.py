"""The montage: slices painted from the back to the front, each cut by its mask. One task per tile column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Halo, Region, Window, total_halo
from imfuse_tiles.imageio.stack import FULL
from imfuse_tiles.options.cuts import Cut, CutBg, CutFilter, CutLess
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block, Output
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.stored_frames import StoredFrames
from imfuse_tiles.stages.stretched_masks import MergedMasks

#: Slices that are painted together.
AT_ONCE = 4


@dataclass
class MontageState:
    """What the fold carries from slice to slice.

    ``pictures`` (n, colours + 2, y, x), without depth (n, colours + 1, y, x): one for every ``--cutbg`` and the last
    for the result, ``samples`` (AT_ONCE, c, y, x) the next slices as read, and ``masks`` (2, y, x) room for the mask
    of the next one: new memory for each would cost as much as reading it.
    """

    strongest: np.ndarray
    valley: np.ndarray | None
    pictures: np.ndarray
    samples: np.ndarray
    masks: np.ndarray


@frozen
class MontageJob(Job):
    """Slices ``first`` to ``last`` (from 0, last included) of a stack of ``total`` painted onto each other.

    Writes planes: the colours, the opacity, the strongest mask, depth value and depth opacity if there are to be
    ``maps``, and for every ``--cutbg=background`` its colours and opacity. They are 16-bit codes, as the result is,
    for half the disk; with maps the same values in float32, for the depth is not rounded. Of a stack of float32
    nothing is.
    """

    version: ClassVar[int] = 2
    kind: ClassVar[str] = "fold"
    step: ClassVar[str] = "focus"

    source: StoredFrames
    masks: MergedMasks
    cuts: tuple[CutFilter, ...]
    first: int
    last: int
    total: int
    out: str
    maps: bool = True

    @property
    def layers(self) -> list[CutBg]:
        return [op for op in self.cuts if isinstance(op, CutBg)]

    @property
    def depth(self) -> int:
        """Planes of the output."""
        behind = sum(op.word1 == "background" for op in self.layers)
        return self.source.planes + 2 + 2 * self.maps + behind * (self.source.planes + 1)

    @property
    def dtype(self) -> str:
        """Number type of the output."""
        return "float32" if self.maps or self.source.dtype == "float32" else "uint16"

    @property
    def full(self) -> float:
        """What stands for 1 in the output."""
        return FULL[self.dtype]

    def output(self) -> Output:
        return Output(self.out, (self.depth,), (self.depth,), self.dtype)

    def halo(self) -> Halo:
        return total_halo(op.halo(self.source.frame) for op in self.cuts)

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        access.write(self.out, [(0, self.depth)], block.region, self._painted(access, block.region))
        return {}

    def values(self, access: Access, path: str, lead: Sequence[tuple[int, int]], region: Region) -> np.ndarray:
        return self._painted(access, region)[slice(*lead[0])]

    def _painted(self, access: Access, region: Region) -> np.ndarray:
        """The planes of a region."""
        around = region.with_halo(self.halo(), self.source.frame)
        state = self.begin(around, region)
        for last in range(self.last, self.first - 1, -AT_ONCE):
            slices = range(last, max(last - AT_ONCE, self.first - 1), -1)
            cuts = []
            for z in slices:
                mask = self.masks.window(access, z, around, self.source.frame, state.masks)
                cuts.append(shown_cuts(self, access, z, mask, state, region))
            for z, samples in zip(slices, state.samples, strict=False):
                self.source.samples(access, z, region, out=samples)
            places = np.array([(self.total - z - 1) / self.total for z in slices], np.float32)
            kernels.montage.paint(state.samples, self.source.full, cuts, places, state.pictures)
        return self.finished(state, around, region)

    def begin(self, around: Region, region: Region) -> MontageState:
        """The state before the first slice: nothing seen, everything clear."""
        count = len(self.layers) + 1
        less = bool(self.cuts) and isinstance(self.cuts[0], CutLess)
        valley = np.full(around.shape, np.inf, np.float32) if less else None
        pictures = np.zeros((count, self.source.planes + 1 + self.maps, *region.shape), np.float32)
        samples = np.empty((AT_ONCE, self.source.planes, *region.shape), self.source.dtype)
        masks = np.empty((2, *around.shape), np.float32)
        return MontageState(np.zeros(around.shape, np.float32), valley, pictures, samples, masks)

    def cut(self, mask: Window, state: MontageState) -> list[Window]:
        """The slice's cut as it was at every ``--cutbg``, and after all filters."""
        hard = np.empty_like(mask.data)
        values = np.ascontiguousarray(mask.data)
        if state.valley is None:
            kernels.montage.cut_where_strongest(values, state.strongest, hard)
        else:
            assert isinstance(self.cuts[0], CutLess)
            rise = np.float32(self.cuts[0].p / 100)
            kernels.montage.advance_less(values, state.strongest, state.valley, rise, hard)
        window = mask.with_data(hard)
        cut, behind = Cut(window, mask, mask.with_data(state.strongest), window), []
        for op in self.cuts:
            if isinstance(op, CutBg):
                behind.append(cut.alpha)
            cut = op.apply(cut)
        return [*behind, cut.alpha]

    def finished(self, state: MontageState, around: Region, region: Region) -> np.ndarray:
        """The planes to write."""
        c, at = self.source.planes, self.source.planes + 2 + 2 * self.maps
        planes = np.empty((self.depth, *region.shape), self.dtype)
        *behind, front = state.pictures
        exact = self.source.dtype == "float32"
        kernels.montage.unpremultiply(front)
        store_values(state.strongest[region.slices_in(around)], exact, planes[c + 1])
        if self.maps:  # what is filled in below the picture has no depth
            planes[c + 2 : at] = front[c:]
        for op, picture in zip(self.layers, behind, strict=True):
            if op.word1 == "compose":
                kernels.montage.fill(front, picture, c)
            elif op.word1 == "background":
                kernels.montage.unpremultiply(picture)
                store_picture(picture, exact, planes[at : at + c + 1])
                at += c + 1
        store_picture(front, exact, planes[: c + 1])
        return planes

    def planes(self) -> float:
        carried = (self.source.planes + 2 + AT_ONCE) * (1 + len(self.layers)) + self.depth
        read = 0.25 * self.source.sample_bytes * (AT_ONCE + 2) * self.source.planes
        return 8 + carried + read + self.masks.wider(self.source.frame)


def shown_cuts(
    job: MontageJob, access: Access, z: int, mask: Window, state: MontageState, region: Region
) -> list[np.ndarray]:
    """A slice's cuts over a region: nothing where it has no picture, which takes no part in what is strongest."""
    if not job.source.coverage:
        return [window.cropped(region).data for window in job.cut(mask, state)]
    covered = job.source.covered(access, z, mask.region)
    strongest, valley = state.strongest.copy(), None if state.valley is None else state.valley.copy()
    windows = job.cut(mask, state)
    np.copyto(state.strongest, strongest, where=covered == 0)
    if state.valley is not None and valley is not None:
        np.copyto(state.valley, valley, where=covered == 0)
    own = covered[region.slices_in(mask.region)]
    return [window.cropped(region).data * own for window in windows]


def store_picture(picture: np.ndarray, exact: bool, out: np.ndarray) -> None:
    """Put a picture's colours (c, y, x) and its opacity, the last of its planes, into the planes to write."""
    store_values(picture[: len(out) - 1], exact, out[:-1])
    store_values(picture[-1], exact, out[-1])


def store_values(values: np.ndarray, exact: bool, out: np.ndarray) -> None:
    """Put values into planes to write, rounded to 16 bits unless ``exact``."""
    if exact:
        out[:] = values
    elif out.dtype == np.uint16:
        kernels.codes.to_codes(values, out)
    else:
        out[:] = kernels.codes.scale_to_unit(kernels.codes.to_codes(values), FULL["uint16"])
