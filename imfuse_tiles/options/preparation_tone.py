"""Brightness and contrast of prepared frames: the same curve for all of them, but for ``--contrast-stretch``."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any, ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region, Window
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.grammar import count_or_percent, number, word
from imfuse_tiles.options.preparation import Preparation, on_colours

_STEPS = 65535
_PAIR = re.compile(r"([\d.]+)(%?)[x]([\d.]+)(%?)")


def pair(owner: str, text: str, first: str, second: str) -> tuple[float, float, bool]:
    """Two numbers of a text such as 10%x90%, and whether they are percentages. Refusal for anything else."""
    found = _PAIR.fullmatch(text.lower())
    try:
        numbers = (float(found[1]), float(found[3])) if found else None
    except ValueError:
        numbers = None
    if numbers is None or found is None:
        raise Refusal(f"--{owner}={text} is not allowed; its form is {first}x{second}")
    return *numbers, bool(found[2] or found[4])


@frozen
class ToneCurve(Preparation):
    """An option that changes colours pixel by pixel."""

    def colours(self, planes: np.ndarray, numbers: dict[str, Any]) -> np.ndarray:
        """The changed colours (c, y, x)."""
        raise NotImplementedError

    def apply(self, x: Window, region: Region, numbers: dict[str, Any]) -> np.ndarray:
        return on_colours(x.cropped(region).data, lambda planes: self.colours(planes, numbers))


@frozen
class Gamma(ToneCurve, name="gamma"):
    """Lighten (above 1) or darken the frames by a gamma; auto: so that the mean of the whole stack becomes 50 %."""

    examples: ClassVar = ("", "1.4", "0.7")

    word1: str = word("auto", "auto or a number from 0.01 to 100", quiet=True)

    def normalised(self) -> Self:
        return type(self)() if self.word1.lower() == "auto" else self

    def validated(self) -> Self:
        super().validated()
        if not self.needs_mean_image and not 0.01 <= self.number <= 100:
            raise Refusal(f"--gamma: {self.word1} is not allowed, it is auto or a number from 0.01 to 100")
        return self

    @property
    def number(self) -> float:
        """The number given; not a number if it is none."""
        try:
            return float(self.word1)
        except ValueError:
            return math.nan

    @property
    def needs_mean_image(self) -> bool:
        return self.word1 == "auto"

    def colours(self, planes: np.ndarray, numbers: dict[str, Any]) -> np.ndarray:
        gamma = self.number
        if self.needs_mean_image:
            mean = numbers["mean"]
            gamma = math.log(mean) / math.log(0.5) if 0 < mean < 1 else 1.0
        return kernels.tone.raise_to_power(planes, 1 / gamma)


@frozen
class LevelFrames(ToneCurve, name="level"):
    """Make what is as dark as LOW black and as bright as HIGH white; auto: the darkest and brightest of the mean image.

    LOW%xHIGH%, or without % steps of 65535; a LOW above HIGH inverts the frames. n is a gamma to go with it.
    """

    version: ClassVar[int] = 2  # 2: inverts
    examples: ClassVar = ("", "10%x90%", "90%x10%", "p5,P80,n1.2")

    n: float = number(1, "gamma", low=0.01, high=100, quiet=True)
    p: float | None = number(None, "percent that becomes black; left out: auto", low=0, high=100)
    P: float | None = number(None, "percent that becomes white", low=0, high=100)
    word1: str | None = word(None, "LOWxHIGH, or auto")

    def normalised(self) -> Self:
        if self.word1 is None or self.word1.lower() == "auto":
            high = 100.0 if self.P is None and self.p is not None else self.P
            return replace(self, word1=None, P=high, p=0.0 if self.p is None and self.P is not None else self.p)
        low, high, percent = pair(self.name, self.word1, "LOW%", "HIGH%")
        scale = 1 if percent else 100 / _STEPS
        return replace(self, word1=None, p=low * scale, P=high * scale)

    @property
    def needs_mean_image(self) -> bool:
        return self.p is None

    def colours(self, planes: np.ndarray, numbers: dict[str, Any]) -> np.ndarray:
        if self.p is None or self.P is None:
            low, high = numbers["low"], numbers["high"]
        else:
            low, high = self.p / 100, self.P / 100
        made = kernels.tone_curves.level(planes, low, high)
        return made if self.n == 1 else kernels.tone.raise_to_power(made, 1 / self.n)


@frozen
class ContrastStretch(ToneCurve, name="contrast-stretch"):
    """Stretch every frame to its full range, leaving out pixels at both ends: BLACKxWHITE of them, or percent of all.

    auto leaves out as many pixels as the darkest and brightest of the mean image have percent, as the original does:
    hardly any. It measures each frame as the options before leave it, so a part of a frame is stretched by its own.
    """

    examples: ClassVar = ("", "2%x1%", "150x75", "5%")

    n: int | str | None = count_or_percent(None, "pixels that become black, or percent; left out: auto")
    N: int | str | None = count_or_percent(None, "pixels that become white, or percent; left out: as n")
    word1: str | None = word(None, "BLACKxWHITE, BLACK%xWHITE%, one of them for both ends, or auto")

    def normalised(self) -> Self:
        if self.word1 is None or self.word1.lower() == "auto":
            n = 0 if self.n is None and self.N is not None else self.n
            return replace(self, word1=None, n=n, N=n if self.N is None else self.N)
        text = self.word1 if "x" in self.word1.lower() else f"{self.word1}x{self.word1}"
        black, white, percent = pair(self.name, text, "BLACK", "WHITE")
        if percent and max(black, white) > 100:
            raise Refusal(f"--{self.name}={self.word1} is not allowed, at most 100%")
        texts = [f"{each:g}%" if percent else int(each) for each in (black, white)]
        return replace(self, word1=None, n=texts[0], N=texts[1])

    @property
    def needs_mean_image(self) -> bool:
        return self.n is None

    @property
    def needs_each_frame(self) -> bool:
        return True

    def left_out(self, pixels: int, numbers: dict[str, Any]) -> tuple[float, float]:
        """How many of a frame's pixels become black and white."""
        if self.n is None or self.N is None:
            return 100 * numbers["low"], 100 * numbers["high"]
        dark, bright = (float(n[:-1]) / 100 * pixels if isinstance(n, str) else float(n) for n in (self.n, self.N))
        return dark, bright

    def colours(self, planes: np.ndarray, numbers: dict[str, Any]) -> np.ndarray:
        return kernels.tone_curves.contrast_stretch(planes, numbers["black"] / _STEPS, numbers["white"] / _STEPS)


