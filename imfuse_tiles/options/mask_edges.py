"""Mask generators that convolve with small or Gaussian-shaped kernels: Laplacians, edges, comets."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Plane, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.grammar import integer, number, word
from imfuse_tiles.options.mask_generator import MaskGenerator
from imfuse_tiles.options.mask_merging import blend_modes
from imfuse_tiles.options.shared_filters import abs_difference

FUSED_MODES = ("Screen", "Lighten", "Darken")


def convolve_window(x: Window, kernel: np.ndarray, bias: float = 50) -> Window:
    """A window convolved with a square kernel, plus ``bias`` percent."""
    reach = Halo.uniform(len(kernel) // 2)
    return x.filtered(lambda plane: kernels.contrast.convolve_biased(plane, kernel, bias), reach)


@frozen
class EdgeDetector(MaskGenerator):
    """A small kernel in four or eight directions, the answers composed."""

    bias: ClassVar[float] = 10

    @property
    def mode(self) -> str:
        """How the directions are composed."""
        return "Screen"

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(1)

    def kernel_bank(self) -> np.ndarray:
        """The kernel in all its directions."""
        return kernels.edges.edge_bank(self.name)

    def respond(self, x: Window) -> Window:
        return x.filtered(self.combine_directions, Halo.uniform(1))

    def combine_directions(self, plane: Plane) -> Plane:
        """The answers of all directions as one plane."""
        if self.mode in FUSED_MODES:
            return kernels.edges.edges(plane, self.kernel_bank(), self.bias, self.mode.lower())
        parts = kernels.edges.responses(plane, self.kernel_bank(), self.bias)
        return reduce(lambda under, top: kernels.blend.blend(self.mode, under, top), parts)


@frozen
class Comet(MaskGenerator, name="comet"):
    """Difference to the frame smeared like a comet's tail in four directions."""

    examples: ClassVar = ("", "s2", "s3,Darken", "r4,s2")
    typical_rate: ClassVar[float] = 17.0

    r: float = number(0, "length of the tail in pixels; 0: as far as it reaches", low=0, high=2000, quiet=True)
    s: float = number(5, "sigma in pixels", low=0.01, high=1000)
    word1: str = word("Lighten", "how the directions are composed", blend_modes, quiet=True)

    def difference_by_default(self) -> bool:
        return True

    def taps(self) -> np.ndarray:
        """The tail, brightest first."""
        return kernels.comet.comet_taps(self.s, int(self.r))

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(len(self.taps()) - 1)

    def respond(self, x: Window) -> Window:
        return x.filtered(self.smear, self.halo(x.frame))

    def smear(self, plane: Plane) -> Plane:
        """The four smeared planes as one."""
        if self.word1 in FUSED_MODES:
            return kernels.comet.comet(plane, self.taps(), self.word1.lower())
        parts = kernels.comet.comet_copies(plane, self.taps())
        return reduce(lambda under, top: kernels.blend.blend(self.word1, under, top), parts)


@frozen
class Compass(EdgeDetector, name="compass"):
    """Compass edges in four directions."""

    bias: ClassVar[float] = 50
    examples: ClassVar = ("", "Darken", "Multiply")
    typical_rate: ClassVar[float] = 6.9

    word1: str = word("Lighten", "how the directions are composed", blend_modes, quiet=True)

    @property
    def mode(self) -> str:
        return self.word1


@frozen
class DifferenceOfGaussians(MaskGenerator, name="dog"):
    """Difference of two Gaussians, its positive and negative part balanced."""

    examples: ClassVar = ("", "s1", "s1,S3")
    typical_rate: ClassVar[float] = 4.9

    r: float = number(0, "radius in pixels; 0: as far as the kernel reaches", low=0, high=200, quiet=True)
    s: float = number(0.3, "first sigma in pixels", low=0.05, high=50)
    S: float | None = number(None, "second sigma in pixels; left out: 1.6 times the first", low=0.05, high=50)

    def normalised(self) -> Self:
        made = self if self.S is not None else replace(self, S=1.6 * self.s)
        return super(DifferenceOfGaussians, made).normalised()

    def kernel(self) -> np.ndarray:
        return kernels.contrast.dog_kernel(self.s, self.S, int(self.r))

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(len(self.kernel()) // 2)

    def respond(self, x: Window) -> Window:
        return convolve_window(x, self.kernel())


@frozen
class FreiChen(EdgeDetector, name="freichen"):
    """Edges after Frei and Chen in four directions."""

    examples: ClassVar = ("", "n2", "n-1", "Lighten")
    typical_rate: ClassVar[float] = 6.8

    n: int = integer(0, "form of the kernel: 2 diagonal, else straight", low=-1, high=9, quiet=True)
    word1: str = word("Screen", "how the directions are composed", blend_modes, quiet=True)

    @property
    def mode(self) -> str:
        return self.word1

    def kernel_bank(self) -> np.ndarray:
        return kernels.edges.edge_bank(self.name, self.n)


@frozen
class Kirsch(EdgeDetector, name="kirsch"):
    """Kirsch edges in four directions."""

    bias: ClassVar[float] = 50
    typical_rate: ClassVar[float] = 7.2


@frozen
class Laplacian(MaskGenerator, name="laplacian"):
    """A discrete Laplacian."""

    examples: ClassVar = ("", "n0", "n1", "n5", "n7", "n19")
    typical_rate: ClassVar[float] = 3.3

    n: int = integer(3, "form of the kernel: 0, 1, 2, 3 (3x3), 5, 15 (5x5), 7 (7x7), 19 (9x9), others as 0")

    def kernel(self) -> np.ndarray:
        return kernels.contrast.laplacian_kernel(self.n)

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(len(self.kernel()) // 2)

    def respond(self, x: Window) -> Window:
        return convolve_window(x, self.kernel())


@frozen
class LaplacianOfGaussian(MaskGenerator, name="log"):
    """Laplacian of a Gaussian, or the difference of two."""

    examples: ClassVar = ("", "s1", "s1,S2")
    typical_rate: ClassVar[float] = 2.9

    r: float = number(0, "radius in pixels; 0: as far as the kernel reaches", low=0, high=200, quiet=True)
    s: float = number(0.2, "sigma in pixels", low=0.05, high=50)
    S: float | None = number(None, "second sigma in pixels to take the difference to", low=0.05, high=50)

    def kernel(self, sigma: float) -> np.ndarray:
        return kernels.contrast.log_kernel(sigma, int(self.r))

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(max(len(self.kernel(sigma)) // 2 for sigma in (self.s, self.S or self.s)))

    def respond(self, x: Window) -> Window:
        once = convolve_window(x, self.kernel(self.s))
        if self.S is None:
            return once
        made = abs_difference(once, convolve_window(x, self.kernel(self.S)))
        return made.with_data(np.minimum(made.data, np.float32(1)))


@frozen
class Prewitt(EdgeDetector, name="prewitt"):
    """Prewitt edges in four directions."""

    typical_rate: ClassVar[float] = 6.7


@frozen
class Roberts(EdgeDetector, name="roberts"):
    """Roberts edges in eight directions."""

    typical_rate: ClassVar[float] = 17.0


@frozen
class Sobel(EdgeDetector, name="sobel"):
    """Sobel edges in four directions."""

    typical_rate: ClassVar[float] = 6.7
