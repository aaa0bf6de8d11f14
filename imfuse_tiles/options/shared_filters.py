"""Filters that several options share: the same arguments and arithmetic for masks, cuts and frames."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.grammar import Option, number, word

BLUR_WORDS = ("gaussian",)
SHAPES = ("Octagon", "Diamond", "Square", "Disk", "Plus", "Cross")
MORPHOLOGY = (
    "Dilate", "Erode", "Open", "Close", "Smooth", "Edge", "EdgeIn", "EdgeOut", "TopHat", "BottomHat",
)  # fmt: skip
STATISTICS = (
    "Mean", "Median", "Minimum", "Maximum", "Gradient", "RMS", "StandardDeviation", "Mode", "NonPeak", "Contrast",
)  # fmt: skip
STATISTIC_ALIASES = {
    "stdev": "StandardDeviation", "dev": "StandardDeviation", "min": "Minimum", "max": "Maximum", "grad": "Gradient",
}  # fmt: skip


def smoothing_radius(sigma: float, radius: float, gaussian: bool) -> int:
    """Radius in pixels of a Gaussian: as given, else where its tail falls below one 16-bit step."""
    if sigma == 0:
        return 0
    if radius >= 1:
        return int(radius)
    return kernels.gaussian.gaussian_radius(sigma) if gaussian else kernels.gaussian.blur_radius(sigma)


def smoothing_taps(sigma: float, radius: float, gaussian: bool) -> np.ndarray:
    """The taps of a Gaussian along one axis."""
    return (kernels.gaussian.gaussian_taps if gaussian else kernels.gaussian.blur_taps)(sigma, int(radius))


def gaussian_smooth(x: Window, sigma: float, radius: float = 0, gaussian: bool = False) -> Window:
    """A window under a separable Gaussian; sigma 0 leaves it alone."""
    if sigma == 0:
        return x
    taps = smoothing_taps(sigma, radius, gaussian)
    reach = Halo.uniform(len(taps) // 2)
    planes, region = x.padded(reach) if any(x.border_padding(reach)) else x.data, x.valid_region(reach)
    made = np.empty((*planes.shape[:-2], *region.shape), np.float32)
    for place in np.ndindex(planes.shape[:-2]):
        kernels.gaussian.separable(planes[place], taps, taps, made[place])
    return Window(made, region, x.frame)


def abs_difference(a: Window, b: Window) -> Window:
    """|a - b| over the region both cover."""
    one, other = a.common_data(b)
    apart = np.subtract(one, other)
    return Window(np.abs(apart, out=apart), a.common_region(b), a.frame)


@frozen
class WaveletFilter(Option):
    """Soft threshold of the five-level à-trous hat wavelet."""

    version: ClassVar[int] = 1

    def levels(self, frame: Frame, name: str | None = None) -> int:
        """Scales of the transform: five, fewer for a tiny frame."""
        if name is None:
            return int(kernels.wavelet.levels_for(*frame))
        return int(kernels.swt.levels_named(name, *frame))

    def wavelet_halo(self, frame: Frame, name: str | None) -> Halo:
        levels = self.levels(frame, name)
        return Halo.uniform(kernels.wavelet.halo(levels) if name is None else kernels.swt.halo_named(name, levels))

    def soft_threshold(self, x: Window, percent: float, name: str | None) -> Window:
        """The window with detail below the threshold of each level removed."""
        levels, reach = self.levels(x.frame, name), self.wavelet_halo(x.frame, name)
        if name is None:
            limits, margins = kernels.wavelet.thresholds_for(percent, levels), tuple(x.border_padding(reach))
            return x.filtered_unpadded(lambda plane: kernels.wavelet.soften(plane, limits, margins), reach)
        limits = [percent / 100 * noise for noise in kernels.swt.noise_named(name, levels)]
        return x.filtered(lambda plane: kernels.swt.soften_named(plane, name, levels, limits), reach, "reflect")


def wavelet_names() -> tuple[str, ...]:
    """Names of PyWavelets' discrete wavelets."""
    return tuple(kernels.swt.known_wavelets())