@frozen
class SigmoidalContrast(ToneCurve, name="sigmoidal-contrast"):
    """More contrast about a middle, less far from it: CONTRASTxMIDDLE%, without % the middle in steps of 65535."""

    examples: ClassVar = ("", "7x40%", "n2,p30")

    n: float = number(3, "contrast; 0 changes nothing", low=0, high=100)
    p: float = number(50, "percent that is the middle", low=0, high=100)
    word1: str | None = word(None, "CONTRASTxMIDDLE%")

    def normalised(self) -> Self:
        if self.word1 is None:
            return self
        contrast, _, middle = self.word1.lower().partition("x")
        one, two, percent = pair(self.name, f"{contrast}x{middle or '50%'}", "CONTRAST", "MIDDLE%")
        return replace(self, word1=None, n=one, p=two if percent else two * 100 / _STEPS)

    def colours(self, planes: np.ndarray, numbers: dict[str, Any]) -> np.ndarray:
        return kernels.tone_curves.sigmoidal(planes, self.n, self.p / 100)


@frozen
class MoreContrast(ToneCurve, name="contrast"):
    """A little more contrast: dark colours become darker, bright ones brighter; hue and saturation stay."""

    def colours(self, planes: np.ndarray, numbers: dict[str, Any]) -> np.ndarray:
        return kernels.tone_curves.raise_contrast(planes)


def compose_modes() -> tuple[str, ...]:
    """Names of the ways to compose."""
    return tuple(kernels.blend.MODES)


@frozen
class FrameCompose(ToneCurve, name="framecompose"):
    """Compose every frame with itself, which mostly means more contrast. In `prepare` it is called --compose, too."""

    examples: ClassVar = ("", "Overlay", "Multiply")

    word1: str = word("PegtopLight", "way to compose", compose_modes)

    def apply(self, x: Window, region: Region, numbers: dict[str, Any]) -> np.ndarray:
        """Where frames are half transparent, twice the frame covers more, and of what only one of them shows stays
        its colour: the formula of Porter and Duff for separable ways, of one source twice."""
        planes = x.cropped(region).data
        if len(planes) % 2:
            return self.colours(planes, numbers)
        colours, opacity, two = planes[:-1], planes[-1:], np.float32(2)
        both = self.colours(colours, numbers) * opacity + two * colours * (np.float32(1) - opacity)
        return np.concatenate([both / (two - opacity), opacity * (two - opacity)])

    def colours(self, planes: np.ndarray, numbers: dict[str, Any]) -> np.ndarray:
        if self.word1 == "PegtopLight":  # d^2 (1 - 2 s) + 2 s d, of d = s; masks are composed by SoftLight instead
            x = np.clip(planes, np.float32(0), np.float32(1))
            return x * x * (np.float32(3) - np.float32(2) * x)
        planes = np.ascontiguousarray(planes)
        return kernels.blend.blend(self.word1, planes, planes)
