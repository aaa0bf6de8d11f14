"""Fusion of Laplacian pyramids by local energy: what of every level each slice has to give, aware of noise.

P. J. Burt and R. J. Kolczynski, "Enhanced image capture through fusion", ICCV (1993), weigh the slices at every
pixel of every level by the energy of their detail in a window. Here finer levels take part in the decision of
coarser ones, slices that differ by no more than their noise are averaged, what defocus has taken from the best
slice is given back by a parabola over z, and no level leaves the range of what the slices show there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window
from imfuse_tiles.lazy_numpy import np

NAME = "pyramid"
GRAMMAR = "unordered, noise=PERCENT (of full scale; measured if left out), overshoot=PERCENT"
_ARGUMENT = re.compile(r"(noise|overshoot)=(\d+(?:\.\d*)?)%?")
#: Pixels around a region that tell how steady its depth is.
STEADY = Halo.uniform(2)
#: How much the evidence of the level before counts at levels 1, 2 and all others, as far as it is more than noise:
#: the noise of fine levels would otherwise drown what coarse ones tell of smooth places.
FINER = (0.75, 8.0, 8.0)
#: Pixels around a region in which the evidence is needed: for the blur of the peaks' gain.
CORE = Halo.uniform(4)
#: The noise is measured in patches of this edge, so far apart that about so many pixels are looked at.
NOISE_PATCH, LOOKED_AT = 64, 1 << 19
#: Levels, from the finest on, at which highlights are looked after.
HIGHLIGHTED = 2
#: Power of the evidence by which the coarsest level is weighed.
BASE_POWER = 16


@frozen
class FocusPyramid:
    """The arguments of the fusion.

    ``noise``: standard deviation of the noise, percent of full scale; None: measured. ``overshoot``: how far the
    result may leave the range of the slices at a pixel, percent of that range. ``unordered``: the slices are in no
    order of focus, so nothing is concluded from the neighbours of the sharpest one.
    """

    noise: float | None = None
    overshoot: float = 25.0
    unordered: bool = False

    @classmethod
    def read(cls, owner: str, text: str) -> Self:
        """The fusion that words such as ``pyramid,noise=0.5`` ask for; Refusal of any other word."""
        arguments: dict[str, Any] = {}
        for word in re.split("[,:]", text.lower()):
            argument = _ARGUMENT.fullmatch(word)
            if word == "unordered":
                arguments[word] = True
            elif argument and float(argument[2]) <= 100:
                arguments[argument[1]] = float(argument[2])
            elif word != NAME:
                raise Refusal(f"{owner}: {word} is not known to {NAME}, allowed: {GRAMMAR}, each 0 to 100")
        return cls(**arguments)

    def __str__(self) -> str:
        """The words, readable again; defaults are left out."""
        word_fields = [NAME, *(["unordered"] if self.unordered else [])]
        word_fields += [] if self.noise is None else [f"noise={self.noise:.12g}"]
        return ":".join([*word_fields, *([f"overshoot={self.overshoot:.12g}"] if self.overshoot != 25 else [])])

    def interpolates(self, level: int, slices: int) -> bool:
        """Whether what defocus took from the sharpest slice is estimated from its neighbours at a level."""
        return level == 0 and slices > 2 and not self.unordered


def level_count(frame: Frame) -> int:
    """Levels of the pyramid of a frame: the shorter side of the coarsest has 8 to 16 pixels, or there are two."""
    return max(2, min(frame).bit_length() - 4)


def noise_pitch(frame: Frame) -> int:
    """Distance of the patches in which the noise is measured: a multiple of their edge."""
    return NOISE_PATCH * max(1, int((frame[0] * frame[1] / LOOKED_AT) ** 0.5))


def noise_energy(level: int, colours: int, variance: float) -> float:
    """What noise of a variance adds to the evidence at a level, on average: the finer levels' is taken off there."""
    gains = kernels.detail_energy.GAINS
    return variance * colours * gains[min(level, len(gains) - 1)]


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
