"""The noise of the samples: one number for the whole stack, from a histogram of whole numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Halo, Region, Window
from imfuse_tiles.options.focus_pyramid import NOISE_PATCH, Level, noise_pitch
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.stage import Block, Job
from imfuse_tiles.stages.stored_frames import StoredFrames
from imfuse_tiles.storage.store import Store

#: Pixels around a block that its patches reach: they begin in it.
NOISE_HALO = Halo.uniform(NOISE_PATCH + 6)
#: Pixels around a patch that its energies see.
PATCH_HALO = Halo.uniform(6)


@frozen
class NoiseJob(Job):
    """The variance of the samples' noise, from a histogram over patches of all slices."""

    kind: ClassVar[str] = "reduce"

    source: StoredFrames
    total: int

    def patches(self, region: Region) -> Iterator[Region]:
        """The patches that begin in a region."""
        pitch, (height, width) = noise_pitch(self.source.frame), self.source.frame
        for y in range(-(-region.y0 // pitch) * pitch, region.y1, pitch):
            for x in range(-(-region.x0 // pitch) * pitch, region.x1, pitch):
                yield Region(y, min(y + NOISE_PATCH, height), x, min(x + NOISE_PATCH, width))

    def compute(self, access: Access, block: Block) -> dict[str, Any]:
        level = Level(0, self.source.frame, self.source.full)
        counts = np.zeros(kernels.detail_energy.BINS, np.int64)
        around = block.region.with_halo(NOISE_HALO, level.frame)
        for z in range(self.total):
            samples = Window(self.source.samples(access, z, around), around, level.frame)
            shown = self.source.covered(access, z, around) if self.source.coverage else np.ones(around.shape, np.uint8)
            covered = Window(shown, around, level.frame)
            for patch in self.patches(block.region):
                if covered.cropped(patch.with_halo(PATCH_HALO, level.frame)).data.all():
                    counts += patch_histogram(level, samples, patch)
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


def patch_histogram(level: Level, samples: Window, patch: Region) -> np.ndarray:
    """The histogram of energies of detail, means of 5 x 5 pixels, at every second pixel of a patch of a slice."""
    wide = patch.with_halo(Halo.uniform(2), level.frame)
    coarse = Region(*kernels.pyramid.coarser(wide, level.above))
    need = Region(*kernels.pyramid.finer(coarse, level.frame))
    samples = samples.cropped(need)
    low, origins = level.reduced_window(samples, coarse), ((need.y0, need.x0), (coarse.y0, coarse.x0))
    detail = kernels.detail_energy.energy(samples.data, low.data, origins, level.frame, wide, level.full)
    mean = Window(detail, wide, level.frame).filtered(kernels.detail_energy.box, Halo.uniform(2)).cropped(patch).data
    return kernels.detail_energy.histogram(mean[::2, ::2])
