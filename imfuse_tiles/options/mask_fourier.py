"""Fourier masks: a frequency response on whole planes, for frames and for merged masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Window
from imfuse_tiles.options.grammar import Option, integer, number, word
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import MaskGenerator
from imfuse_tiles.options.shared_filters import abs_difference

if TYPE_CHECKING:
    from imfuse_tiles.kernels.response import Response

RADIUS_HELP = "radius in percent of the highest frequency; square, rhombus: in frequencies"


def response_shapes() -> tuple[str, ...]:
    """Names of the shapes of a response."""
    return tuple(kernels.response.SHAPES)


@frozen
class FourierFilter(Option):
    """The arguments of a frequency response, and the exact filter on windows that are whole frames."""

    s: float = number(0, "strength of a sigmoid, negative: its inverse; solid: sigma of a blur", low=-100, high=100,
                      quiet=True)  # fmt: skip
    p: float = number(50, "percent at which the sigmoid has its middle", quiet=True)
    N: int = integer(0, "0: low pass, 1: high pass", low=0, high=1, quiet=True)

    def validated(self) -> Self:
        super().validated()
        self.responses((100, 100))
        return self

    def response(self, radius: float, frame: Frame) -> Response:
        """The response of a radius. Refusal naming the word that is wrong.

        The radius counts percent of the Nyquist frequency; for the square and the rhombus it counts frequencies
        of the transform, as in the original.
        """
        word_fields: Any = self
        if word_fields.word2 in ("square", "rhombus"):
            radius = 200 * (radius + 0.25) / kernels.fft.fft_size(*frame)
        try:
            return kernels.response.Response(radius, None, self.s, self.p, self.N, word_fields.word1, word_fields.word2)
        except ValueError as error:
            raise Refusal(f"--{self.name}: {error}") from None

    def responses(self, frame: Frame) -> list[Response]:
        """The responses whose answers are compared: one, or two for R."""
        radii: Any = self
        second = getattr(radii, "R", None)
        return [self.response(radius, frame) for radius in (radii.r, second) if radius is not None]

    def filter_whole_frame(self, x: Window, response: Response) -> Window:
        """A window that is the frame itself, filtered at once."""
        if x.region.shape != x.frame:
            raise ValueError("a Fourier filter needs the whole frame")
        gain = kernels.fft.kept_gain(response, *x.frame)
        return x.filtered(lambda plane: kernels.fft.filter_plane(plane, response, gain), Halo())


@frozen
class Fft(FourierFilter, MaskGenerator, name="fft"):
    """Difference to the frame without its high frequencies."""

    whole_frame: ClassVar[bool] = True
    examples: ClassVar = ("", "r40", "r75,R25", "r50,log1000", "r20,N1", "r60,s5,p30", "r60,gradient,square")
    typical_rate: ClassVar[float] = 65.0

    r: float = number(75, RADIUS_HELP, low=0.01, high=300)
    R: float | None = number(None, "second radius to take the difference to", low=0.01, high=300)
    word1: str = word("gradient", "gradient, gaussian, solid, logN, inverselogN, powN or cosN", quiet=True)
    word2: str = word("circle", "shape", response_shapes, quiet=True)

    def difference_by_default(self) -> bool:
        return self.N == 0 and self.R is None

    def respond(self, x: Window) -> Window:
        made = [self.filter_whole_frame(x, response) for response in self.responses(x.frame)]
        return made[0] if len(made) == 1 else abs_difference(made[0], made[1])


@frozen
class MaskFft(FourierFilter, MaskFilter, name="maskfft"):
    """Remove high frequencies from the mask."""

    whole_frame: ClassVar[bool] = True
    examples: ClassVar = ("", "r50,gradient", "r20,solid")
    typical_rate: ClassVar[float] = 18.0

    r: float = number(25, RADIUS_HELP, low=0.01, high=300)
    word1: str = word("log1000", "gradient, gaussian, solid, logN, inverselogN, powN or cosN")
    word2: str = word("circle", "shape", response_shapes, quiet=True)

    def apply(self, mask: Window) -> Window:
        return self.filter_whole_frame(mask, self.responses(mask.frame)[0])
