"""How much of two pictures a third one made of them shows: measures that need no truth.

Formulas and constants as in the public evaluation of Z. Liu, E. Blasch, Z. Xue, J. Zhao, R. Laganiere and W. Wu,
"Objective assessment of multiresolution image fusion algorithms", IEEE Transactions on Pattern Analysis and Machine
Intelligence 34 (2012), Q_AB/F with the constants of its authors, as in the comparison of 18 methods on 20 pairs of
Y. Liu, L. Wang, J. Cheng, C. Li and X. Chen, Information Fusion 64 (2020). Pictures are grey (y, x), whole numbers
0..255; results are means in 0..1.
"""

from __future__ import annotations

import cv2
import numpy as np

#: Slope and middle of the curves through which strength and direction of an edge are seen, and their tops.
STRENGTH, DIRECTION = (0.9994, 15.0, 0.5), (0.9879, 22.0, 0.8)
#: Sensitivity of the eye to contrast, by frequency: two Gaussians and the share of the second.
WIDE, NARROW, SHARE = 15.3870, 1.3456, 0.7622
#: A perceived contrast is c^3 / (c^2 + this).
FLOOR = 1e-4


def edge_preservation(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    """Q_AB/F: C. S. Xydeas and V. Petrovic, Electronics Letters 36 (2000)."""
    edges = [_edges(picture) for picture in (a, b, fused)]
    total = sum(strength.sum() for strength, _ in edges[:2])
    kept = sum((_preserved(edge, edges[2]) * edge[0]).sum() for edge in edges[:2])
    return float(kept / max(total, 1e-12))


def _edges(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strength and direction of the gradient by Sobel's operators."""
    x, y = (cv2.Sobel(picture, cv2.CV_64F, *order, borderType=cv2.BORDER_CONSTANT) for order in ((1, 0), (0, 1)))
    return np.hypot(x, y), np.arctan(y / np.where(x == 0, 1e-5, x))


def _preserved(edge: tuple[np.ndarray, np.ndarray], fused: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    low, high = np.minimum(edge[0], fused[0]), np.maximum(edge[0], fused[0])
    strength = np.where(high > 0, low / np.where(high > 0, high, 1), 1.0)
    direction = np.abs(np.abs(edge[1] - fused[1]) - np.pi / 2) / (np.pi / 2)
    return _seen(strength, *STRENGTH) * _seen(direction, *DIRECTION)


def _seen(value: np.ndarray, top: float, slope: float, middle: float) -> np.ndarray:
    return top / (1 + np.exp(-slope * (value - middle)))


def chen_blum(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    """Q_CB: Y. Chen and R. S. Blum, Image and Vision Computing 27 (2009)."""
    first, second, result = (_perceived(picture) for picture in (a, b, fused))
    salient = first**2 / np.maximum(first**2 + second**2, 1e-30)
    kept = [np.minimum(each, result) / np.maximum(np.maximum(each, result), 1e-30) for each in (first, second)]
    return float((salient * kept[0] + (1 - salient) * kept[1]).mean())


def _perceived(picture: np.ndarray) -> np.ndarray:
    """Local contrast of a picture stretched to 0..255, as an eye sees it from a distance."""
    span = float(np.ptp(picture))
    seen = _filtered(np.rint((picture - picture.min()) / max(span, 1e-12) * 255))
    near, around = (_smoothed(seen, sigma) for sigma in (2.0, 4.0))
    contrast = np.abs(near / np.where(around == 0, 1e-12, around) - 1)
    return contrast**3 / (contrast**2 + FLOOR)


def _smoothed(picture: np.ndarray, sigma: float) -> np.ndarray:
    half = np.exp(-(np.arange(-15, 16) ** 2) / (2 * sigma**2)) / np.sqrt(2 * np.pi) / sigma
    return cv2.sepFilter2D(picture, cv2.CV_64F, half, half, borderType=cv2.BORDER_CONSTANT)


def _filtered(picture: np.ndarray) -> np.ndarray:
    """A picture as the eye's sensitivity to contrast lets it pass."""
    height, width = picture.shape
    y, x = np.fft.fftfreq(height)[:, None] * 2 * height / 30, np.fft.fftfreq(width)[None] * 2 * width / 30
    radius = np.hypot(y, x)
    passed = np.exp(-((radius / WIDE) ** 2)) - SHARE * np.exp(-((radius / NARROW) ** 2))
    return np.fft.ifft2(np.fft.fft2(picture) * passed).real
