"""How near a picture and its depth are to the truth, inside and outside the borders of occlusions."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.quality.scenes import Sample

#: Contrast (standard deviation of the truth around a pixel) from which on it is textured, and below which it is smooth.
TEXTURED, SMOOTH = 0.02, 0.012


@dataclass(frozen=True)
class Score:
    """PSNR in dB of the whole picture, within occlusion borders and outside; SSIM of the brightness."""

    psnr: float
    border: float
    inside: float
    ssim: float


@dataclass(frozen=True)
class DepthScore:
    """Errors in slices: median and 90th percentile of textured pixels outside occlusion borders, median of textured
    ones within, and of smooth ones, filled from their neighbours (nan if there are few)."""

    median: float
    ninety: float
    border: float
    smooth: float


def score(picture: np.ndarray, sample: Sample) -> Score:
    """Compare a picture (h, w, 3), float in 0..1, with the truth."""
    error = ((picture - sample.truth) ** 2).mean(axis=-1)
    return Score(_decibels(error), _decibels(error[sample.border]), _decibels(error[~sample.border]),
                 _ssim(picture.mean(axis=-1), sample.truth.mean(axis=-1)))  # fmt: skip


def depth_score(depth: np.ndarray, sample: Sample) -> DepthScore:
    """Compare a depth in slices (h, w) with the truth, where it lies within the stack."""
    error = np.abs(depth - sample.depth * (len(sample.slices) - 1))
    light = sample.truth.mean(axis=-1)
    mean = cv2.GaussianBlur(light, (0, 0), 1.5)
    contrast = np.sqrt(np.maximum(cv2.GaussianBlur(light * light, (0, 0), 1.5) - mean * mean, 0))
    within = sample.depth <= 1
    textured, smooth = (contrast > TEXTURED) & within, (contrast < SMOOTH) & within
    sure = error[textured & ~sample.border]
    return DepthScore(float(np.median(sure)), float(np.quantile(sure, 0.9)),
                      _median(error[textured & sample.border]), _median(error[smooth]))  # fmt: skip


def _median(errors: np.ndarray) -> float:
    return float(np.median(errors)) if errors.size > 1000 else float("nan")


def _decibels(error: np.ndarray) -> float:
    return float(-10 * np.log10(max(error.mean(), 1e-12))) if error.size else float("nan")


def _ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Z. Wang, A. C. Bovik, H. R. Sheikh and E. P. Simoncelli, IEEE Transactions on Image Processing 13 (2004)."""
    blur = lambda plane: cv2.GaussianBlur(plane, (11, 11), 1.5)  # noqa: E731
    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    both = blur(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + 1e-4) * (2 * both + 9e-4)
    return float((top / ((mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4))).mean())
