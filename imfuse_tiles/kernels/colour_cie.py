"""The CIE spaces XYZ, Lab, LCHab and Luv; white point D65. Planes are flat, float32 (3, n); out likewise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.colour_light import DECODE, ENCODE, KAPPA, ROOT, read, table
from imfuse_tiles.kernels.compiler import njit

Planes = NDArray[np.float32]
Three = tuple[np.float32, np.float32, np.float32]
_f = np.float32
_WHITE_X, _WHITE_Z = 0.95047, 1.08883  # Y of white is 1
_WHITE_U = 4 * _WHITE_X / (_WHITE_X + 15 + 3 * _WHITE_Z)
_WHITE_V = 9 / (_WHITE_X + 15 + 3 * _WHITE_Z)


@njit(cache=True, nogil=True, error_model="numpy")
def _xyz(rgb: Planes, i: int, decoding: Planes) -> Three:
    r, g, b = read(DECODE, decoding, rgb[0, i]), read(DECODE, decoding, rgb[1, i]), read(DECODE, decoding, rgb[2, i])
    x = _f(0.41239559) * r + _f(0.35758343) * g + _f(0.18049265) * b
    y = _f(0.21258623) * r + _f(0.71517030) * g + _f(0.07220050) * b
    z = _f(0.01929722) * r + _f(0.11918386) * g + _f(0.95049713) * b
    return x, y, z


@njit(cache=True, nogil=True, error_model="numpy")
def _paint(out: Planes, i: int, xyz: Three, encoding: Planes) -> None:
    """Write X, Y, Z as sRGB codes; a negative smallest part is subtracted from all three first."""
    x, y, z = xyz
    r = _f(3.240969942) * x - _f(1.537383178) * y - _f(0.498610760) * z
    g = _f(-0.969243636) * x + _f(1.875967502) * y + _f(0.041555057) * z
    b = _f(0.055630080) * x - _f(0.203976959) * y + _f(1.056971514) * z
    low = min(_f(0), min(r, min(g, b)))
    out[0, i] = read(ENCODE, encoding, r - low)
    out[1, i] = read(ENCODE, encoding, g - low)
    out[2, i] = read(ENCODE, encoding, b - low)


@njit(cache=True, nogil=True, error_model="numpy")
def _light(y: np.float32, roots: Planes) -> np.float32:
    return _f(1.16) * read(ROOT, roots, y) - _f(0.16)


@njit(cache=True, nogil=True, error_model="numpy")
def _cube(root: np.float32) -> np.float32:
    """Inverse of the CIE root f: its cube, or the straight foot below 6/29."""
    if root > _f(6 / 29):
        return root * root * root
    return (_f(116) * root - _f(16)) * _f(1 / KAPPA)


def to_xyz(rgb: Planes, out: Planes) -> None:
    """Picture to X, Y, Z; white = (.95047, 1, 1.08883)."""
    _to_xyz(rgb, table(DECODE), out)


@njit(cache=True, nogil=True, error_model="numpy")
def _to_xyz(rgb: Planes, decoding: Planes, out: Planes) -> None:
    for i in range(rgb.shape[1]):
        out[0, i], out[1, i], out[2, i] = _xyz(rgb, i, decoding)


def from_xyz(xyz: Planes, out: Planes) -> None:
    """X, Y, Z to a picture; where R, G or B is negative the smallest is subtracted from all three."""
    _from_xyz(xyz, table(ENCODE), out)


@njit(cache=True, nogil=True, error_model="numpy")
def _from_xyz(xyz: Planes, encoding: Planes, out: Planes) -> None:
    for i in range(xyz.shape[1]):
        _paint(out, i, (xyz[0, i], xyz[1, i], xyz[2, i]), encoding)


def lightness(rgb: Planes, out: Planes) -> None:
    """L of Lab, LCHab and Luv alone, as a fraction: 1.16 f(Y) - .16; out (n,)."""
    _lightness(rgb, table(DECODE), table(ROOT), out)


@njit(cache=True, nogil=True, error_model="numpy")
def _lightness(rgb: Planes, decoding: Planes, roots: Planes, out: Planes) -> None:
    for i in range(rgb.shape[1]):
        _, y, _ = _xyz(rgb, i, decoding)
        out[i] = _light(y, roots)


def to_lab(rgb: Planes, out: Planes) -> None:
    """Picture to L/100, a/255 + .5, b/255 + .5."""
    _to_lab(rgb, table(DECODE), table(ROOT), out)


@njit(cache=True, nogil=True, error_model="numpy")
def _to_lab(rgb: Planes, decoding: Planes, roots: Planes, out: Planes) -> None:
    for i in range(rgb.shape[1]):
        x, y, z = _xyz(rgb, i, decoding)
        root = read(ROOT, roots, y)
        out[0, i] = _light(y, roots)
        out[1, i] = _f(500 / 255) * (read(ROOT, roots, x / _f(_WHITE_X)) - root) + _f(0.5)
        out[2, i] = _f(200 / 255) * (root - read(ROOT, roots, z / _f(_WHITE_Z))) + _f(0.5)


def from_lab(lab: Planes, out: Planes) -> None:
    """L/100, a/255 + .5, b/255 + .5 to a picture."""
    _from_lab(lab, table(ENCODE), out)


@njit(cache=True, nogil=True, error_model="numpy")
def _from_lab(lab: Planes, encoding: Planes, out: Planes) -> None:
    for i in range(lab.shape[1]):
        y = (lab[0, i] + _f(0.16)) * _f(1 / 1.16)
        x = y + (lab[1, i] - _f(0.5)) * _f(255 / 500)
        z = y - (lab[2, i] - _f(0.5)) * _f(255 / 200)
        _paint(out, i, (_f(_WHITE_X) * _cube(x), _cube(y), _f(_WHITE_Z) * _cube(z)), encoding)


def to_lch(rgb: Planes, out: Planes) -> None:
    """Picture to the lightness of Lab, its chroma + .5 and its hue angle as a fraction 0..1 of the circle."""
    to_lab(rgb, out)
    _polar(out)


@njit(cache=True, nogil=True, error_model="numpy")
def _polar(lab: Planes) -> None:
    for i in range(lab.shape[1]):
        a, b = lab[1, i] - _f(0.5), lab[2, i] - _f(0.5)
        turn = math.atan2(b, a) * _f(0.5 / math.pi)
        lab[1, i] = math.sqrt(a * a + b * b) + _f(0.5)
        lab[2, i] = turn + _f(1) if turn < _f(0) else turn


def from_lch(lch: Planes, out: Planes) -> None:
    """Lightness, chroma + .5 and hue of LCHab to a picture."""
    lab = np.empty_like(lch)
    _cartesian(lch, lab)
    from_lab(lab, out)


@njit(cache=True, nogil=True, error_model="numpy")
def _cartesian(lch: Planes, lab: Planes) -> None:
    for i in range(lch.shape[1]):
        chroma, turn = lch[1, i] - _f(0.5), lch[2, i] * _f(2 * math.pi)
        lab[0, i] = lch[0, i]
        lab[1, i] = chroma * math.cos(turn) + _f(0.5)
        lab[2, i] = chroma * math.sin(turn) + _f(0.5)


def to_luv(rgb: Planes, out: Planes) -> None:
    """Picture to L/100, (u + 134)/354, (v + 140)/262."""
    _to_luv(rgb, table(DECODE), table(ROOT), out)


@njit(cache=True, nogil=True, error_model="numpy")
def _to_luv(rgb: Planes, decoding: Planes, roots: Planes, out: Planes) -> None:
    for i in range(rgb.shape[1]):
        x, y, z = _xyz(rgb, i, decoding)
        below = x + _f(15) * y + _f(3) * z
        share = _f(1) / below if below > _f(0) else _f(0)
        light = _light(y, roots)
        out[0, i] = light
        out[1, i] = (_f(1300) * light * (_f(4) * x * share - _f(_WHITE_U)) + _f(134)) / _f(354)
        out[2, i] = (_f(1300) * light * (_f(9) * y * share - _f(_WHITE_V)) + _f(140)) / _f(262)


def from_luv(luv: Planes, out: Planes) -> None:
    """L/100, (u + 134)/354, (v + 140)/262 to a picture; no light gives black."""
    _from_luv(luv, table(ENCODE), out)


@njit(cache=True, nogil=True, error_model="numpy")
def _from_luv(luv: Planes, encoding: Planes, out: Planes) -> None:
    for i in range(luv.shape[1]):
        light = luv[0, i]
        x, y, z = _f(0), _f(0), _f(0)
        if light > _f(0):
            u = (_f(354) * luv[1, i] - _f(134)) / (_f(1300) * light) + _f(_WHITE_U)
            v = (_f(262) * luv[2, i] - _f(140)) / (_f(1300) * light) + _f(_WHITE_V)
            y = _cube((light + _f(0.16)) * _f(1 / 1.16))
            x, z = y * _f(2.25) * u / v, y * (_f(12) - _f(3) * u - _f(20) * v) / (_f(4) * v)
        _paint(out, i, (x, y, z), encoding)
