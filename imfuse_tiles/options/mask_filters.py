"""Filters of the merged mask, run in the order given: they clean it and close gaps between edges."""

from __future__ import annotations

from typing import ClassVar

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Window
from imfuse_tiles.options.grammar import Option, integer, number, word
from imfuse_tiles.options.shared_filters import (
    STATISTIC_ALIASES,
    STATISTICS,
    BlurFilter,
    MorphologyFilter,
    WaveletFilter,
    abs_difference,
    box_halo,
    box_statistic,
    gaussian_smooth,
    wavelet_names,
)


@frozen
class MaskFilter(Option):
    """A filter from mask to mask, both (y, x)."""

    section: ClassVar[str] = "Mask filters (in the order given)"
    #: Looks at whole frames: no halo is large enough.
    whole_frame: ClassVar[bool] = False

    @property
    def keeps_below(self) -> bool:
        """Whether no value of the filtered mask is above the largest of the mask, give or take rounding."""
        return False

    def halo(self, frame: Frame) -> Halo:
        """Pixels around a region that the filtered mask depends on."""
        return Halo()

    def apply(self, mask: Window) -> Window:
        """The mask filtered, smaller by the halo where the window does not end at the frame."""
        raise NotImplementedError


@frozen
class MaskBlur(BlurFilter, MaskFilter, name="maskblur"):
    """Blur the mask: closes gaps, spreads noise."""

    examples: ClassVar = ("", "s3", "s2,gaussian", "s3,p50", "s3,p70,P60")
    typical_rate: ClassVar[float] = 1.6

    def apply(self, mask: Window) -> Window:
        return self.blur_and_mix(mask)


@frozen
class MaskDespeckle(MaskFilter, name="maskdespeckle"):
    """Remove specks, one 8-bit step each pass."""

    examples: ClassVar = ("", "n3")
    typical_rate: ClassVar[float] = 7.3

    n: int = integer(1, "passes", low=1, high=50)

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(kernels.despeckle.halo(self.n))

    def apply(self, mask: Window) -> Window:
        reach = self.halo(mask.frame)
        margins = tuple(mask.border_padding(reach))
        return mask.filtered(lambda plane: kernels.despeckle.despeckle(plane, self.n, margins), reach, "constant")


@frozen
class MaskEnhance(MaskFilter, name="maskenhance"):
    """Smooth the mask where neighbours are alike."""

    examples: ClassVar = ("", "n2")
    typical_rate: ClassVar[float] = 4.8

    n: int = integer(1, "passes", low=1, high=100)

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(kernels.enhance.HALO * self.n)

    def apply(self, mask: Window) -> Window:
        for _ in range(self.n):
            mask = mask.filtered(kernels.enhance.enhance, Halo.uniform(kernels.enhance.HALO))
        return mask


@frozen
class MaskKuwahara(MaskFilter, name="maskkuwahara"):
    """Smooth the mask and keep its edges, after Kuwahara."""

    examples: ClassVar = ("", "r2", "r3")
    typical_rate: ClassVar[float] = 7.1

    r: float = number(4, "radius in pixels", low=1, high=100)

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(2 * int(self.r))

    def apply(self, mask: Window) -> Window:
        blurred = gaussian_smooth(mask, kernels.kuwahara.blur_sigma(self.r), int(self.r))
        return blurred.filtered(lambda plane: kernels.kuwahara.kuwahara(plane, self.r), Halo.uniform(int(self.r)))


@frozen
class MaskMorph(MorphologyFilter, MaskFilter, name="maskmorph"):
    """Morphology on the mask: close joins edges, open removes specks."""

    examples: ClassVar = ("", "close,r2,R2", "dilate,r2,Disk", "open,r2,Square", "smooth,r1")
    typical_rate: ClassVar[float] = 1.9

    def apply(self, mask: Window) -> Window:
        return self.apply_morphology(mask)


@frozen
class MaskStat(MaskFilter, name="maskstat"):
    """A statistic over a small box of the mask."""

    examples: ClassVar = ("", "median,r3", "stdev,r4", "r6,Mean")
    typical_rate: ClassVar[float] = 1.0

    r: float = number(5, "width of the box in pixels", low=1, high=101)
    word1: str = word("Mean", "statistic", STATISTICS, aliases=STATISTIC_ALIASES)

    @property
    def keeps_below(self) -> bool:
        return self.word1 in ("Mean", "Median", "Minimum", "Maximum")

    def halo(self, frame: Frame) -> Halo:
        return box_halo(self.r)

    def apply(self, mask: Window) -> Window:
        made = box_statistic(mask, self.r, self.word1)
        return abs_difference(made, mask) if self.word1 in ("Contrast", "Mode") else made


@frozen
class MaskThreshold(MaskFilter, name="maskthreshold"):
    """Set the mask to 0 below t percent and to 100 above T percent."""

    examples: ClassVar = ("", "t20,T80")
    typical_rate: ClassVar[float] = 0.3

    t: float = number(50, "percent below which it becomes 0")
    T: float = number(100, "percent above which it becomes 100", quiet=True)

    def apply(self, mask: Window) -> Window:
        return mask.with_data(kernels.level.threshold_and_weigh(mask.data, self.t, self.T, 100))


@frozen
class MaskWave(WaveletFilter, MaskFilter, name="maskwave"):
    """Remove small detail from the mask by a wavelet threshold: less noise, closed gaps."""

    examples: ClassVar = ("", "p100", "p10,P50", "p20,db2")
    typical_rate: ClassVar[float] = 2.4

    p: float = number(20, "percent of the threshold of each scale", low=0, high=10000)
    P: float | None = number(None, "second percent to take the difference to", low=0, high=10000)
    word1: str | None = word(None, "wavelet of PyWavelets; left out: the à-trous hat", wavelet_names)

    @property
    def keeps_below(self) -> bool:
        # Each smoothed mask is. Detail that is put on one rises above it only by what exceeds its threshold, which is
        # more than all thresholds of coarser levels together: what these have left out below is not made up for.
        return self.P is None and self.word1 is None

    def halo(self, frame: Frame) -> Halo:
        return self.wavelet_halo(frame, self.word1)

    def apply(self, mask: Window) -> Window:
        made = self.soft_threshold(mask, self.p, self.word1)
        return made if self.P is None else abs_difference(made, self.soft_threshold(mask, self.P, self.word1))
