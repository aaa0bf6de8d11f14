"""Colours told by numbers instead of a profile: code points of ITU-T H.273 (PNG, HEIF, JPEG XL), chromaticities, EXIF.

What they tell becomes a colour profile; what no profile of light up to white can tell is put into words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from imfuse_tiles.imageio.reading.profiles import D65, SRGB_PRIMARIES, adobe_rgb, gamma_profile, rgb_profile

_SRGB, _UNSPECIFIED, _LINEAR = 1, 2, 8
#: Red, green and blue as x, y, 1 each, by the code point of primaries with the white of D65.
_PRIMARIES = {
    _SRGB: SRGB_PRIMARIES,
    5: (0.64, 0.33, 1.0, 0.29, 0.60, 1.0, 0.15, 0.06, 1.0),
    6: (0.63, 0.34, 1.0, 0.31, 0.595, 1.0, 0.155, 0.07, 1.0),
    9: (0.708, 0.292, 1.0, 0.170, 0.797, 1.0, 0.131, 0.046, 1.0),
    12: (0.68, 0.32, 1.0, 0.265, 0.69, 1.0, 0.15, 0.06, 1.0),
}
_NAMES = {16: "HDR light (PQ)", 18: "HDR light (HLG)"}
_GAMMAS = {4: 2.2, 5: 2.8, _LINEAR: 1.0}
_VIDEO = (1, 6, 14, 15)  # the curve of BT.709
_SRGB_CURVE = 13
_STEPS = 1024


@cache
def coded_profile(primaries: int, transfer: int, grey: bool) -> bytes:
    """The profile of colours by their code points; empty for sRGB, which is what frames without one have.

    ``transfer``: of samples to light. Raises ValueError, in words for a message, for what no profile tells.
    """
    primaries, transfer = (_SRGB if primaries == _UNSPECIFIED else primaries), _known(transfer)
    if transfer in _NAMES or (primaries not in _PRIMARIES and not grey):
        raise ValueError(_NAMES.get(transfer, f"colours of code {primaries}/{transfer}"))
    if transfer == _SRGB_CURVE and (grey or primaries == _SRGB):
        return b""
    if grey or primaries == _SRGB:
        if transfer in _GAMMAS:
            return gamma_profile(_GAMMAS[transfer], grey)
        if grey:
            return b""  # the curve of video is about that of sRGB
    if transfer in _GAMMAS:
        return rgb_profile(D65, _PRIMARIES[primaries], gamma=_GAMMAS[transfer])
    return rgb_profile(D65, _PRIMARIES[primaries], curve=_light(transfer))


@cache
def power_profile(primaries: int, gamma: float, grey: bool) -> bytes:
    """The profile of colours by the code point of their primaries, and the exponent that makes light of samples."""
    return gamma_profile(gamma, grey) if grey else rgb_profile(D65, _PRIMARIES[primaries], gamma=gamma)


def _known(transfer: int) -> int:
    if transfer in (*_GAMMAS, *_VIDEO, *_NAMES):
        return transfer
    if transfer in (_UNSPECIFIED, _SRGB_CURVE):
        return _SRGB_CURVE
    raise ValueError(f"a transfer curve of code {transfer}")


def _light(transfer: int) -> tuple[float, ...]:
    """Light in 0..1 of samples in 0..1, by the curves of IEC 61966-2-1 and ITU-R BT.709."""
    samples = np.linspace(0, 1, _STEPS)
    if transfer == _SRGB_CURVE:
        light = np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)
    else:
        light = np.where(samples < 0.081, samples / 4.5, ((samples + 0.099) / 1.099) ** (1 / 0.45))
    return tuple(light.tolist())


def chromatic_profile(white: Sequence[float], primaries: Sequence[float], gamma: float) -> bytes:
    """The profile of colours by the x, y of white and of red, green and blue; empty if they are those of sRGB.

    ``gamma``: exponent of the samples that makes them light; 0 if it is that of sRGB. Raises ValueError for
    chromaticities that cannot be.
    """
    values = (*white, *primaries)
    if len(values) != 8 or not all(0 < value < 1 for value in values[:2]) or not all(0 <= v <= 1 for v in values):
        raise ValueError("chromaticities that cannot be")
    coded = tuple(part for place in range(0, 6, 2) for part in (*primaries[place : place + 2], 1.0))
    usual = max(abs(a - b) for a, b in zip((*white, 1.0, *coded), (*D65, *SRGB_PRIMARIES), strict=True)) < 0.002
    if usual:
        return gamma_profile(gamma, grey=False) if gamma else b""
    curve = () if gamma else _light(_SRGB_CURVE)
    return rgb_profile((*white, 1.0), coded, curve, gamma=gamma)


def exif_profile(colour_space: int, interoperability: bytes) -> bytes:
    """The profile that EXIF tells of: Adobe RGB by its interoperability index R03 (DCF 2.0), empty for sRGB.

    Raises ValueError for colours that are not sRGB without a word on what they are.
    """
    if interoperability.startswith(b"R03"):
        return adobe_rgb()
    if colour_space not in (0, 1):
        raise ValueError("colours that are not sRGB by their EXIF")
    return b""
