"""Blending two pictures, or two masks, pixel by pixel: dst d below, src s above, result clamped to 0..1.

The formulas are written in numpy and run over short blocks that stay in the cache; every operation in them is
exactly rounded, so a value depends on its own pixel alone. Modes that need colour live in ``blend_colour``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels import blend_colour
from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]
Formula = Callable[[Plane, Plane], Plane]
_f = np.float32
_BLOCK = 8192  # samples: a handful of operands fit the first-level cache
_TAYLOR = tuple(_f(c) for c in (3.1415927, -5.1677128, 2.5501640, -0.59926453, 0.082145887, -0.0073704310))


def _quotient(above: Plane, below: Plane) -> Plane:
    """The quotient, 0 where the upper part is 0 (also over 0), infinite where only the lower part is."""
    with np.errstate(divide="ignore"):
        return np.divide(above, below, out=np.zeros_like(above), where=above != 0)


def half_cosine(x: Plane) -> Plane:
    """cos(pi x) for x in 0..1 as the sine of pi (1/2 - x): a polynomial, the same on every machine."""
    t = _f(0.5) - np.clip(x, _f(0), _f(1))
    square = t * t
    total = np.full_like(t, _TAYLOR[-1])
    for coefficient in _TAYLOR[-2::-1]:
        total = total * square + coefficient
    return total * t


def _sum_less_one(d: Plane, s: Plane) -> Plane:
    return s + d - 1


def _overlay(d: Plane, s: Plane) -> Plane:
    return np.where(d < _f(0.5), 2 * d * s, 1 - 2 * (1 - d) * (1 - s))


def _soft_light(d: Plane, s: Plane) -> Plane:
    curve = np.where(d <= _f(0.25), ((16 * d - 12) * d + 4) * d, np.sqrt(np.maximum(d, _f(0))))
    return np.where(s <= _f(0.5), d - (1 - 2 * s) * d * (1 - d), d + (2 * s - 1) * (curve - d))


def _colour_dodge(d: Plane, s: Plane) -> Plane:
    return np.where(d == 0, _f(0), np.where(s == 1, _f(1), _quotient(d, 1 - s)))


def _colour_burn(d: Plane, s: Plane) -> Plane:
    return np.where(s == 0, _f(0), 1 - _quotient(1 - d, s))


def _soft_burn(d: Plane, s: Plane) -> Plane:
    return np.where(d == 0, _f(0), np.where(s == 1, _f(1), 1 - _quotient(1 - d, s)))


def _soft_dodge(d: Plane, s: Plane) -> Plane:
    return np.where(s == 0, d, np.where(d == 1, _f(1), _quotient(d, 1 - s)))


def _vivid_light(d: Plane, s: Plane) -> Plane:
    burn = np.where(s == 0, _f(0), 1 - _quotient(1 - d, 2 * s))
    dodge = np.where(s == 1, _f(1), _quotient(d, 2 * (1 - s)))
    return np.where(s < _f(0.5), burn, dodge)


def _pin_light(d: Plane, s: Plane) -> Plane:
    return np.where(s <= _f(0.5), np.minimum(d, 2 * s), np.maximum(d, 2 * s - 1))


def _reflect(d: Plane, s: Plane) -> Plane:
    return np.where(d == 1, _f(1), _quotient(s * s, 1 - d))


def _freeze(d: Plane, s: Plane) -> Plane:
    return np.where(d == 0, _f(0), 1 - _quotient((1 - s) * (1 - s), d))


def _divide_src(d: Plane, s: Plane) -> Plane:
    return np.where(d == 0, _f(0), np.where(s == 0, _f(1), _quotient(d, s)))


def _divide_dst(d: Plane, s: Plane) -> Plane:
    return np.where((s == 0) | (d == 0), s, _quotient(s, d))


def _modulus_add(d: Plane, s: Plane) -> Plane:
    total = d + s
    return total - np.floor(total)


_PLANEWISE: dict[str, Formula] = {
    "Overlay": _overlay,
    "HardLight": lambda d, s: np.where(s <= _f(0.5), 2 * d * s, 1 - 2 * (1 - s) * (1 - d)),
    "SoftLight": _soft_light,
    "PegtopLight": _soft_light,
    "Difference": lambda d, s: np.abs(d - s),
    "Exclusion": lambda d, s: d + s - 2 * d * s,
    "Interpolate": lambda d, s: _f(0.5) - _f(0.25) * half_cosine(d) - _f(0.25) * half_cosine(s),
    "ColorDodge": _colour_dodge,
    "ColorBurn": _colour_burn,
    "LinearBurn": _sum_less_one,
    "LinearLight": lambda d, s: d + 2 * s - 1,
    "PinLight": _pin_light,
    "VividLight": _vivid_light,
    "HardMix": lambda d, s: (_vivid_light(d, s) >= _f(0.5)).astype(np.float32),
    "SoftBurn": _soft_burn,
    "SoftDodge": _soft_dodge,
    "Reflect": _reflect,
    "Freeze": _freeze,
    "Stamp": _sum_less_one,
    "Negate": lambda d, s: 1 - np.abs(1 - s - d),
    "MinusSrc": lambda d, s: d - s,
    "MinusDst": lambda d, s: s - d,
    "DivideSrc": _divide_src,
    "DivideDst": _divide_dst,
    "ModulusAdd": _modulus_add,
}
_SRC = ("Over", "Src", "SrcOver", "SrcIn", "SrcAtop", "Copy", "In", "Atop", "Replace")
_DST = ("None", "Dst", "DstOver", "DstIn", "DstAtop")
_FAST = {"Screen": 0, "Lighten": 1, "Darken": 2, "Multiply": 3, "Plus": 4, "Blend": 4, "LinearDodge": 4}

MODES = (*_FAST, *_PLANEWISE, *blend_colour.FORMULAS, *_SRC, *_DST)
_NAMES = {name.lower(): name for name in MODES}


def canonical(name: str) -> str:
    """The spelling in ``MODES`` of a name in any case; ValueError lists the modes if there is none."""
    try:
        return _NAMES[name.lower()]
    except KeyError:
        raise ValueError(f"unknown compose mode {name!r}; known: {', '.join(MODES)}") from None


def blend(mode: str, dst: Plane, src: Plane, out: Plane | None = None) -> Plane:
    """``src`` blended onto ``dst`` (float32, equal shapes), in 0..1: a new array, or ``out``, which may be ``dst``.

    Colour modes take pictures (3, y, x); samples of any other shape are grey. The Porter-Duff names are those of
    opaque pictures: Over, Copy, Src... give src, Dst... give dst.
    ValueError if the mode is unknown, the shapes differ or ``out`` is not a C-contiguous float32 array.
    """
    name = canonical(mode)
    out = np.empty(dst.shape, np.float32) if out is None else out
    if not (dst.shape == src.shape == out.shape):
        raise ValueError(f"cannot blend shapes {dst.shape} and {src.shape} into {out.shape}")
    if out.dtype != np.float32 or not out.flags.c_contiguous:
        raise ValueError("a blend is written to a C-contiguous float32 array")
    if name in _SRC or name in _DST:
        return np.clip(src if name in _SRC else dst, _f(0), _f(1), out=out)
    planes = 3 if name in blend_colour.FORMULAS and dst.ndim == 3 and len(dst) == 3 else 1
    d, s, o = (np.ascontiguousarray(a, np.float32).reshape(planes, -1) for a in (dst, src, out))
    if name in _FAST:
        _fast(_FAST[name], d[0], s[0], o[0])
    else:
        _in_blocks(_PLANEWISE.get(name) or blend_colour.FORMULAS[name], d, s, o)
    return out


def _in_blocks(formula: Formula, d: Plane, s: Plane, out: Plane) -> None:
    for start in range(0, d.shape[1], _BLOCK):
        part = slice(start, start + _BLOCK)
        np.clip(formula(d[:, part], s[:, part]), _f(0), _f(1), out=out[:, part])


@njit(cache=True, nogil=True)
def _fast(kind: int, d: Plane, s: Plane, out: Plane) -> None:
    """The modes of nearly every merge in one pass: screen, lighten, darken, multiply, plus."""
    for i in range(d.size):
        if kind == 0:
            x = d[i] + s[i] - d[i] * s[i]
        elif kind == 1:
            x = max(d[i], s[i])
        elif kind == 2:
            x = min(d[i], s[i])
        elif kind == 3:
            x = d[i] * s[i]
        else:
            x = d[i] + s[i]
        out[i] = min(max(x, _f(0)), _f(1))
