"""Colour spaces built on the largest and smallest of R, G, B: HSL, HSB, HWB, HCL, HSI and the inks of CMYK.

Planes are flat, float32 (3, n); results are written to ``out``, one plane (n,) or a picture (3, n).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.codes import FULL, STEP, decode_double, steps
from imfuse_tiles.kernels.compiler import njit

Planes = NDArray[np.float32]
_f = np.float32

HSL, HSB, HWB, HCL = range(4)
HSL_LIGHTNESS, HSL_SATURATION, HSB_SATURATION, CHROMA, MAXIMUM, MINIMUM, BLACKNESS = range(7)
_ZERO, _ONE, _TWO, _HALF = _f(0), _f(1), _f(2), _f(0.5)


@njit(cache=True, nogil=True, error_model="numpy")
def extreme(kind: int, rgb: Planes, out: Planes) -> None:
    """One plane made of mx, mn = max, min(R, G, B) and c = mx - mn.

    HSL_LIGHTNESS (mx+mn)/2; HSL_SATURATION c/(mx+mn), above half lightness c/(2-mx-mn); HSB_SATURATION c/mx;
    CHROMA c; MAXIMUM mx; MINIMUM mn; BLACKNESS 1-mx. Saturations are 0 where c is 0.
    """
    r, g, b = rgb[0], rgb[1], rgb[2]
    for i in range(r.size):
        mx, mn = steps(max(r[i], max(g[i], b[i]))), steps(min(r[i], min(g[i], b[i])))
        c, total = mx - mn, mx + mn
        if kind == HSL_LIGHTNESS:
            out[i] = total * (_HALF * STEP)
        elif kind == HSL_SATURATION:
            share = c / (total if total <= FULL else _TWO * FULL - total)
            out[i] = share if c > _ZERO else _ZERO
        elif kind == HSB_SATURATION:
            share = c / mx
            out[i] = share if c > _ZERO else _ZERO
        elif kind == CHROMA:
            out[i] = c * STEP
        elif kind == MAXIMUM:
            out[i] = mx * STEP
        elif kind == MINIMUM:
            out[i] = mn * STEP
        else:
            out[i] = (FULL - mx) * STEP


@njit(cache=True, nogil=True, error_model="numpy")
def _hue(grey: np.float32, rgb: Planes, out: Planes) -> None:
    r, g, b = rgb[0], rgb[1], rgb[2]
    for i in range(r.size):
        x, y, z = steps(r[i]), steps(g[i]), steps(b[i])
        mx = max(x, max(y, z))
        c = mx - min(x, min(y, z))
        # all three quotients before choosing: no branch, so the loop runs in vector lanes
        red, green, blue = (y - z) / c, _TWO + (z - x) / c, _f(4) + (x - y) / c
        red = red + _f(6) if red < _ZERO else red
        six = red if mx == x else (green if mx == y else blue)
        out[i] = six / _f(6) if c > _ZERO else grey


def hue(rgb: Planes, out: Planes) -> None:
    """Hexagonal hue as a fraction 0..1 of the circle, 0 for grey."""
    _hue(_ZERO, rgb, out)


def hue_or_minus_one(rgb: Planes, out: Planes) -> None:
    """Hexagonal hue as a fraction 0..1 of the circle, -1 for grey (as HWB has it)."""
    _hue(_f(-1), rgb, out)


@njit(cache=True, nogil=True, error_model="numpy")
def angle(rgb: Planes, out: Planes) -> None:
    """True angle of the colour about the grey axis, as a fraction 0..1 of the circle (the hue of HSI)."""
    r, g, b = rgb[0], rgb[1], rgb[2]
    for i in range(r.size):
        across = _f(0.8660254) * (g[i] - b[i])
        turn = math.atan2(across, _HALF * (_TWO * r[i] - g[i] - b[i])) * _f(0.5 / math.pi)
        out[i] = turn + _ONE if turn < _ZERO else turn


@njit(cache=True, nogil=True, error_model="numpy")
def hsi_saturation(rgb: Planes, out: Planes) -> None:
    """1 - min/mean of R, G, B; 0 for black."""
    r, g, b = rgb[0], rgb[1], rgb[2]
    for i in range(r.size):
        x, y, z = decode_double(r[i]), decode_double(g[i]), decode_double(b[i])
        total = x + y + z
        share = 1.0 - 3.0 * min(x, min(y, z)) / total
        out[i] = np.float32(share if total > 0.0 else 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def ink_plane(index: int, rgb: Planes, out: Planes) -> None:
    """C, M or Y (index 0..2) of CMYK: (mx - R)/mx and so on, mx = max(R, G, B); 0 for black."""
    r, g, b, chosen = rgb[0], rgb[1], rgb[2], rgb[index]
    for i in range(r.size):
        mx = steps(max(r[i], max(g[i], b[i])))
        share = (mx - steps(chosen[i])) / mx
        out[i] = share if mx > _ZERO else _ZERO


@njit(cache=True, nogil=True, error_model="numpy")
def _corner(turn: np.float32, c: np.float32) -> tuple[np.float32, np.float32, np.float32]:
    """The colour of hue ``turn`` (any number of turns) whose smallest part is 0 and whose largest is c."""
    six = (turn - np.floor(turn)) * _f(6)
    x = c * (_ONE - abs(six - _TWO * np.floor(six * _HALF) - _ONE))
    r = c if six < _ONE or six >= _f(5) else (x if six < _TWO or six >= _f(4) else _ZERO)
    g = _ZERO if six >= _f(4) else (c if _ONE <= six < _f(3) else x)
    b = _ZERO if six < _TWO else (c if _f(3) <= six < _f(5) else x)
    return r, g, b


@njit(cache=True, nogil=True, error_model="numpy")
def from_hexagon(kind: int, planes: Planes, out: Planes) -> None:
    """Picture from the planes of HSL, HSB, HWB or HCL (``kind``): the corner colour of hue and chroma, lifted.

    HSL: c = 2 S L or (2-2L) S, lifted by L - c/2. HSB: c = S B, by B - c. HWB: c = 1 - B - W, by W.
    HCL: c as given, lifted until the luma .298839 R + .586811 G + .114350 B is L.
    """
    for i in range(planes.shape[1]):
        p, q = planes[1, i], planes[2, i]
        if kind == HSL:
            c = _TWO * q * p if q <= _HALF else (_TWO - _TWO * q) * p
        elif kind == HSB:
            c = p * q
        elif kind == HWB:
            c = _ONE - q - p
        else:
            c = p
        r, g, b = _corner(planes[0, i], c)
        if kind == HSL:
            lift = q - c * _HALF
        elif kind == HSB:
            lift = q - c
        elif kind == HWB:
            lift = p
        else:
            lift = q - (_f(0.298839) * r + _f(0.586811) * g + _f(0.114350) * b)
        out[0, i], out[1, i], out[2, i] = r + lift, g + lift, b + lift


@njit(cache=True, nogil=True, error_model="numpy")
def back_hsi(planes: Planes, out: Planes) -> None:
    """Picture from hue angle, saturation, intensity: in each third of the circle the far part is I (1-S)."""
    for i in range(planes.shape[1]):
        third = (planes[0, i] - np.floor(planes[0, i])) * _f(3)
        sector = 0 if third < _ONE else (1 if third < _TWO else 2)  # by comparison: safe for NaN
        turn = (third - _f(sector)) * _f(2 * math.pi / 3)
        s, mean = planes[1, i], planes[2, i]
        low = mean * (_ONE - s)
        high = mean * (_ONE + s * math.cos(turn) / math.cos(_f(math.pi / 3) - turn))
        out[sector, i] = high
        out[(sector + 1) % 3, i] = _f(3) * mean - low - high
        out[(sector + 2) % 3, i] = low


@njit(cache=True, nogil=True, error_model="numpy")
def back_cmyk(planes: Planes, out: Planes) -> None:
    """Picture from the four inks: R = (1-C)(1-K) and so on."""
    for k in range(3):
        for i in range(planes.shape[1]):
            out[k, i] = (_ONE - planes[k, i]) * (_ONE - planes[3, i])
