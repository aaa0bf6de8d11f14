"""Blend modes that look at the whole colour of a pixel.

Formulas take d, s as float32 (3, n) pictures, or (1, n) grey samples, and give the same shape, not clamped.
Hue, chroma and luma are those of HCL: hexagonal hue, max - min, .298839 R + .586811 G + .114350 B.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels import colour

Planes = NDArray[np.float32]
_f = np.float32


def _grey(picture: Planes) -> Planes:
    """Intensity .212656 R + .715158 G + .072186 B, shape (1, n)."""
    if len(picture) == 1:
        return picture
    return colour.plane(picture[:, np.newaxis], "Gray", 0)


def _mixed(hue: Planes, chroma: Planes, luma: Planes) -> Planes:
    """The picture with the hue, the chroma and the luma of three pictures; grey has only the luma."""
    if len(luma) == 1:
        return luma
    parts = [colour.plane(picture[:, np.newaxis], "HCL", k)[0] for k, picture in enumerate((hue, chroma, luma))]
    return colour.from_space(np.stack(parts)[:, np.newaxis], "HCL")[:, 0]


def _modulate(d: Planes, s: Planes) -> Planes:
    """Luma of d shifted by twice the distance of the intensity of s from the middle, in whole 16-bit steps."""
    steps = np.trunc(_f(65535) * (_grey(s) - _f(0.5000076)))
    return d + steps / _f(32768)


def _rmse(d: Planes, s: Planes) -> Planes:
    """Root of R^2 + G^2 + B^2/3 of the differences (only the last is divided), the same in every plane."""
    square = (d - s) ** 2
    red, green, blue = square if len(square) == 3 else np.repeat(square, 3, axis=0)
    return np.broadcast_to(np.sqrt(red + green + blue / _f(3)), d.shape)


FORMULAS: dict[str, Callable[[Planes, Planes], Planes]] = {
    "Colorize": lambda d, s: _mixed(s, s, d),
    "Luminize": lambda d, s: _mixed(d, d, s),
    "Hue": lambda d, s: _mixed(s, d, d),
    "Saturate": lambda d, s: _mixed(d, s, d),
    "Modulate": _modulate,
    "Bumpmap": lambda d, s: _grey(s) * d,
    "LightenIntensity": lambda d, s: np.where(_grey(d) > _grey(s), d, s),
    "DarkenIntensity": lambda d, s: np.where(_grey(d) < _grey(s), d, s),
    "RMSE": _rmse,
}
