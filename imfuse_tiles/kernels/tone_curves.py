"""Tone curves by which frames are prepared, one pixel at a time; by ImageMagick's documentation of its operators.

Samples are float32, 0..1 for black to white, of any shape; results are clamped to 0..1.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.blend import half_cosine
from imfuse_tiles.kernels.colour_linear import GRAY
from imfuse_tiles.kernels.compiler import njit

Samples = NDArray[np.float32]
#: The curves are computed at so many steps, with straight lines between, and histograms have a bin more.
STEPS = 65535


def sigmoidal(samples: Samples, contrast: float, middle: float) -> Samples:
    """A sigmoidal contrast c about ``middle`` m (0..1): (s(x) - s(0)) / (s(1) - s(0)), s(x) = tanh(c (x - m) / 2).

    Contrast 0 changes nothing.
    """
    return along_curve(samples, _sigmoidal_curve(float(contrast), float(middle))) if contrast else samples


@lru_cache(maxsize=8)
def _sigmoidal_curve(contrast: float, middle: float) -> Samples:
    low, high = math.tanh(-contrast * middle / 2), math.tanh(contrast * (1 - middle) / 2)
    values = [(math.tanh(contrast * (k / STEPS - middle) / 2) - low) / (high - low) for k in range(STEPS + 1)]
    return np.array([*values, values[-1]], np.float32)


def contrast_stretch(samples: Samples, low: float, high: float) -> Samples:
    """``low`` becomes 0 and ``high`` 1; if ``high`` is not above it, what is darker than ``low`` 0 and all else 1."""
    if low >= high:
        return (samples >= np.float32(low)).astype(np.float32)
    return np.clip((samples - np.float32(low)) / np.float32(high - low), np.float32(0), np.float32(1))


def level(samples: Samples, low: float, high: float) -> Samples:
    """``low`` becomes 0 and ``high`` 1, also where ``high`` is the darker one: then the picture is inverted."""
    return contrast_stretch(samples, low, high) if low <= high else 1 - contrast_stretch(samples, high, low)


def raise_contrast(colours: Samples) -> Samples:
    """More contrast: the brightness b, the largest of the colours (planes, ...), becomes the mean of b and
    (1 - cos(pi b)) / 2; hue and saturation stay."""
    brightness = np.clip(colours.max(axis=0), np.float32(0), np.float32(1))
    half = np.float32(0.5)
    wanted = half * brightness + half * (half - half * half_cosine(brightness))
    ratio = np.divide(wanted, brightness, out=np.zeros_like(brightness), where=brightness > 0)
    return np.clip(colours * ratio, np.float32(0), np.float32(1))


def intensity_counts(colours: Samples) -> NDArray[np.int64]:
    """How many pixels (planes, ...) have each of 65536 intensities: .2126 R + .7152 G + .0722 B, rounded."""
    if len(colours) == 1:
        grey = colours[0]
    else:
        a, b, c = (np.float32(weight) for weight in GRAY[0][:3])
        grey = a * colours[0] + b * colours[1] + c * colours[2]
    steps = np.clip(grey, np.float32(0), np.float32(1)) * np.float32(STEPS) + np.float32(0.5)
    return np.bincount(steps.astype(np.int32).ravel(), minlength=STEPS + 1)


def black_and_white(counts: NDArray[np.int64], black: float, white: float) -> tuple[int, int]:
    """The steps 0..65535 that become black and white: beyond them lie no more than so many pixels of the counts."""
    dark, bright = np.cumsum(counts), np.cumsum(counts[::-1])
    low = int(np.searchsorted(dark, black, side="right"))
    high = STEPS - int(np.searchsorted(bright, white, side="right"))
    return min(low, STEPS), max(high, 0)


def along_curve(samples: Samples, curve: Samples) -> Samples:
    """Samples looked up in a curve of ``STEPS`` + 2 values (the last one twice), with straight lines between."""
    out = np.empty(samples.shape, np.float32)
    _along_curve(np.ascontiguousarray(samples).reshape(-1), curve, out.reshape(-1))
    return out


@njit(cache=True, nogil=True)
def _along_curve(samples: Samples, curve: Samples, out: Samples) -> None:
    for i in range(out.size):
        at = min(max(samples[i], np.float32(0)), np.float32(1)) * np.float32(STEPS)
        k = np.uint32(at)
        out[i] = curve[k] + (at - np.float32(k)) * (curve[k + np.uint32(1)] - curve[k])
