"""Colour profiles: whether two mean the same colours, and samples of one as those of another."""

from __future__ import annotations

from functools import cache

import numpy as np

_DATE = slice(24, 36)
_FIXED_DATE = bytes((7, 208, 0, 1, 0, 1)) + bytes(6)  # the first of January 2000: the same bytes at any time
D65 = (0.3127, 0.3290, 1.0)
SRGB_PRIMARIES = (0.64, 0.33, 1.0, 0.30, 0.60, 1.0, 0.15, 0.06, 1.0)
_SPACES = {b"RGB ": "rgb", b"GRAY": "gray"}
#: How far apart colours of 0..1 may be that two profiles give to the same samples and still be the same.
_SAME = 1 / 255


def space_of(profile: bytes) -> str:
    """The colour space of a profile's samples, "rgb" or "gray"; empty for others."""
    return _SPACES.get(profile[16:20], "")


@cache
def srgb(grey: bool = False) -> bytes:
    """The profile that frames without one are taken to have; ``grey``: for those of one plane, about the same curve."""
    import imagecodecs

    return gamma_profile(2.2, grey=True) if grey else _dated(imagecodecs.cms_profile("srgb"))


@cache
def gamma_profile(exponent: float, grey: bool) -> bytes:
    """The profile of samples that are light to the power of 1 / ``exponent``, with the primaries of sRGB."""
    import imagecodecs

    if grey:
        return _dated(imagecodecs.cms_profile("gray", whitepoint=D65, gamma=exponent))
    return rgb_profile(D65, SRGB_PRIMARIES, gamma=exponent)


@cache
def adobe_rgb() -> bytes:
    """The profile of Adobe RGB (1998)."""
    return rgb_profile(D65, (0.64, 0.33, 1.0, 0.21, 0.71, 1.0, 0.15, 0.06, 1.0), gamma=563 / 256)


@cache
def rgb_profile(
    white: tuple[float, ...], primaries: tuple[float, ...], curve: tuple[float, ...] = (), *, gamma: float = 0.0
) -> bytes:
    """The profile of x, y, 1 of white and of red, green and blue; ``curve``: light at equal steps, or a gamma."""
    import imagecodecs

    transfer = {"gamma": gamma} if gamma else {"transferfunction": np.asarray(curve, np.float32)}
    return _dated(imagecodecs.cms_profile("rgb", whitepoint=white, primaries=primaries, **transfer))


def _dated(profile: bytes) -> bytes:
    return profile[: _DATE.start] + _FIXED_DATE + profile[_DATE.stop :]


def converted(samples: np.ndarray, profile: bytes, target: bytes) -> np.ndarray:
    """Samples (height, width, 3) or (height, width) of one profile as those of another; floating-point ones in 0..1.

    Raises RuntimeError for a profile that is damaged or does not fit the samples.
    """
    import imagecodecs

    # Optimised, 16-bit samples would go through a grid of 33 colours a side: far too coarse.
    flags = imagecodecs.CMS.FLAGS.NOOPTIMIZE | imagecodecs.CMS.FLAGS.NOCACHE
    space = "rgb" if samples.ndim == 3 else "gray"
    result: np.ndarray = imagecodecs.cms_transform(
        np.ascontiguousarray(samples), profile, target, colorspace=space, outcolorspace=space, flags=flags
    )
    return np.clip(result, 0, 1) if samples.dtype.kind == "f" else result


def is_damaged(profile: bytes) -> bool:
    """Whether bytes are no colour profile, or only the beginning of one."""
    return profile[36:40] != b"acsp" or int.from_bytes(profile[:4], "big") > len(profile)


@cache
def same_colours(profile: bytes, other: bytes) -> bool:
    """Whether two profiles of one space mean the same colours within a step of 8 bits."""
    if profile == other:
        return True
    steps = np.linspace(0, 1, 9, dtype=np.float32)
    grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(27, 27, 3)
    samples = grid if space_of(profile) == "rgb" else grid[..., 0]
    try:
        return bool(np.abs(converted(samples, profile, other) - samples).max() <= _SAME)
    except RuntimeError:
        return False


def profile_name(profile: bytes) -> str:
    """What a profile calls itself, for messages."""
    count = int.from_bytes(profile[128:132], "big")
    for entry in range(132, 132 + 12 * min(count, 100), 12):
        if profile[entry : entry + 4] == b"desc":
            start, size = (int.from_bytes(profile[at : at + 4], "big") for at in (entry + 4, entry + 8))
            return _text(profile[start : start + size])
    return "without a name"


def _text(tag: bytes) -> str:
    if tag[:4] == b"mluc" and len(tag) >= 28:
        size, start = (int.from_bytes(tag[at : at + 4], "big") for at in (20, 24))
        text = tag[start : start + size].decode("utf-16-be", "replace")
    else:
        text = tag[12 : 12 + int.from_bytes(tag[8:12], "big")].decode("latin-1")
    text = "".join(letter for letter in text if letter.isprintable())[:60].strip()
    return text or "without a name"
