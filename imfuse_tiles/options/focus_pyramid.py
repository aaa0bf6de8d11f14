"""Fusion of Laplacian pyramids by local energy: what of every level each slice has to give, aware of noise.

P. J. Burt and R. J. Kolczynski, "Enhanced image capture through fusion", ICCV (1993), weigh the slices at every
pixel of every level by the energy of their detail in a window. Here finer levels take part in the decision of
coarser ones, slices that differ by no more than their noise are averaged, what defocus has taken from the best
slice is given back by a parabola over z, and no level leaves the range of what the slices show there.
"""

from __future__ import annotations

import re
from typing import Any, Self

from imfuse_tiles import kernels
from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Frame

NAME = "pyramid"
GRAMMAR = "unordered, noise=PERCENT (of full scale; measured if left out), overshoot=PERCENT"
_ARGUMENT = re.compile(r"(noise|overshoot)=(\d+(?:\.\d*)?)%?")
#: The noise is measured in patches of this edge, so far apart that about so many pixels are looked at.
NOISE_PATCH, LOOKED_AT = 64, 1 << 19
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
