"""The transform between two frames, from the coarsest level of their pyramids to the finest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .registration_blocks import BLOCK, COUNT, block_normals
from .registration_fit import MODELS, corner_deviation, fit, inverse, stepped_back, unit
from .registration_places import chosen_blocks
from .registration_pyramid import CELL, Level, smoothed

Matrix = NDArray[np.float64]
Index = NDArray[np.int64]

#: Blocks compared on a level at most: those with the strongest gradients, and some everywhere.
BLOCKS = 160
#: Steps on a level end when no number moves by more, in pixels of the level.
SMALL_STEP, SMALLEST_STEP = 0.05, 0.02
STEPS = 6
#: Blocks lie elsewhere if they want to be moved by so many pixels of the level, a square so many times their variance.
APART, APART_SURE = 1.5, 16.0
#: Patches of a frame at full size: edge, how many, and by how much more of the second frame is read around each.
PATCH, PATCHES, MARGIN = 160, 16, 8
#: Of larger frames more patches are taken, as long as they are no more than this share of the pixels, and no more than
#: so many.
SHARE, MOST_PATCHES = 0.03, 64

Windows = Callable[[int, int, int, int], NDArray[np.float32]]


@dataclass(frozen=True)
class Fit:
    """What a level says of a pair: ``matrix`` maps the first frame to the second, in full-size pixels; lengths too.

    ``deviation``: of the worst corner, by the scatter within blocks; ``split``: half the distance of the results of
    every second block; ``scatter``: how much more blocks differ than chance lets them; ``apart``: share of the blocks
    that certainly lie elsewhere; ``factor`` of the level; ``blocks`` compared.
    """

    matrix: Matrix
    deviation: float
    split: float
    scatter: float
    apart: float
    factor: int
    blocks: int
    #: The equations of its blocks and which half each belongs to, as they were before the last step.
    normals: Matrix = field(default_factory=lambda: np.empty((0, 9)), repr=False, compare=False)
    even: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_), repr=False, compare=False)

    @property
    def doubt(self) -> float:
        """The expected error of a corner in pixels."""
        if math.isnan(self.split) or self.blocks < 24:
            return 1e3 + 1e3 * self.deviation
        return max(self.deviation, 0.7 * self.split)


def at_level(matrix: Matrix, factor: int) -> Matrix:
    """A transform of full-size pixels in those of a level."""
    grid = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1.0]])
    return inverse(grid) @ matrix @ grid


def from_level(matrix: Matrix, factor: int) -> Matrix:
    """A transform of a level's pixels in full-size ones."""
    grid = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1.0]])
    return grid @ matrix @ inverse(grid)


def pair(first: Sequence[Level], second: Sequence[Level], model: str, start: Matrix | None = None, skip: int = 0,
         blocks: int = BLOCKS) -> Fit | None:  # fmt: skip
    """Register two pyramids; None where they do not determine the model.

    With a ``start`` the ``skip`` coarsest levels are left out. The result is that of the finest level, or of a coarser
    one that is surer of itself: the fine levels of a blurred frame are noise.
    """
    matrix, fits = np.eye(3) if start is None else start, []
    for number, (one, other) in enumerate(zip(first[::-1], second[::-1], strict=True)):
        if number < skip and number < len(first) - 1:
            continue
        last = number == len(first) - 1
        found = None
        if number == 0 and start is None:
            found = level_fit(one, other, matrix, "shift", blocks, SMALL_STEP, False)
            matrix = matrix if found is None else found.matrix
        found = level_fit(one, other, matrix, model, blocks, SMALLEST_STEP if last else SMALL_STEP,
                          number > len(first) - 4) or found  # fmt: skip
        if found is not None:
            matrix = found.matrix
            fits.append(found)
    if not fits:
        return None
    return replace(min(fits[-3:], key=lambda found: found.doubt), apart=min(found.apart for found in fits[-2:]))


