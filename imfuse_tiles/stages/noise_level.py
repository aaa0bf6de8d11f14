"""The noise of the samples: one number for the whole stack, from a histogram of whole numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Halo, Region, Window
from imfuse_tiles.options.focus_pyramid import NOISE_PATCH, noise_pitch
from imfuse_tiles.options.pyramid_level import Level
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.stored_frames import StoredFrames
from imfuse_tiles.storage.store import Store

#: Pixels around a block that its patches reach: they begin in it.
NOISE_HALO = Halo.uniform(NOISE_PATCH + 6)
#: Pixels around a patch that its energies see.
PATCH_HALO = Halo.uniform(6)
#: Patches that are no farther apart are read together: calls cost more than the pixels between them. Others are read
#: one by one.
NEAR_PATCHES = 1024


@frozen
class NoiseJob(Job):
    """The variance of the samples' noise, from a histogram over patches of all slices."""

    kind: ClassVar[str] = "reduce"

    source: StoredFrames
    total: int

    @property
    def rows_share(self) -> float:
        """The part of the rows of a frame that patches see."""
        return min(1.0, (NOISE_PATCH + 2 * PATCH_HALO.radius) / noise_pitch(self.source.frame))

    def patches(self, region: Region) -> list[list[Region]]:
        """The patches that begin in a region, row by row."""
        pitch, (height, width) = noise_pitch(self.source.frame), self.source.frame
        rows, columns = (
            range(-(-start // pitch) * pitch, stop, pitch)
            for start, stop in ((region.y0, region.y1), (region.x0, region.x1))
        )
        return [
            [Region(y, min(y + NOISE_PATCH, height), x, min(x + NOISE_PATCH, width)) for x in columns]
            for y in rows
            if columns
        ]

    def pieces(self, region: Region, chunked: bool) -> Iterator[tuple[Region, list[Region]]]:
        """What is read at once for a region, and the patches in it that are measured together.

        ``chunked``: the frames lie in chunks, of which rows cannot be read alone.
        """
        frame, patches = self.source.frame, self.patches(region)
        if noise_pitch(frame) <= NEAR_PATCHES:
            # What no patch reaches is not read: chunks around the block, or rows.
            for rows in ([patches] if chunked else [[row] for row in patches]) if patches else ():
                flat = list(itertools.chain.from_iterable(rows))
                yield flat[0].united(flat[-1]).with_halo(PATCH_HALO, frame), flat
            return
        for patch in itertools.chain.from_iterable(patches):
            yield patch.with_halo(PATCH_HALO, frame), [patch]

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        level = Level(0, self.source.frame, self.source.full)
        counts = np.zeros(kernels.detail_energy.BINS, np.int64)
        pieces = self.pieces(block.region, self.source.path not in access.computed)
        for z, (around, patches) in itertools.product(range(self.total), pieces):
            samples = Window(self.source.samples(access, z, around), around, level.frame)
            shown = self.source.covered(access, z, around) if self.source.coverage else None
            if shown is not None:
                patches = covered_patches(Window(shown, around, level.frame), patches)
            if patches:
                counts += patch_histogram(level, samples, patches)
        used = np.flatnonzero(counts)
        return {"bins": used.tolist(), "counts": counts[used].tolist()}

    def summary(self, store: Store, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        counts = np.zeros(kernels.detail_energy.BINS, np.int64)
        for report in reports:
            counts[report["bins"]] += np.asarray(report["counts"], np.int64)
        step = 0.0 if self.source.full == 1 else 1 / self.source.full
        return {"variance": kernels.detail_energy.noise_variance(counts, self.source.planes, step)}

    def summary_pattern(self) -> Any:
        return {"variance": float}

    def planes(self) -> float:
        return 4.0


def covered_patches(shown: Window, patches: Sequence[Region]) -> list[Region]:
    """The patches around which a slice has a picture everywhere."""
    return [patch for patch in patches if shown.cropped(patch.with_halo(PATCH_HALO, shown.frame)).data.all()]


def patch_histogram(level: Level, samples: Window, patches: Sequence[Region]) -> np.ndarray:
    """The histogram of energies of detail, means of 5 x 5 pixels, at every second pixel of patches of a slice."""
    origin = samples.region.y0, samples.region.x0
    places = np.array(patches, np.int64)
    return kernels.noise_patches.count_energies(samples.data, origin, level.frame, places, level.full)
