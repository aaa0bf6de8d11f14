"""What two frames have in common of the shifts of many patches: the check of stacks that are sharp nowhere.

Patches with the strongest detail in both frames are correlated however blurred they are; a similarity is fitted to
their shifts, robustly, as single ones are wrong where blur is not even or things move. What is as it lies in all
frames is dust before the sensor and left out. It is done on the frames and on two coarser sizes, of which the surest
counts. ``error`` is the standard error by bootstrap over the patches, also of what the similarity does to corners.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.patch_shift import between, shifts_at

PATCH, MARGIN, MOST, LEAST = 48, 8, 400, 24
#: A patch counts whose correlation and standard error (pixels of the size looked at) are at least as good.
SAME, SURE = 0.6, 0.25
SIZES, DRAWS, ROUNDS = (1, 2, 4), 60, 15


class Common(NamedTuple):
    """``length`` in pixels, the root of the mean square over the frame; its standard error; by how many patches."""

    length: float
    error: float
    patches: int


def common_shift(one: np.ndarray, other: np.ndarray, still: np.ndarray) -> Common:
    """What two grey frames of one size are shifted by as a whole; ``still``: bool (y, x), where that is dust."""
    found = [Common(np.nan, np.inf, 0)]
    for factor in SIZES:
        size = one.shape[1] // factor, one.shape[0] // factor
        planes = [cv2.resize(plane[: size[1] * factor, : size[0] * factor], size, interpolation=cv2.INTER_AREA)
                  for plane in (one, other)]  # fmt: skip
        dust = cv2.resize(still.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        patches = shifts(*planes, dust)
        if len(patches) >= LEAST:
            length, error = fitted(patches, *size)
            found.append(Common(length * factor, error * factor, len(patches)))
    return min(found, key=lambda common: common.error)


def shifts(one: np.ndarray, other: np.ndarray, still: np.ndarray) -> np.ndarray:
    """Middles x, y and shifts of patches that look alike (n, 4)."""
    bands = [between(plane, 1, 4) for plane in (one, other)]
    high, wide = one.shape
    grid = np.s_[MARGIN : high - PATCH - MARGIN : PATCH // 2, MARGIN : wide - PATCH - MARGIN : PATCH // 2]
    strength = np.minimum(*[cv2.boxFilter(band * band, -1, (PATCH, PATCH), anchor=(0, 0))[grid] for band in bands])
    dust = cv2.boxFilter(still.astype(np.float32), -1, (PATCH // 2, PATCH // 2))
    strongest = np.unravel_index(np.argsort(-strength, axis=None)[:MOST], strength.shape)
    places = MARGIN + PATCH // 2 * np.stack(strongest, axis=1)
    clean = dust[tuple(places.T + PATCH // 2)] < 0.5
    return shifts_at(bands, places[clean], PATCH, SAME, SURE)


def fitted(patches: np.ndarray, width: int, height: int) -> tuple[float, float]:
    """Mean length over the frame of the similarity that fits the shifts of patches, and its standard error."""
    x, y, u, v = patches.T
    x, y = (x - width / 2) / (width / 2), (y - height / 2) / (width / 2)
    ones, none = np.ones(len(x)), np.zeros(len(x))
    basis = np.stack([np.stack([ones, none, x, -y], axis=1), np.stack([none, ones, y, x], axis=1)], axis=1)
    shift, dice = np.stack([u, v], axis=1), np.random.default_rng(1)
    numbers = robust(basis, shift)
    draws = np.array([robust(basis[at], shift[at]) for at in dice.integers(0, len(x), (DRAWS, len(x)))])
    return mean_length(numbers, height / width), mean_length(draws - numbers, height / width)


def robust(basis: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Numbers (4) of a similarity: least squares in which shifts count less (Cauchy) the farther they lie beside."""
    weight = np.ones(len(shift))
    for _ in range(ROUNDS):
        numbers = np.linalg.solve(np.einsum("nri,n,nrj->ij", basis, weight, basis),
                                  np.einsum("nri,n,nr->i", basis, weight, shift))  # fmt: skip
        beside = np.hypot(*(shift - basis @ numbers).T)
        weight = 1 / (1 + (beside / (np.median(beside) + 1e-6)) ** 2)
    return numbers


def mean_length(numbers: np.ndarray, aspect: float) -> float:
    """Root of the mean square, over the frame and over all sets of numbers (..., 4), of what they shift by."""
    shift = (numbers[..., :2] ** 2).sum(axis=-1)
    slope = (numbers[..., 2:] ** 2).sum(axis=-1) * (1 + aspect**2) / 3
    return float(np.sqrt((shift + slope).mean()))
