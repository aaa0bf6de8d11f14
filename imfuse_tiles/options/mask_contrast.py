"""Mask generators that find contrast: what is in focus has sharp edges and fine texture."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.grammar import number, word
from imfuse_tiles.options.mask_generator import MaskGenerator, WorkingSpace, sees_frames
from imfuse_tiles.options.mask_resize import interpolation_names, resize_and_back, scaled_size
from imfuse_tiles.options.shared_filters import (
    BLUR_WORDS,
    STATISTIC_ALIASES,
    STATISTICS,
    MorphologyFilter,
    WaveletFilter,
    abs_difference,
    box_halo,
    box_statistic,
    gaussian_smooth,
    smoothing_radius,
    smoothing_taps,
    wavelet_names,
)


@frozen
class Blur(MaskGenerator, name="blur"):
    """Difference of two blurs, or of the frame and one blur (S0)."""

    examples: ClassVar = ("", "s1,S2", "s1,S3,gaussian", "r3,s2", "s2,S0")
    typical_rate: ClassVar[float] = 9.0

    r: float = number(0, "radius in pixels; 0: as far as the blur reaches", low=0, high=2000, quiet=True)
    s: float = number(0.3, "first sigma in pixels", low=0, high=1000)
    S: float | None = number(None, "second sigma in pixels; left out: 1.6 times the first; 0: none", low=0, high=1000)
    word1: str | None = word(None, "gaussian: a square two-dimensional Gaussian", BLUR_WORDS)

    def normalised(self) -> Self:
        made = self if self.S is not None else replace(self, S=1.6 * self.s)
        return super(Blur, made).normalised()

    def difference_by_default(self) -> bool:
        return self.S == 0

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(max(smoothing_radius(s, self.r, self.word1 is not None) for s in (self.s, self.S or 0)))

    def respond(self, x: Window) -> Window:
        gaussian = self.word1 is not None
        if not (self.s and self.S):
            once = gaussian_smooth(x, self.s, self.r, gaussian)
            return once if not self.S else abs_difference(once, gaussian_smooth(x, self.S, self.r, gaussian))
        return x.filtered(lambda plane: kernels.gaussian_band.band(plane, *self.taps), self.halo(x.frame))

    @property
    def taps(self) -> tuple[np.ndarray, np.ndarray]:
        """The taps of both Gaussians along one axis."""
        first, second = (smoothing_taps(s, self.r, self.word1 is not None) for s in (self.s, self.S or 0))
        return first, second

    def accepts_codes(self, scene: WorkingSpace) -> bool:
        return sees_frames(self, scene) and bool(self.s and self.S) and not self.takes_difference and not self.neg

    def fused_mask(self, source: Window, scene: WorkingSpace) -> Window | None:
        """The mask in one pass where nothing but two Gaussians is asked for."""
        if not self.accepts_codes(scene):
            return None
        reach = self.halo(source.frame)
        made = kernels.gaussian_band.band_mask(source.padded(reach), *self.taps)
        return Window(made, source.valid_region(reach), source.frame)


@frozen
class DifferenceOfStatistics(MaskGenerator, name="diffstat"):
    """Difference of two statistics over small boxes."""

    examples: ClassVar = ("", "r5", "r2,min,max", "r2,R4,Median,Mean", "r3,grad,stdev")
    typical_rate: ClassVar[float] = 6.0

    r: float = number(3, "width of the first box in pixels", low=1, high=101)
    R: float | None = number(None, "width of the second box; left out: as the first", low=1, high=101, quiet=True)
    word1: str = word("Median", "first statistic", STATISTICS, aliases=STATISTIC_ALIASES, quiet=True)
    word2: str = word("Mean", "second statistic", STATISTICS, aliases=STATISTIC_ALIASES, quiet=True)

    def normalised(self) -> Self:
        made = replace(self, R=None) if self.r == self.R else self
        return super(DifferenceOfStatistics, made).normalised()

    def halo(self, frame: Frame) -> Halo:
        return box_halo(self.r).maximum(box_halo(self.R or self.r))

    def respond(self, x: Window) -> Window:
        return abs_difference(box_statistic(x, self.r, self.word1), box_statistic(x, self.R or self.r, self.word2))


@frozen
class Morphology(MorphologyFilter, MaskGenerator, name="morphology"):
    """Morphological edges, openings and closings."""

    examples: ClassVar = ("", "r2", "dilate,r1", "smooth,r1", "edgein,Diamond,r2", "edgeout,r2,R2", "close,Disk,r3")
    typical_rate: ClassVar[float] = 5.3

    word1: str = word("Edge", "what to do", MorphologyFilter.__dataclass_fields__["word1"].metadata["choices"])

    def difference_by_default(self) -> bool:
        return self.word1 not in ("Close", "Edge", "EdgeIn", "EdgeOut", "TopHat", "BottomHat")

    def respond(self, x: Window) -> Window:
        return self.apply_morphology(x)


@frozen
class Resize(MaskGenerator, name="resize"):
    """Difference to the frame made smaller and large again."""

    examples: ClassVar = ("", "p25", "p40,bilinear", "p50,catrom", "p30,mesh", "p30,average9", "p150")
    typical_rate: ClassVar[float] = 7.6

    p: float = number(50, "percent of the size", low=1, high=1000)
    word1: str = word("Spline", "interpolation", interpolation_names)

    def needs_all_planes(self, x: Window) -> bool:
        return self.word1 == "Mesh"  # which chooses its diagonals by luminance

    def difference_by_default(self) -> bool:
        return True

    def halo(self, frame: Frame) -> Halo:
        # Four samples on either grid; each of the smaller one spans 100 / p pixels.
        return Halo.uniform(3 + ceil(3 * max(100 / self.p, 1)))

    def respond(self, x: Window) -> Window:
        region, small = x.valid_region(self.halo(x.frame)), scaled_size(x.frame, self.p)
        return resize_and_back(x, small, region, self.word1)


@frozen
class Statistic(MaskGenerator, name="statistic"):
    """A statistic over a small box, by default its standard deviation."""

    version: ClassVar[int] = 2
    examples: ClassVar = ("", "r4", "mean,r3", "median,r2", "gradient,r2", "r2,R4", "r3", "rms,r2")
    typical_rate: ClassVar[float] = 8.1

    r: float = number(2, "width of the box in pixels", low=1, high=101)
    R: float | None = number(None, "width of a second box to take the difference to", low=1, high=101)
    word1: str = word("StandardDeviation", "statistic", STATISTICS, aliases=STATISTIC_ALIASES, quiet=True)

    def difference_by_default(self) -> bool:
        return self.word1 not in ("Gradient", "StandardDeviation")

    def halo(self, frame: Frame) -> Halo:
        return box_halo(self.r).maximum(box_halo(self.R or 1))

    def accepts_codes(self, scene: WorkingSpace) -> bool:
        return sees_frames(self, scene) and self.word1 == "StandardDeviation" and not self.takes_difference

    def respond(self, x: Window) -> Window:
        once = box_statistic(x, self.r, self.word1)
        return once if self.R is None else abs_difference(once, box_statistic(x, self.R, self.word1))


@frozen
class Wavelet(WaveletFilter, MaskGenerator, name="wavelet"):
    """What a soft threshold of the wavelet transform removes: detail of five scales."""

    examples: ClassVar = ("", "p100", "p5,P50", "p20", "p5,db2")
    typical_rate: ClassVar[float] = 7.3

    p: float = number(5, "percent of the threshold of each scale", low=0, high=10000)
    P: float | None = number(None, "second percent to take the difference to", low=0, high=10000)
    word1: str | None = word(None, "wavelet of PyWavelets; left out: the à-trous hat", wavelet_names)

    def difference_by_default(self) -> bool:
        return self.P is None

    def halo(self, frame: Frame) -> Halo:
        return self.wavelet_halo(frame, self.word1)

    def respond(self, x: Window) -> Window:
        once = self.soft_threshold_colours(x, self.p)
        return once if self.P is None else abs_difference(once, self.soft_threshold_colours(x, self.P))

    def needs_all_planes(self, x: Window) -> bool:
        return len(x.data) > 3

    def soft_threshold_colours(self, x: Window, percent: float) -> Window:
        """Up to three planes softened; a fourth, the black of CMYK, is left as it is, as in the original."""
        made = self.soft_threshold(x.with_data(x.data[:3]), percent, self.word1)
        return made.with_data(np.concatenate([made.data, x.cropped(made.region).data[3:]])) if len(x.data) > 3 else made

    def accepts_codes(self, scene: WorkingSpace) -> bool:
        plain = self.P is None and self.word1 is None and not self.neg
        return sees_frames(self, scene) and plain and self.takes_difference

    def fused_mask(self, source: Window, scene: WorkingSpace) -> Window | None:
        """The mask in one pass where nothing but the default is asked for."""
        if not self.accepts_codes(scene):
            return None
        levels, reach = self.levels(source.frame), self.halo(source.frame)
        limits = kernels.wavelet.thresholds_for(self.p, levels)
        made = kernels.wavelet.residue(source.data, limits, tuple(source.border_padding(reach)))
        return Window(made, source.valid_region(reach), source.frame)
