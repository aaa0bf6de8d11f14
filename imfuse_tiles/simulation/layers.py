"""Decks of a scene cut into layers by depth, each with running sums along x of its light and its coverage.

Light is held in integers and summed along x once, so that a disc costs a few look-ups per row of the disc and the sums
are exact: no rounding, hence the same result in any window.
"""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.simulation.paint import BASE, BLUE, COVER, DEPTH, GREEN, RED

#: Layers of depth; the circle of confusion of a layer is that of its middle.
BINS = 24
#: Integer levels of coverage or light 1.0; light is held up to 4 times that.
ONE = np.float32(16384)
BRIGHTEST = np.float32(3.999)


@njit(cache=True, nogil=True)
def fill_layers(decks: np.ndarray, sums: np.ndarray, box: np.ndarray) -> int:
    """Fill the layers of a block: running sums along x of light and coverage, and where there is any.

    A solid thing also stands in the deeper layers down to its base, so that no seam shows between layers.
    Returns the bits of the layers that hold something.
    """
    n, _, height, width = decks.shape
    first = np.empty((n, height, width), np.uint8)
    last = np.empty((n, height, width), np.uint8)
    used = _layer_ranges(decks, first, last)
    for k in range(BINS):
        if (used >> k) & 1 and _fill_layer(decks, first, last, k, sums[k], box[k]) == height * width:
            # nothing behind a closed layer is ever seen
            return used & ((2 << k) - 1)
    return used


@njit(cache=True, nogil=True)
def _layer_ranges(decks: np.ndarray, first: np.ndarray, last: np.ndarray) -> int:
    """The first and last layer in which each fragment stands (255, 0: nowhere); returns the bits of all."""
    used = 0
    n, _, height, width = decks.shape
    for d in range(n):
        for y in range(height):
            for x in range(width):
                first[d, y, x] = 255
                last[d, y, x] = 0
                if decks[d, COVER, y, x] > 0:
                    front = int(decks[d, DEPTH, y, x] * np.float32(BINS))
                    front = min(max(front, 0), BINS - 1)
                    back = int(decks[d, BASE, y, x] * np.float32(BINS))
                    first[d, y, x] = front
                    last[d, y, x] = min(max(back, front), BINS - 1)
                    used |= 1 << front
                    if d > 0:
                        for k in range(front, last[d, y, x]):
                            used |= 2 << k
    return used


@njit(cache=True, nogil=True)
def _fill_layer(
    decks: np.ndarray, first: np.ndarray, last: np.ndarray, k: int, sums: np.ndarray, box: np.ndarray
) -> int:
    """Fill layer k: its running sums, and the box of what is in it; returns how many pixels are closed."""
    n, _, height, width = decks.shape
    box[0] = height
    box[1] = box[3] = 0
    box[2] = width
    closed = 0
    for y in range(height):
        total0 = total1 = total2 = total3 = np.int32(0)
        for c in range(4):
            sums[y, c] = 0
        for x in range(width):
            r = g = b = a = np.float32(0)
            for d in range(n - 1, -1, -1):
                if first[d, y, x] <= k and k <= last[d, y, x]:
                    free = np.float32(1) - a
                    r += free * decks[d, RED, y, x]
                    g += free * decks[d, GREEN, y, x]
                    b += free * decks[d, BLUE, y, x]
                    a += free * decks[d, COVER, y, x]
                    if a >= np.float32(1):
                        break
            if a > 0:
                box[0] = min(box[0], y)
                box[1] = y + 1
                box[2] = min(box[2], x)
                box[3] = max(box[3], x + 1)
                if a >= np.float32(1):
                    closed += 1
                total0 += np.int32(min(r, BRIGHTEST) * ONE + np.float32(0.5))
                total1 += np.int32(min(g, BRIGHTEST) * ONE + np.float32(0.5))
                total2 += np.int32(min(b, BRIGHTEST) * ONE + np.float32(0.5))
                total3 += np.int32(min(a, np.float32(1)) * ONE + np.float32(0.5))
            sums[y, 4 * x + 4] = total0
            sums[y, 4 * x + 5] = total1
            sums[y, 4 * x + 6] = total2
            sums[y, 4 * x + 7] = total3
    return closed
