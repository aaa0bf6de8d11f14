"""The transform between two frames, from the coarsest level of their pyramids to the finest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .registration_blocks import BLOCK
from .registration_places import chosen_blocks
from .registration_pyramid import CELL, Level, smoothed
from .registration_steps import steps

Matrix = NDArray[np.float64]
Index = NDArray[np.int64]

#: Blocks compared on a level at most: those with the strongest gradients, and some everywhere.
BLOCKS = 160
#: Share of the blocks that lie evenly over the frame, and of the patches at full size, of which there are few: many
#: that lie beside each other are shifted the same way by what grows there with its blur.
SPREAD, PATCH_SPREAD = 0.6, 0.7
#: Errors of pairs are not believed to be smaller than this, in pixels of the level they were compared on: what grows
#: with its blur shifts all neighbours the same way, which adds up, and only pairs further apart see it.
LEAST_DEVIATION = 0.03
#: Steps on a level end when no number moves by more, in pixels of the level.
SMALL_STEP, SMALLEST_STEP = 0.1, 0.02
#: Patches of a frame at full size: edge, how many, and by how much more of the second frame is read around each.
PATCH, PATCHES, MARGIN = 160, 16, 8
#: Of larger frames more patches are taken, as long as they are no more than this share of the pixels, and no more than
#: so many.
SHARE, MOST_PATCHES = 0.03, 64

Plane = NDArray[np.float32]
#: Rows y0, y1 and columns x0, x1; and what reads such windows of a frame at full size, grey, float32 in 0..1.
Place = tuple[int, int, int, int]
Windows = Callable[[Sequence[Place]], list[Plane]]


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
    return _scaled(matrix, float(factor))


def from_level(matrix: Matrix, factor: int) -> Matrix:
    """A transform of a level's pixels in full-size ones."""
    return _scaled(matrix, 1 / factor)


def _scaled(matrix: Matrix, factor: float) -> Matrix:
    out = np.empty((3, 3))
    _scale(matrix, factor, (factor - 1) / 2, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _scale(m: Matrix, factor: float, offset: float, out: Matrix) -> None:
    """G^-1 M G, where G maps a point x to ``factor`` x + ``offset``."""
    for i in range(3):
        out[i, 0], out[i, 1] = m[i, 0] * factor, m[i, 1] * factor
        out[i, 2] = (m[i, 0] + m[i, 1]) * offset + m[i, 2]
    for i in range(2):
        for j in range(3):
            out[i, j] = (out[i, j] - offset * out[2, j]) / factor


def pair(first: Sequence[Level], second: Sequence[Level], model: str, start: Matrix | None = None, skip: int = 0,
         blocks: int = BLOCKS, small: float = SMALLEST_STEP) -> Fit | None:  # fmt: skip
    """Register two pyramids; None where they do not determine the model.

    With a ``start`` the ``skip`` coarsest levels are left out. ``small``: the step at which the finest level ends. The
    result is that of the finest level, or of a coarser one that is surer of itself: the fine levels of a blurred frame
    are noise.
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
        found = level_fit(one, other, matrix, model, blocks, small if last else SMALL_STEP,
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
    places = chosen_blocks(one, other, at, size, count, SPREAD)
    parts = [(one.plane, 0, 0, other.plane, 0, 0, places)]
    return _full_size(steps(parts, at, model, size, (wide, high), small, split), one.factor)


def _full_size(found: tuple[Any, ...] | None, factor: int) -> Fit | None:
    """What steps on a level found, in full-size pixels."""
    if found is None:
        return None
    matrix, deviation, halves, scatter, apart, count, normals, even = found
    return Fit(from_level(matrix, factor), deviation * factor, halves * factor, scatter, apart, factor, count,
               normals, even)  # fmt: skip


def patch_count(width: int, height: int) -> int:
    """How many patches of two frames are compared at full size."""
    pixels = (PATCH + 4) ** 2 + (PATCH + 4 + 2 * MARGIN) ** 2
    return min(max(PATCHES, int(SHARE * width * height / pixels)), MOST_PATCHES)


def refined(one: Level, other: Level, fit: Fit, model: str, first: Windows, second: Windows, width: int, height: int
            ) -> Fit:  # fmt: skip
    """The fit of a pair, made finer by patches of both frames at full size where gradients are strongest."""
    places = chosen_blocks(one, other, at_level(fit.matrix, one.factor), max(CELL, PATCH // one.factor),
                           patch_count(width, height), PATCH_SPREAD)  # fmt: skip
    pairs = [pair for left, top in places * one.factor if (pair := _patch(left, top, fit.matrix, width, height))]
    if len(pairs) < PATCHES // 4:
        return fit
    x, y = np.meshgrid(np.arange(PATCH // BLOCK), np.arange(PATCH // BLOCK))
    within = 2 + BLOCK * np.stack([x.ravel(), y.ravel()], axis=1).astype(np.int64)
    near, far = first([patch for patch, _ in pairs]), second([window for _, window in pairs])
    parts = [(smoothed(a), patch[2], patch[0], smoothed(b), window[2], window[0], within + np.array(patch[2::-2]))
             for a, b, (patch, window) in zip(near, far, pairs, strict=True)]  # fmt: skip
    known = math.hypot(fit.doubt, LEAST_DEVIATION * fit.factor)
    found = _full_size(steps(parts, fit.matrix, model, BLOCK, (width, height), SMALLEST_STEP / 4), 1)
    return replace(found, apart=fit.apart) if found is not None and found.doubt < known else fit


def _patch(left: int, top: int, matrix: Matrix, width: int, height: int) -> tuple[Place, Place] | None:
    """Where a patch lies in both frames, the second with a margin; None where that is not all in the frame."""
    x0, y0 = (int(min(max(at - 2, 0), side - PATCH - 4)) for at, side in ((left, width), (top, height)))
    corners = np.array([[x0, x0 + PATCH + 4] * 2, [y0, y0, y0 + PATCH + 4, y0 + PATCH + 4], [1] * 4], float)
    there = matrix @ corners
    there = there[:2] / there[2]
    low, high = np.floor(there.min(axis=1)).astype(int) - MARGIN, np.ceil(there.max(axis=1)).astype(int) + MARGIN
    x1, y1, x2, y2 = max(int(low[0]), 0), max(int(low[1]), 0), min(int(high[0]), width), min(int(high[1]), height)
    whole = x2 - x1 >= PATCH and y2 - y1 >= PATCH
    return ((y0, y0 + PATCH + 4, x0, x0 + PATCH + 4), (y1, y2, x1, x2)) if whole else None
