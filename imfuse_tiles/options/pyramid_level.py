"""Levels of the focus pyramid: regions and windows of them, the evidence there, and the light near highlights."""

from __future__ import annotations

from collections.abc import Callable

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window
from imfuse_tiles.lazy_numpy import np

#: Pixels around a region that tell how steady its depth is.
STEADY = Halo.uniform(2)
#: How much the evidence of the level before counts at levels 1, 2 and all others, as far as it is more than noise:
#: the noise of fine levels would otherwise drown what coarse ones tell of smooth places.
FINER = (0.75, 8.0, 8.0)
#: Pixels around a region in which the evidence is needed: for the blur of the peaks' gain.
CORE = Halo.uniform(4)
#: Levels, from the finest on, at which highlights are looked after.
HIGHLIGHTED = 2


@frozen
class Level:
    """A level of the pyramid: its number, its size, what full scale is in its samples."""

    number: int
    frame: Frame
    full: float

    @property
    def above(self) -> Frame:
        """Size of the next coarser level."""
        return kernels.pyramid.size_at(self.frame, 1)

    @property
    def exact(self) -> bool:
        """Whether samples are kept as float32 at all levels, because those of the stack are."""
        return self.full == 1

    @property
    def coarser(self) -> Level:
        """The next coarser level, whose samples are kept as 16-bit codes."""
        return Level(self.number + 1, self.above, 1.0 if self.exact else kernels.level_codes.FULL)

    def core(self, region: Region) -> Region:
        """Where the evidence is needed for a region."""
        return region.with_halo(CORE, self.frame)

    def around(self, region: Region) -> tuple[Region, Region]:
        """The samples of this level, and the pixels of the next coarser one, that the core's evidence needs."""
        wide = self.core(region).with_halo(Halo.uniform(kernels.detail_energy.RADIUS), self.frame)
        coarse = Region(*kernels.pyramid.coarser(wide, self.above))
        need = Region(*kernels.pyramid.finer(coarse, self.frame))
        return need.united(self.lit(self.cells(region))) if self.number < HIGHLIGHTED else need, coarse

    def reduced_window(self, samples: Window, coarse: Region) -> Window:
        """Samples of the next coarser level, float32."""
        origin = samples.region.y0, samples.region.x0
        return Window(kernels.pyramid.reduce(samples.data, origin, self.frame, coarse), coarse, self.above)

    def evidence(self, samples: Window, low: Window, finer: np.ndarray | None, core: Region,
                 discount: Callable[[np.ndarray], None] | None = None) -> np.ndarray:  # fmt: skip
        """How much is in focus, float32 (y, x) of the core: energy of detail, and the finer level's evidence.

        ``finer``: that evidence as it is kept, bfloat16. ``discount``: diminishes the energy near highlights, in place.
        """
        energy = kernels.detail_energy
        wide = core.with_halo(Halo.uniform(energy.RADIUS), self.frame)
        origins = (samples.region.y0, samples.region.x0), (low.region.y0, low.region.x0)
        detail = Window(energy.energy(samples.data, low.data, origins, self.frame, wide, self.full), wide, self.frame)
        found = _smoothed(detail, core)
        if discount is not None:
            discount(found)
        if finer is not None:
            share = kernels.level_codes.from_bfloat16(finer)
            found += np.float32(FINER[min(self.number, len(FINER)) - 1]) * share
        return found

    def cells(self, region: Region) -> Region:
        """The cells of 2 x 2 pixels that hold the core of a region."""
        y0, y1, x0, x1 = self.core(region)
        return Region(y0 // 2, -(-y1 // 2), x0 // 2, -(-x1 // 2))

    def lit(self, cells: Region) -> Region:
        """The samples that tell how much light there is around cells."""
        wide = cells.with_halo(Halo.uniform(kernels.highlights.BLUR[1]), self.above)
        return Region(2 * wide.y0, min(2 * wide.y1, self.frame[0]), 2 * wide.x0, min(2 * wide.x1, self.frame[1]))

    def blurred_cells(self, values: np.ndarray, cells: Region) -> np.ndarray:
        """Values of the lit cells blurred over cells, float32 (y, x)."""
        wide = cells.with_halo(Halo.uniform(kernels.highlights.BLUR[1]), self.above)
        return blur_region(Window(values, wide, self.above), kernels.highlights.BLUR, cells)


@frozen
class Highlights:
    """Where clipped samples are near, and the least light that any slice has there: float32, a value for each cell."""

    level: Level
    core: Region
    cells: Region
    near: np.ndarray
    least: np.ndarray

    @classmethod
    def of(cls, level: Level, region: Region, near: np.ndarray) -> Highlights:
        """Those near the core of a region whose share of clipped cells is ``near``, before any slice is known."""
        return cls(level, level.core(region), level.cells(region), near, np.full_like(near, np.inf))

    def light(self, samples: Window) -> np.ndarray:
        """The blurred brightness of a slice, float32 in 0..1, a value for each cell."""
        lit = samples.cropped(self.level.lit(self.cells)).data
        return self.level.blurred_cells(kernels.highlights.brightness(lit, self.level.full), self.cells)

    def add(self, light: np.ndarray, covered: Window | None = None) -> None:
        """Take the light of a slice into account, where it has a picture all around (``covered``, y, x: 1)."""
        if covered is not None:
            lit = covered.cropped(self.level.lit(self.cells)).data[None]
            full = self.level.blurred_cells(kernels.highlights.brightness(lit, 1.0), self.cells) > np.float32(0.999)
            light = np.where(full, light, np.float32(1))
        np.minimum(self.least, light, out=self.least)

    def doubt(self, light: np.ndarray, evidence: np.ndarray) -> None:
        """Diminish the evidence of a slice over the core by the light it has beyond the least."""
        shift = self.core.y0 - 2 * self.cells.y0, self.core.x0 - 2 * self.cells.x0
        kernels.highlights.discount_highlights(self.near, self.least, light, shift, evidence)


def steady_region(peak: Window, region: Region) -> np.ndarray:
    """Depth and one over its variance (2, y, x) of a region, surer where the 5 x 5 pixels around agree."""

    def box(plane: np.ndarray) -> np.ndarray:
        window = Window(plane, peak.region, peak.frame).filtered(kernels.detail_energy.box, STEADY)
        return window.cropped(region).data

    own = np.ascontiguousarray(peak.cropped(region).data)
    return kernels.depth_fill.steady_depth(own, box(peak.data[0]), box(peak.data[0] * peak.data[0]))


def _smoothed(plane: Window, region: Region) -> np.ndarray:
    energy = kernels.detail_energy
    return blur_region(plane, (energy.SIGMA, energy.RADIUS), region)


def blur_region(plane: Window, blur: tuple[float, int], region: Region) -> np.ndarray:
    """A plane (y, x) after a Gaussian blur (sigma, radius), the frame's edge repeated beyond it, over a region."""
    half, halo = kernels.detail_energy.taps(*blur), Halo.uniform(blur[1])
    border = plane.border_padding(halo)
    window = plane.filtered_unpadded(lambda data: kernels.detail_energy.smooth(data, half, border), halo)
    return np.ascontiguousarray(window.cropped(region).data)


def kept_samples(level: Level, low: np.ndarray) -> np.ndarray:
    """Samples of the level after one, float32 in the units of that one, as they are kept."""
    return low if level.exact else kernels.level_codes.sample_codes(low, level.full)


def kept_detail(level: Level, detail: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Detail (planes, y, x) over the sum of weights as it is kept: int16 codes, or float32 of full scale 1."""
    return detail / total if level.exact else kernels.level_codes.detail_codes(detail, total, level.full)


def reconstruct_region(level: Level, detail: np.ndarray, below: np.ndarray, around: Region, region: Region,
                       bounds: tuple[np.ndarray, np.ndarray], overshoot: float) -> np.ndarray:  # fmt: skip
    """The picture (planes, y, x) of a region from the next coarser one's ``around`` it; ``overshoot``: percent."""
    origin = around.y0, around.x0
    return kernels.level_codes.reconstruct(
        detail, below, origin, level.frame, region, bounds, level.full, overshoot / 100
    )
