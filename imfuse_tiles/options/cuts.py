"""Filters of the cut: what of each slice is painted onto those behind it, in the order given."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.grammar import Option, number, word
from imfuse_tiles.options.shared_filters import (
    BlurFilter,
    MorphologyFilter,
    WaveletFilter,
    gaussian_smooth,
    smoothing_radius,
    wavelet_names,
)


@frozen
class Cut:
    """The cut of one slice on its way to the brush.

    ``alpha``: the cut (y, x), nominally 0..1. ``mask``: the slice's mask, ``strongest``: the largest mask
    so far, ``unfiltered``: the cut before any filter. Regions may differ: the filtered cut is the smallest.
    """

    alpha: Window
    mask: Window
    strongest: Window
    unfiltered: Window

    def samples_at(self, other: Window) -> np.ndarray:
        """Samples of another window where the cut is."""
        return other.cropped(self.alpha.region).data

    def limited_to(self, limit: np.ndarray) -> Cut:
        """The cut, nowhere above ``limit``, which is overwritten."""
        return replace(self, alpha=self.alpha.with_data(np.minimum(self.alpha.data, limit, out=limit)))


@frozen
class CutFilter(Option):
    """A filter of the cut."""

    section: ClassVar[str] = "Cuts (in the order given)"

    def halo(self, frame: Frame) -> Halo:
        """Pixels around a region that the filtered cut depends on."""
        return Halo()

    def apply(self, cut: Cut) -> Cut:
        """The cut filtered."""
        return cut


@frozen
class CutLess(CutFilter, name="cutless"):
    """Keep foreground that stronger background would cover; comes first."""

    goes_first: ClassVar[bool] = True
    examples: ClassVar = ("", "p5", "p40")
    typical_rate: ClassVar[float] = 0.0

    p: float = number(20, "percent that a mask must rise above its last valley", low=-100, high=1000)
    t: float | None = number(None, "accepted for compatibility, without effect", role="none")


@frozen
class CutAlpha(CutFilter, name="cutalpha"):
    """Make cuts transparent where the mask is weak: p percent at mask 0, P percent at mask 100."""

    examples: ClassVar = ("", "p-25,P150")
    typical_rate: ClassVar[float] = 0.6

    p: float = number(0, "percent of opacity where the mask is 0", quiet=True)
    P: float = number(100, "percent of opacity where the mask is 100", quiet=True)

    def apply(self, cut: Cut) -> Cut:
        low, rise = self.p / 100, (self.P - self.p) / 100
        made = kernels.combine.limit_alpha(cut.alpha.data, cut.samples_at(cut.mask), low, rise)
        return replace(cut, alpha=cut.alpha.with_data(made))


@frozen
class CutBg(CutFilter, name="cutbg"):
    """Collect the cuts as they are here to fill what later cut filters make transparent."""

    examples: ClassVar = ("", "background", "off")
    typical_rate: ClassVar[float] = 0.0

    word1: str = word("compose", "compose: fill; background: a layer behind; off: leave out",
                      ("compose", "background", "off"), quiet=True)  # fmt: skip


@frozen
class CutBlur(BlurFilter, CutFilter, name="cutblur"):
    """Blur the cut."""

    examples: ClassVar = ("", "s4", "s4,p50", "s3,gaussian")
    typical_rate: ClassVar[float] = 37.0

    def apply(self, cut: Cut) -> Cut:
        return replace(cut, alpha=self.blur_and_mix(cut.alpha))


@frozen
class CutMax(CutFilter, name="cutmax"):
    """Cut only where the slice's mask comes within p percent of the strongest so far."""

    examples: ClassVar = ("", "p20")
    typical_rate: ClassVar[float] = 0.9

    p: float = number(0, "percent below the strongest mask")

    def apply(self, cut: Cut) -> Cut:
        near = cut.samples_at(cut.strongest) - np.float32(self.p / 100)
        return cut.limited_to((cut.samples_at(cut.mask) >= near).astype(np.float32))


@frozen
class CutMorph(MorphologyFilter, CutFilter, name="cutmorph"):
    """Morphology on the cut, by default erode."""

    examples: ClassVar = ("", "dilate,r2", "r2,R2", "r3,R1,Erode")
    typical_rate: ClassVar[float] = 0.9

    word1: str = word("Erode", "what to do", MorphologyFilter.__dataclass_fields__["word1"].metadata["choices"])

    def apply(self, cut: Cut) -> Cut:
        return replace(cut, alpha=self.apply_morphology(cut.alpha))


@frozen
class CutSoft(CutFilter, name="cutsoft"):
    """Blur the border of the cut outwards and leave its inside."""

    examples: ClassVar = ("", "s4")
    typical_rate: ClassVar[float] = 2.2

    s: float = number(1, "sigma in pixels", low=0, high=1000)

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(smoothing_radius(self.s, 0, False))

    def apply(self, cut: Cut) -> Cut:
        soft = gaussian_smooth(cut.alpha, self.s)
        hard = cut.unfiltered.cropped(soft.region).data
        inside = np.clip(soft.data, 0, 1)
        return replace(cut, alpha=soft.with_data(np.maximum(inside, hard, out=inside)))


@frozen
class CutThreshold(CutFilter, name="cutthreshold"):
    """Cut only where the mask exceeds t percent."""

    examples: ClassVar = ("", "t50")
    typical_rate: ClassVar[float] = 0.7

    t: float = number(20, "percent")

    def apply(self, cut: Cut) -> Cut:
        return cut.limited_to((cut.samples_at(cut.mask) > np.float32(self.t / 100)).astype(np.float32))


@frozen
class CutWave(WaveletFilter, CutFilter, name="cutwave"):
    """Soften the cut by a wavelet threshold; closes gaps."""

    examples: ClassVar = ("", "p100", "p75")
    typical_rate: ClassVar[float] = 2.6

    p: float = number(25, "percent of the threshold of each scale", low=0, high=10000)
    word1: str | None = word(None, "wavelet of PyWavelets; left out: the à-trous hat", wavelet_names)

    def halo(self, frame: Frame) -> Halo:
        return self.wavelet_halo(frame, self.word1)

    def apply(self, cut: Cut) -> Cut:
        return replace(cut, alpha=self.soft_threshold(cut.alpha, self.p, self.word1))
