"""Pictures to the planes of a colour space and back.

A picture is float32 (3, y, x): R, G, B encoded as sRGB, nominal range 0..1. Every conversion is a function of
one pixel, so there is no halo. Hues, angles and offset planes are scaled into 0..1 as well; nothing is clamped,
because filtered planes may leave the range and come back when a mask is levelled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels import colour_cie as cie
from imfuse_tiles.kernels import colour_hexagon as hexagon
from imfuse_tiles.kernels import colour_light as light
from imfuse_tiles.kernels import colour_linear as linear

Planes = NDArray[np.float32]
Way = Callable[[Planes, Planes], None]  # flat planes (planes, n) in, result written to the second argument


def _rows(matrix: linear.Matrix) -> tuple[Way, ...]:
    return tuple(partial(linear.weigh, row) for row in matrix)


def _of(kind: int) -> Way:
    return partial(hexagon.extreme, kind)


# How to compute one plane alone; a space that is not listed as a whole below is put together from these.
_PLANE: dict[str, tuple[Way, ...]] = {
    "Gray": _rows(linear.GRAY),
    "HSL": (hexagon.hue, _of(hexagon.HSL_SATURATION), _of(hexagon.HSL_LIGHTNESS)),
    "HSB": (hexagon.hue, _of(hexagon.HSB_SATURATION), _of(hexagon.MAXIMUM)),
    "HWB": (hexagon.hue_or_minus_one, _of(hexagon.MINIMUM), _of(hexagon.BLACKNESS)),
    "HSI": (hexagon.angle, hexagon.hsi_saturation, *_rows(linear.MEAN)),
    "HCL": (hexagon.hue, _of(hexagon.CHROMA), *_rows(linear.YCBCR[:1])),
    "CMY": _rows(linear.CMY),
    "CMYK": (*(partial(hexagon.ink_plane, index) for index in range(3)), _of(hexagon.BLACKNESS)),
    "YCbCr": _rows(linear.YCBCR),
    "YIQ": _rows(linear.YIQ),
    "OHTA": _rows(linear.OHTA),
    "RGB": tuple(partial(light.decode_plane, index) for index in range(3)),
    "Lab": (cie.lightness,),
    "LCHab": (cie.lightness,),
    "Luv": (cie.lightness,),
}
_WHOLE: dict[str, Way] = {"XYZ": cie.to_xyz, "Lab": cie.to_lab, "LCHab": cie.to_lch, "Luv": cie.to_luv}
_BACK: dict[str, Way] = {
    "Gray": lambda planes, out: np.copyto(out, planes),
    "HSL": partial(hexagon.from_hexagon, hexagon.HSL),
    "HSB": partial(hexagon.from_hexagon, hexagon.HSB),
    "HWB": partial(hexagon.from_hexagon, hexagon.HWB),
    "HCL": partial(hexagon.from_hexagon, hexagon.HCL),
    "HSI": hexagon.back_hsi,
    "CMY": partial(linear.mix, linear.CMY),
    "CMYK": hexagon.back_cmyk,
    "YCbCr": partial(linear.mix, linear.YCBCR_BACK),
    "YIQ": partial(linear.mix, linear.YIQ_BACK),
    "OHTA": partial(linear.mix, linear.OHTA_BACK),
    "RGB": light.encode,
    "XYZ": cie.from_xyz,
    "Lab": cie.from_lab,
    "LCHab": cie.from_lch,
    "Luv": cie.from_luv,
}
_ALIAS = {"HSV": "HSB"}  # the same planes under another name

SPACES = ("sRGB", "RGB", "Gray", "HSL", "HSB", "HSV", "HWB", "HSI", "HCL", "CMY", "CMYK", "YCbCr", "YIQ",
          "OHTA", "XYZ", "Lab", "LCHab", "Luv")  # fmt: skip
_NAMES = {name.lower(): name for name in SPACES} | {"cielab": "Lab", "lch": "LCHab", "grey": "Gray"}


def canonical(name: str) -> str:
    """The spelling in ``SPACES`` of a name in any case; ValueError lists the spaces if there is none."""
    try:
        return _NAMES[name.lower()]
    except KeyError:
        raise ValueError(f"unknown colour space {name!r}; known: {', '.join(SPACES)}") from None


def plane_count(space: str) -> int:
    """Number of planes: 1 for Gray, 4 for CMYK, 3 for every other space."""
    return {"Gray": 1, "CMYK": 4}.get(canonical(space), 3)


def plane(rgb: Planes, space: str, index: int) -> Planes:
    """Plane ``index`` of ``to_space(rgb, space)`` alone, (y, x): bit-equal, but only its own work is done.

    ValueError if the space is unknown or has no such plane.
    """
    name, count = _known(space), plane_count(space)
    if not 0 <= index < count:
        raise ValueError(f"colour space {canonical(space)} has planes 0..{count - 1}, not {index}")
    if name == "sRGB":
        return np.ascontiguousarray(rgb[index])
    ways = _PLANE.get(name, ())
    if index >= len(ways):
        return to_space(rgb, space)[index]
    out = np.empty(rgb.shape[1:], np.float32)
    ways[index](_flat(rgb), out.reshape(-1))
    return out


def to_space(rgb: Planes, space: str) -> Planes:
    """Picture (3, y, x) to the planes (planes, y, x) of a space; sRGB gives back the very same array."""
    name = _known(space)
    if name == "sRGB":
        return rgb
    flat = _flat(rgb)
    out = np.empty((plane_count(space), *rgb.shape[1:]), np.float32)
    if name in _WHOLE:
        _WHOLE[name](flat, _flat(out))
    else:
        for way, row in zip(_PLANE[name], _flat(out), strict=True):
            way(flat, row)
    return out


def from_space(planes: Planes, space: str) -> Planes:
    """Planes (planes, y, x) of a space to the picture (3, y, x): the inverse of ``to_space``.

    XYZ, and with it Lab, LCHab and Luv, lifts colours outside the sRGB gamut: the smallest of R, G, B, if it is
    negative, is subtracted from all three before encoding. Gray repeats its plane.
    ValueError if the number of planes is not that of the space.
    """
    name, count = _known(space), plane_count(space)
    if len(planes) != count:
        raise ValueError(f"colour space {canonical(space)} has {count} planes, not {len(planes)}")
    if name == "sRGB":
        return planes
    out = np.empty((3, *planes.shape[1:]), np.float32)
    _BACK[name](_flat(planes), _flat(out))
    return out


def _known(space: str) -> str:
    name = canonical(space)
    return _ALIAS.get(name, name)


def _flat(planes: Planes) -> Planes:
    return np.ascontiguousarray(planes, np.float32).reshape(len(planes), -1)