def level_fit(one: Level, other: Level, matrix: Matrix, model: str, count: int, small: float, split: bool = True
              ) -> Fit | None:  # fmt: skip
    """Gauss-Newton steps on one level."""
    high, wide = one.plane.shape
    size = min(BLOCK, max(8, min(high, wide) // 4 // 2 * 2))
    at = at_level(matrix, one.factor)
    places = chosen_blocks(one, other, at, size, count)
    return steps(
        [(one.plane, 0, 0, other.plane, 0, 0, places)], at, model, size, (wide, high), one.factor, small, split
    )


def steps(parts, matrix, model, size, frame, factor, small, split=True):  # type: ignore[no-untyped-def]
    """Steps over blocks of one or more parts: (first, its left, top, second, its left, top, blocks)."""
    blocks = np.concatenate([part[6] for part in parts])
    normals, left = np.empty((len(blocks), 9)), np.zeros((len(blocks), 3))
    numbers, covariance = np.zeros(MODELS[model]), np.zeros((MODELS[model],) * 2)
    use = np.ones(len(blocks), np.bool_)
    scatter = 0.0
    for _ in range(STEPS):
        begin = 0
        for *planes, places in parts:
            block_normals(*planes, matrix, places, size, normals[begin : begin + len(places)])
            begin += len(places)
        scatter = fit(normals, use, *unit(*frame), numbers, covariance, left)
        if scatter == 0:
            return None
        longest = float(np.abs(numbers[:2]).max())
        matrix = matrix @ stepped_back(numbers * min(1.0, 8 / max(longest, 1e-9)), *frame)
        if np.abs(numbers).max() < small:
            break
    even = (blocks // size).sum(axis=1) % 2 == 0
    halves = _split(normals, even, frame, numbers.size) * factor if split else math.nan
    return Fit(from_level(matrix, factor), corner_deviation(covariance, *frame) * factor, halves, scatter,
               _apart(normals, left), factor, int((normals[:, COUNT] > 0).sum()), normals, even)  # fmt: skip


def _apart(normals: Matrix, left: Matrix) -> float:
    """The share of the blocks that want another shift than the model gives, by far and for sure."""
    far = (np.hypot(left[:, 0], left[:, 1]) > APART) & (left[:, 2] > APART_SURE)
    return float(far.sum() / max((normals[:, COUNT] > 0).sum(), 1))


def patch_count(width: int, height: int) -> int:
    """How many patches of two frames are compared at full size."""
    pixels = (PATCH + 4) ** 2 + (PATCH + 4 + 2 * MARGIN) ** 2
    return min(max(PATCHES, int(SHARE * width * height / pixels)), MOST_PATCHES)


def refined(one: Level, other: Level, fit: Fit, model: str, first: Windows, second: Windows, width: int, height: int
            ) -> Fit:  # fmt: skip
    """The fit of a pair, made finer by patches of both frames at full size where gradients are strongest."""
    places = chosen_blocks(one, other, at_level(fit.matrix, one.factor), max(CELL, PATCH // one.factor),
                           patch_count(width, height))  # fmt: skip
    parts, x, y = [], *np.meshgrid(np.arange(PATCH // BLOCK), np.arange(PATCH // BLOCK))
    within = 2 + BLOCK * np.stack([x.ravel(), y.ravel()], axis=1).astype(np.int64)
    for left, top in places * one.factor:
        x0, y0 = (int(min(max(at - 2, 0), side - PATCH - 4)) for at, side in ((left, width), (top, height)))
        corners = np.array([[x0, x0 + PATCH + 4] * 2, [y0, y0, y0 + PATCH + 4, y0 + PATCH + 4], [1] * 4], float)
        there = fit.matrix @ corners
        there = there[:2] / there[2]
        low, high = np.floor(there.min(axis=1)).astype(int) - MARGIN, np.ceil(there.max(axis=1)).astype(int) + MARGIN
        x1, y1, x2, y2 = max(int(low[0]), 0), max(int(low[1]), 0), min(int(high[0]), width), min(int(high[1]), height)
        if x2 - x1 < PATCH or y2 - y1 < PATCH:
            continue
        near = smoothed(first(y0, y0 + PATCH + 4, x0, x0 + PATCH + 4))
        parts.append((near, x0, y0, smoothed(second(y1, y2, x1, x2)), x1, y1, within + np.array([x0, y0])))
    if len(parts) < PATCHES // 4:
        return fit
    found = steps(parts, fit.matrix, model, BLOCK, (width, height), 1, SMALLEST_STEP / 4)
    return replace(found, apart=fit.apart) if found is not None and found.doubt < fit.doubt else fit


def _split(normals: Matrix, even: NDArray[np.bool_], frame: tuple[int, int], size: int) -> float:
    """Half the distance of a corner between the fits to every second block and to the others."""
    fields, left = [], np.zeros((len(normals), 3))
    for use in (even, ~even):
        numbers, covariance = np.zeros(size), np.zeros((size, size))
        if fit(normals, use, *unit(*frame), numbers, covariance, left) == 0:
            return math.nan
        fields.append(numbers)
    return corner_deviation(np.outer(fields[0] - fields[1], fields[0] - fields[1]) / 4, *frame)
