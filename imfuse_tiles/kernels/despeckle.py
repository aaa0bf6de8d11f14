"""Hull despeckling: specks are worn down from above and filled up from below, one 8-bit step at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]

UNIT = np.float32(65535 * 64)
# A step reads a neighbour, and the second half of a hull a neighbour of a neighbour: -1 .. +2 along the direction
# (-2 .. +1 for the opposite one). The four hulls of a direction add up to 6 both ways, and of the four directions
# three have a part along x and three along y.
REACH = 18


def halo(passes: int) -> int:
    """Pixels on each side that `despeckle` needs: 18 for each pass."""
    return REACH * passes


def despeckle(plane: Plane, passes: int, margins: tuple[int, int, int, int]) -> Plane:
    """`passes` rounds of hull despeckling. float32 (y, x) 0..1 -> (y - 2h, x - 2h) with h = halo(passes).

    margins = (top, bottom, left, right): how many rows and columns of the window lie outside the frame. They count
    as zero at every step, whatever they hold, and are zero in the result.
    With one = 1/255, two = 2/255 and d in turn (0, 1), (1, 0), (1, 1), (-1, 1) as (x, y), a pass does
    up(d), up(-d), down(-d), down(d). up(d): g = f + one where f(+d) >= f + two, else f; then f = g + one where
    g(-d) >= g + two and g(+d) > g, else g. down(d) mirrors it: minus, <= and <.
    Raises ValueError if the window is smaller than its halos.
    """
    h, (top, bottom, left, right) = halo(passes), margins
    height, width = plane.shape[0] - 2 * h, plane.shape[1] - 2 * h
    if height < 1 or width < 1:
        raise ValueError(f"a window of {plane.shape} leaves nothing inside a halo of {h}")
    core = _hulls(plane[top : plane.shape[0] - bottom, left : plane.shape[1] - right], passes)
    out = np.zeros((height, width), np.float32)
    # The core ends where the frame ends; the result ends h pixels inside the window.
    rows = slice(max(top - h, 0), height - max(bottom - h, 0))
    columns = slice(max(left - h, 0), width - max(right - h, 0))
    y, x = rows.start + h - top, columns.start + h - left
    out[rows, columns] = core[y : y + rows.stop - rows.start, x : x + columns.stop - columns.start]
    return out


def _hulls(plane: Plane, passes: int) -> Plane:
    # Whole numbers of 1/64 of a 16-bit step: adding and taking away steps then rounds nothing, so that
    # pixels which went up and down in different order meet exactly.
    plane = np.ascontiguousarray(plane * UNIT)
    np.rint(plane, out=plane)
    for _ in range(passes):
        plane = _pass(plane)
    return np.divide(plane, UNIT, out=plane)


@njit(cache=True, nogil=True)
def _copy(row: Plane, out: Plane) -> None:
    for x in range(len(row)):  # an assignment of slices takes numba three seconds more to compile
        out[x] = row[x]


@njit(cache=True, nogil=True)
def _half(out: Plane, here: Plane, ahead: Plane, behind: Plane, up: bool, second: bool) -> None:
    """One half of a hull for one row; `ahead` and `behind` are the neighbours of each pixel at +d and -d."""
    one, two = np.float32(257 * 64), np.float32(514 * 64)
    if up and not second:
        for x in range(len(out)):
            out[x] = here[x] + (one if ahead[x] >= here[x] + two else np.float32(0))
    elif up:
        for x in range(len(out)):
            grow = (behind[x] >= here[x] + two) & (ahead[x] > here[x])
            out[x] = here[x] + (one if grow else np.float32(0))
    elif not second:
        for x in range(len(out)):
            out[x] = here[x] - (one if ahead[x] <= here[x] - two else np.float32(0))
    else:
        for x in range(len(out)):
            shrink = (behind[x] <= here[x] - two) & (ahead[x] < here[x])
            out[x] = here[x] - (one if shrink else np.float32(0))


@njit(cache=True, nogil=True)
def _pass(plane: Plane) -> Plane:
    """One pass over a plane that is surrounded by zeros.

    The 32 half hulls run as a chain, each a row behind the one before; a link keeps the last three rows of its
    input, with a zero at both ends, so that everything stays in the caches.
    """
    height, width = plane.shape
    out = np.empty_like(plane)
    rings = np.zeros((33, 3, width + 2), np.float32)
    zeros = np.zeros(width + 2, np.float32)
    for t in range(height + 32):
        if t < height:
            _copy(plane[t], rings[0, t % 3, 1:])
        for link in range(32):
            y = t - link - 1
            if 0 <= y < height:
                direction, hull = link // 8, link // 2 % 4
                dx, dy = (0, 1, 1, -1)[direction], (1, 0, 1, 1)[direction]
                if hull == 1 or hull == 2:
                    dx, dy = -dx, -dy
                ahead = rings[link, (y + dy) % 3] if 0 <= y + dy < height else zeros
                behind = rings[link, (y - dy) % 3] if 0 <= y - dy < height else zeros
                _half(
                    rings[link + 1, y % 3, 1:-1],
                    rings[link, y % 3, 1:-1],
                    ahead[1 + dx :],
                    behind[1 - dx :],
                    hull < 2,
                    link % 2 == 1,
                )
        if t >= 32:
            _copy(rings[32, (t - 32) % 3, 1:-1], out[t - 32])
    return out