@frozen
class MorphologyFilter(Option):
    """Morphology: largest and smallest values under a shape."""

    r: float = number(1, "radius of the shape in pixels", low=0, high=512)
    R: float = number(1, "how often each step is repeated", low=1, high=100)
    word1: str = word("Close", "what to do", MORPHOLOGY)
    word2: str = word("Octagon", "shape", SHAPES, quiet=True)

    def structuring_element(self) -> np.ndarray:
        return kernels.morphology.structuring_element(self.word2, self.r)

    def halo(self, frame: Frame) -> Halo:
        steps = {"Open": 2, "Close": 2, "TopHat": 2, "BottomHat": 2, "Smooth": 4}.get(self.word1, 1)
        return Halo.uniform(len(self.structuring_element()) // 2 * int(self.R) * steps)

    def dilated(self, x: Window) -> Window:
        return self._repeat(x, kernels.morphology.dilate)

    def eroded(self, x: Window) -> Window:
        return self._repeat(x, kernels.morphology.erode)

    def _repeat(self, x: Window, kernel) -> Window:  # type: ignore[no-untyped-def]
        element = self.structuring_element()
        for _ in range(int(self.R)):
            x = x.filtered(lambda plane: kernel(plane, element), Halo.uniform(len(element) // 2))
        return x

    def apply_morphology(self, x: Window) -> Window:
        """The window after the steps of ``word1``."""
        if self.R == 1 and self.word1 in ("Dilate", "Erode"):
            return self._apply_operation(x)
        return x.in_bands(self.halo(x.frame), self._apply_operation)

    def _apply_operation(self, x: Window) -> Window:
        mode = self.word1
        if mode == "Dilate":
            return self.dilated(x)
        if mode == "Erode":
            return self.eroded(x)
        if mode in ("Open", "TopHat"):
            opened = self.dilated(self.eroded(x))
            return opened if mode == "Open" else difference(x, opened)
        if mode in ("Close", "BottomHat"):
            closed = self.eroded(self.dilated(x))
            return closed if mode == "Close" else difference(closed, x)
        if mode == "Smooth":
            return self.eroded(self.dilated(self.dilated(self.eroded(x))))
        high = x if mode == "EdgeIn" else self.dilated(x)
        low = x if mode == "EdgeOut" else self.eroded(x)
        return difference(high, low)


def difference(a: Window, b: Window) -> Window:
    """a - b over the region both cover."""
    one, other = a.common_data(b)
    return Window(one - other, a.common_region(b), a.frame)


def box_halo(width: float) -> Halo:
    """Halo of a window ``width`` pixels wide; an even one reaches one pixel further up and left."""
    before, after = int(width) // 2, int(width) - 1 - int(width) // 2
    return Halo(max(before, 0), max(after, 0), max(before, 0), max(after, 0))


def box_statistic(x: Window, width: float, mode: str) -> Window:
    """A statistic over the box of ``width`` x ``width`` pixels around each pixel."""
    return x.filtered(lambda plane: kernels.statistic.statistic(plane, int(width), mode), box_halo(width))


@frozen
class BlurFilter(Option):
    """Gaussian blur, mixed with the unblurred mask: p percent of the one plus P percent of the other."""

    r: float = number(0, "radius in pixels; 0: as far as the blur reaches", low=0, high=2000, quiet=True)
    s: float = number(1, "sigma in pixels", low=0, high=1000)
    p: float = number(100, "percent of the blurred mask", quiet=True)
    P: float | None = number(None, "percent of the unblurred mask; left out: the rest to 100")
    word1: str | None = word(None, "gaussian: a square two-dimensional Gaussian", BLUR_WORDS)

    def normalised(self) -> Self:
        return replace(self, P=None) if 100 - self.p == self.P else self

    def validated(self) -> Self:
        if self.P is not None and self.p + self.P <= 0:
            raise Refusal(f"--{self.name}: p and P are {self.p + self.P:g} together, allowed is more than 0")
        return super().validated()

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(smoothing_radius(self.s, self.r, self.word1 is not None))

    def blur_and_mix(self, x: Window) -> Window:
        """The blurred window and the plain one by their percents, scaled back where they exceed 100 together."""
        y = gaussian_smooth(x, self.s, self.r, self.word1 is not None)
        p, rest = self.p, 100 - self.p if self.P is None else self.P
        if (p, rest) == (100, 0):
            return y
        at = y.region.y0 - x.region.y0, y.region.x0 - x.region.x0
        return y.with_data(kernels.combine.mix(y.data, x.data, at, (p / 100, rest / 100)))
