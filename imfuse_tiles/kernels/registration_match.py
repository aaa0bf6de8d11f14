"""Whether two frames show the same, and where: several starts, mirrored frames, how alike they are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .registration_pairs import BLOCKS, SMALLEST_STEP, Fit, at_level, pair
from .registration_pyramid import Level, cell_means
from .registration_warp import warp_plane

Matrix = NDArray[np.float64]
Plane = NDArray[np.float32]

#: Two frames show the same if their gradients correlate at least so much over at least this share of the frame.
ALIKE, OVERLAP = 0.45, 0.25
#: By how much the mirrored frame must be more alike.
MIRRORED = 0.1
#: Cells of the coarse level whose gradients correlate less show something else, if both have so much of the mean energy
#: and there are so many: of neighbours of photographed and simulated sweeps none does, of what moved far nearly all.
CELL, ELSE, TELLING, FEWEST = 16, 0.25, 0.15, 10
#: A correlation from which another start is not tried; by how much one with less overlap must correlate better.
SURE, BETTER = 0.45, 0.05


def match(one: Sequence[Level], other: Sequence[Level], model: str, start: Matrix | None = None, blocks: int = BLOCKS,
          small: float = SMALLEST_STEP) -> tuple[Fit | None, float]:  # fmt: skip
    """Register two pyramids and say how alike they are then; None when they do not show the same."""
    skip = 0 if start is None else max(len(one) - 2, 0)
    fit, alike = _tried(one, other, model, start, skip, blocks, small)
    if alike < SURE:
        for number, shift in enumerate(sorted(_shifts(one, other), key=lambda shift: np.abs(shift[:2, 2]).max())):
            again, more = _tried(one, other, model, shift, 0, blocks, small)
            if more > alike + (BETTER if number else 0):
                fit, alike = again, more
    return (fit if alike >= ALIKE else None), alike


def is_mirrored(one: Sequence[Level], other: Sequence[Level], model: str, alike: float) -> bool:
    """Whether a frame is more like another when it is flipped; looked at on coarse levels only."""
    first = [level for level in one if max(level.plane.shape) <= 400] or list(one[-1:])
    second = other[len(other) - len(first) :]
    for flip in ((slice(None), slice(None, None, -1)), (slice(None, None, -1), slice(None))):
        flipped = [Level(level.factor, np.ascontiguousarray(level.plane[flip]), level.energy[flip]) for level in second]
        if match(first, flipped, model)[1] > max(alike + MIRRORED, ALIKE):
            return True
    return False


def _tried(one: Sequence[Level], other: Sequence[Level], model: str, start: Matrix | None, skip: int,
           blocks: int, small: float) -> tuple[Fit | None, float]:  # fmt: skip
    fit = pair(one, other, model, start, skip, blocks, small)
    if fit is None or not np.isfinite(fit.matrix).all():
        return None, -1.0
    m = fit.matrix
    size = m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]
    return fit, (correlation(one, other, m) if 0.25 < size < 4 else -1.0)


def correlation(one: Sequence[Level], other: Sequence[Level], matrix: Matrix) -> float:
    """How much the gradients of two frames, as they are seen, correlate where they overlap, -1 to 1; -1 where they
    hardly do."""
    first, second = coarse(one), coarse(other)
    near = np.empty_like(first.plane)
    warp_plane(second.plane, 0, 0, at_level(matrix, first.factor), 0, 0, near)
    one_size, other_size, product, share = _alike(first.plane, near)
    if share < OVERLAP:
        return -1.0
    size = math.sqrt(one_size * other_size)
    return float(product) / size if size > 0 else -1.0


def shows_else(one: Sequence[Level], other: Sequence[Level], matrix: Matrix) -> float:
    """The share of the picture where two frames that lie over each other show something else: what moved so far that
    blocks do not find it again. 0 where too few cells tell."""
    first, second = coarse(one), coarse(other)
    near = np.empty_like(first.plane)
    warp_plane(second.plane, 0, 0, at_level(matrix, first.factor), 0, 0, near)
    a, b = _gradients(as_seen(first.plane)), _gradients(as_seen(near))
    known = np.isfinite(a + b).all(axis=0)
    sums = [cell_means(np.where(known, (x * y).sum(axis=0), 0), CELL, float) for x, y in ((a, a), (b, b), (a, b))]
    if not sums[0].size:
        return 0.0
    telling = cell_means(known, CELL, float) > 0.8
    for energy in sums[:2]:
        telling &= energy > TELLING * energy.mean()
    if np.count_nonzero(telling) < FEWEST:
        return 0.0
    energy, other_energy, product = (part[telling] for part in sums)
    return float((product < ELSE * np.sqrt(energy * other_energy)).mean())


def as_seen(light: Plane) -> Plane:
    """Square roots of light: a few bright edges would decide else whether two frames show the same."""
    return np.sqrt(np.maximum(light, np.float32(0)))


def coarse(levels: Sequence[Level]) -> Level:
    """The level of at most 200 pixels a side, by which frames are told to be alike."""
    return next((level for level in levels if max(level.plane.shape) <= 200), levels[-1])


@njit(cache=True, nogil=True, error_model="numpy")
def _alike(one: Plane, other: Plane):  # type: ignore[no-untyped-def]
    """Sums of squares and of products of the gradients of two planes of light, as they are seen, and the share of
    pixels where both have them."""
    high, wide = one.shape
    first, second = np.empty((3, wide), np.float32), np.empty((3, wide), np.float32)
    sums = np.zeros((4, wide), np.float32)
    for y in range(high):
        _see(one[y], first[y % 3])
        _see(other[y], second[y % 3])
        if y > 1:
            rows = (y - 2) % 3, (y - 1) % 3, y % 3
            _add_gradients(first[rows[0]], first[rows[1]], first[rows[2]],
                           second[rows[0]], second[rows[1]], second[rows[2]], sums)  # fmt: skip
    total = np.zeros(4)
    for k in range(4):
        for x in range(wide):
            total[k] += sums[k, x]
    return total[0], total[1], total[2], total[3] / max((high - 2) * (wide - 2), 1)


@njit(cache=True, nogil=True, counted=False)
def _see(light: Plane, out: Plane) -> None:
    for x in range(light.size):
        out[x] = np.sqrt(np.maximum(light[x], np.float32(0)))


@njit(cache=True, nogil=True, counted=False)
def _add_gradients(a: Plane, b: Plane, c: Plane, d: Plane, e: Plane, f: Plane, sums: Plane) -> None:
    """Add, column by column, what the middle one of three rows of each plane has."""
    none = np.float32(0)
    for x in range(1, b.size - 1):
        ax, ay, bx, by = b[x + 1] - b[x - 1], c[x] - a[x], e[x + 1] - e[x - 1], f[x] - d[x]
        both = ax * bx + ay * by
        known = both == both
        sums[0, x] += ax * ax + ay * ay if known else none
        sums[1, x] += bx * bx + by * by if known else none
        sums[2, x] += both if known else none
        sums[3, x] += np.float32(known)


def _gradients(plane: Plane) -> NDArray[np.float32]:
    return np.stack([plane[1:-1, 2:] - plane[1:-1, :-2], plane[2:, 1:-1] - plane[:-2, 1:-1]])


def _shifts(one: Sequence[Level], other: Sequence[Level], most: int = 3) -> list[Matrix]:
    """The likeliest shifts of a coarse level, as transforms: peaks of the cross-correlation of its gradients."""
    number = next((n for n, level in enumerate(one) if max(level.plane.shape) <= 128), len(one) - 1)
    first, second = (np.nan_to_num(_gradients(as_seen(levels[number].plane))) for levels in (one, other))
    high, wide = first.shape[1:]
    size = (2 * high, 2 * wide)
    product = np.fft.rfft2(second, size) * np.conj(np.fft.rfft2(first, size))
    surface = np.fft.irfft2(product.sum(axis=0), size)
    y, x = np.fft.fftfreq(size[0], 1 / size[0])[:, None], np.fft.fftfreq(size[1], 1 / size[1])[None]
    shared = np.clip(1 - np.abs(y) / high, 0, 1) * np.clip(1 - np.abs(x) / wide, 0, 1)
    surface = np.where(shared > OVERLAP, surface / np.sqrt(np.maximum(shared, OVERLAP)), -np.inf)
    found = []
    for _ in range(most):
        row, column = np.unravel_index(int(np.argmax(surface)), surface.shape)
        dy, dx = float(y[row, 0]), float(x[0, column])
        found.append(np.array([[1, 0, dx * one[number].factor], [0, 1, dy * one[number].factor], [0, 0, 1.0]]))
        surface[(np.abs(y - dy) < 4) & (np.abs(x - dx) < 4)] = -np.inf
    return found
