"""Frames sharpened or filtered as they are prepared, and sets of options under one name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame, Halo, Region, Window, total_halo
from imfuse_tiles.lazy_numpy import np
from imfuse_tiles.options.custom_commands import OperatorChain
from imfuse_tiles.options.grammar import number, word
from imfuse_tiles.options.preparation import Preparation, by_opacity
from imfuse_tiles.options.preparation_tone import (
    ContrastStretch,
    Gamma,
    LevelFrames,
    MoreContrast,
    SigmoidalContrast,
    pair,
)


@frozen
class Sharpen(Preparation, name="sharpen"):
    """Sharpen the frames by a Gaussian of RADIUSxSIGMA (radius 0: as far as it reaches).

    Without the word gaussian it does what the original's program does under this name, which is no sharpening but a
    sigmoidal contrast of RADIUS about SIGMA steps of 65535: frames become brighter.
    """

    written_bare: ClassVar = ("word1", "word2")
    examples: ClassVar = ("", "0x2", "0x1,gaussian")

    r: float = number(2, "radius in pixels", low=0, high=200)
    s: float = number(1, "sigma in pixels", low=0, high=65)
    word1: str | None = word(None, "RADIUSxSIGMA")
    word2: str | None = word(None, "gaussian: sharpen indeed", ("gaussian",))

    def normalised(self) -> Self:
        words = [each for each in (self.word1, self.word2) if each is not None]
        plain = [each for each in words if each.lower() != "gaussian"]
        changed = replace(self, word1=None, word2="gaussian" if len(plain) < len(words) else None)
        if not plain:
            return changed
        radius, sigma, percent = pair(self.name, plain[0], "RADIUS", "SIGMA")
        if percent:
            raise Refusal(f"--sharpen={plain[0]} is not allowed; radius and sigma are pixels, without %")
        return replace(changed, r=radius, s=sigma)

    @property
    def _radius(self) -> int:
        return int(kernels.sharpen.sharpen_halo(self.s, int(np.ceil(self.r)))) if self.s >= 0.1 else 0

    def halo(self, frame: Frame) -> Halo:
        return Halo.uniform(self._radius if self.word2 else 0)

    def apply(self, x: Window, region: Region, numbers: dict[str, Any]) -> np.ndarray:
        if not self.word2:
            return SigmoidalContrast(n=self.r, p=self.s * 100 / 65535).apply(x, region, numbers)
        reach = Halo.uniform(self._radius)
        around = x.cropped(region.with_halo(reach, x.frame))
        made = by_opacity(around.padded(reach), lambda planes: kernels.sharpen.unsharp(planes, self.s, self._radius))
        return Window(made, around.valid_region(reach), x.frame).cropped(region).data


@frozen
class FilterFrames(OperatorChain, Preparation, name="im"):
    """Filter the frames by operators written as text."""

    examples: ClassVar = ("-negate", "-blur 0x2")

    def needs_all_planes(self, x: Window) -> bool:
        return True

    def halo(self, frame: Frame) -> Halo:
        return total_halo(step.halo() for step in self.operators)

    def apply(self, x: Window, region: Region, numbers: dict[str, Any]) -> np.ndarray:
        around = x.cropped(region.with_halo(self.halo(x.frame), x.frame))

        def filtered(planes: np.ndarray) -> np.ndarray:
            return self.run_operators(around.with_data(np.ascontiguousarray(planes))).cropped(region).data

        opacity = around.cropped(region).data[-1:]
        if len(around.data) % 2:
            return filtered(around.data)
        return np.concatenate([filtered(around.data[:-1]), opacity])


#: What comes first in each set, and what comes last; between them a sigmoidal contrast and sharpening.
_SETS: dict[str, tuple[tuple[Preparation, ...], tuple[Preparation, ...]]] = {
    "gamma": ((Gamma(),), ()),
    "level": ((LevelFrames(),), ()),
    "stretch": ((), (ContrastStretch(),)),
    "sharp": ((MoreContrast(),), ()),
}
_STRENGTHS = {"1": (3.0, 1.0), "2": (5.0, 2.0), "3": (7.0, 4.0)}
SETS = tuple(f"{name}{number}" for name in _SETS for number in _STRENGTHS)


@frozen
class PreparationSet(Preparation, name="set"):
    """Several options of preparation: 1 to 3 for more and more contrast and sharpening.

    gamma, level and sharp begin with --gamma, --level or --contrast, stretch ends with --contrast-stretch.
    """

    examples: ClassVar = ("", "sharp3", "stretch2")

    word1: str = word("gamma1", "name of the set", SETS)

    def expanded(self) -> tuple[Preparation, ...]:
        first, last = _SETS[self.word1[:-1]]
        contrast, sigma = _STRENGTHS[self.word1[-1]]
        return (*first, SigmoidalContrast(n=contrast), Sharpen(r=0.0, s=sigma, word2="gaussian"), *last)
