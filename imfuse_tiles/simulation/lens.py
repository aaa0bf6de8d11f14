"""A thin lens: decks to layers by depth, layers blurred by their circle of confusion, front over back.

The blur is a true disc. Light is held in integers and summed along x once, so that a disc costs a few
look-ups per row of the disc and the sums are exact: no rounding, hence the same result in any window.
"""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.simulation.paint import BASE, BLUE, COVER, DEPTH, GREEN, RED

#: layers of depth; the circle of confusion of a layer is that of its middle
BINS = 24
#: blur radius in pixels of what lies a whole depth range away from the focus
FULL_BLUR = 10.0
#: pixels of scene needed around a window
HALO = 12
#: integer levels of coverage or light 1.0; light is held up to 4 times that
ONE = np.float32(16384)
BRIGHTEST = np.float32(3.999)
#: edge of the blocks that are composed at a time: what their layers need stays in the cache
BLOCK = 64
_STEPS = 64


def discs(radii: np.ndarray) -> np.ndarray:
    """Pixel discs for blur radii (pixels, any shape (n,)): int64 (n, 1 + 3 * (HALO + 1)).

    Row 0 of each: the number of rows k = 0.. on either side of the middle; then for each k the half width
    w, the weight of the pixels |dx| <= w and the weight of the pixels |dx| <= w + 1, together 64.
    A radius of 0 is the pixel alone. Within about half a pixel the blur begins gently (r becomes
    r^2 / (r + 0.5), with half a pixel added in quadrature): that is the depth of field.
    """
    table = np.zeros((len(radii), 1 + 3 * (HALO + 1)), np.int64)
    radii = np.asarray(radii, float)
    for n, radius in enumerate(np.sqrt((radii * radii / (radii + 0.5)) ** 2 + 0.25)):
        k = np.arange(HALO + 2)
        strip = _area_below(k + 0.5, radius) - _area_below(k - 0.5, radius)
        peak = _middle_pixel(radius)
        widths = np.round(strip / peak * _STEPS).astype(np.int64)
        widths[0] = max(widths[0], _STEPS)
        rows = int(np.count_nonzero(widths))
        table[n, 0] = rows
        for i in range(rows):
            if widths[i] < _STEPS:
                table[n, 1 + 3 * i : 4 + 3 * i] = (0, widths[i], 0)
            else:
                half, rest = divmod(int(widths[i]) - _STEPS, 2 * _STEPS)
                rest //= 2
                table[n, 1 + 3 * i : 4 + 3 * i] = (half, _STEPS - rest, rest)
    return table


def _area_below(y: np.ndarray, radius: float) -> np.ndarray:
    """Area of the disc where the coordinate is below y."""
    y = np.clip(y, -radius, radius)
    return y * np.sqrt(radius * radius - y * y) + radius * radius * (np.arcsin(y / radius) + np.pi / 2)


def _middle_pixel(radius: float) -> float:
    """Area of the disc inside the unit square around its centre."""
    if radius >= np.sqrt(0.5):
        return 1.0
    caps = np.pi * radius * radius - _area_below(np.array([0.5]), radius)[0]
    return float(np.pi * radius * radius - 4 * caps)


@njit(cache=True, nogil=True)
def expose(decks: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Exposures: linear light, float32 (n, height, width, 3), smaller than the decks by HALO on each side.

    decks: float32 (decks, 6, height, width), the last deck in front. tables: (n, BINS, ...), for every
    exposure and depth bin its entry of `discs`.
    """
    high, wide = decks.shape[2] - 2 * HALO, decks.shape[3] - 2 * HALO
    out = np.zeros((len(tables), high, wide, 3), np.float32)
    sums = np.empty((BINS, BLOCK + 2 * HALO, 4 * (BLOCK + 2 * HALO + 1)), np.int32)
    box = np.empty((BINS, 4), np.int64)
    clear = np.empty((BLOCK, BLOCK), np.float32)
    span = np.empty((BLOCK, 2), np.int64)
    for top in range(0, high, BLOCK):
        for left in range(0, wide, BLOCK):
            height = min(BLOCK, high - top)
            width = min(BLOCK, wide - left)
            block = decks[:, :, top : top + height + 2 * HALO, left : left + width + 2 * HALO]
            used = _layers(block, sums, box)
            for n in range(len(tables)):
                for y in range(height):
                    span[y, 0] = 0
                    span[y, 1] = width
                    for x in range(width):
                        clear[y, x] = 1
                for k in range(BINS):
                    if (used >> k) & 1:
                        image = out[n, top : top + height, left : left + width]
                        if _lay_behind(sums[k], box[k], tables[n, k], image, clear, span) == 0:
                            break
    return out


@njit(cache=True, nogil=True)
def _layers(decks: np.ndarray, sums: np.ndarray, box: np.ndarray) -> int:
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


@njit(cache=True, nogil=True)
def _lay_behind(
    sums: np.ndarray, box: np.ndarray, disc: np.ndarray, image: np.ndarray, clear: np.ndarray, span: np.ndarray
) -> int:
    """Add a blurred layer behind what the image of the block holds already; returns how many rows stay open.

    clear: what the layers in front let through; span: per row the columns between which that is not 0.
    """
    height = len(image)
    rows = disc[0]
    reach = max(rows - 1, disc[1] + 1)
    full = 0
    for k in range(rows):
        w = disc[1 + 3 * k]
        full += (2 if k else 1) * (disc[2 + 3 * k] * (2 * w + 1) + disc[3 + 3 * k] * (2 * w + 3))
    whole = np.int32(full * 16384)
    share = np.float32(1) / np.float32(full * 16384)
    acc = np.empty(4 * BLOCK, np.int32)
    nothing = np.zeros(sums.shape[1], np.int32)
    opened = 0
    for y in range(height):
        if span[y, 0] >= span[y, 1]:
            continue
        opened += 1
        a = max(span[y, 0], box[2] - reach - HALO)
        b = min(span[y, 1], box[3] + reach - HALO)
        if a >= b or y + HALO + reach < box[0] or y + HALO - reach >= box[1]:
            continue
        n = b - a
        through = clear[y, a:b]
        total = acc[: 4 * n]
        for i in range(4 * n):
            total[i] = 0
        for k in range(rows):
            below = sums[y + HALO + k]
            above = sums[y + HALO - k] if k else nothing
            _add_rows(below, above, a + HALO, disc[1 + 3 * k], disc[2 + 3 * k], disc[3 + 3 * k], total)
        light = image[y, a:b]
        for i in range(n):
            part = through[i] * share
            light[i, 0] += part * np.float32(acc[4 * i])
            light[i, 1] += part * np.float32(acc[4 * i + 1])
            light[i, 2] += part * np.float32(acc[4 * i + 2])
            # a quotient is exactly 1 where nothing lies and exactly 0 behind a solid: skipping changes nothing
            through[i] *= np.float32(np.int32(whole - acc[4 * i + 3])) / np.float32(whole)
        while span[y, 0] < span[y, 1] and clear[y, span[y, 0]] == 0:
            span[y, 0] += 1
        while span[y, 0] < span[y, 1] and clear[y, span[y, 1] - 1] == 0:
            span[y, 1] -= 1
    return opened


@njit(cache=True, nogil=True)
def _add_rows(below: np.ndarray, above: np.ndarray, at: int, w: int, inner: int, outer: int, total: np.ndarray) -> None:
    """total += weighted sums over two rows of the disc, for neighbouring pixels from column `at` on."""
    n = len(total)
    inside = np.int32(inner)
    around = np.int32(outer)
    right = 4 * (at + w + 1)
    left = 4 * (at - w)
    p = below[right : right + n]
    q = below[left : left + n]
    r = above[right : right + n]
    s = above[left : left + n]
    if outer == 0:
        for i in range(n):
            one = np.int32(np.int32(p[i] - q[i]) + np.int32(r[i] - s[i]))
            total[i] = np.int32(total[i] + np.int32(inside * one))
    else:
        pp = below[right + 4 : right + 4 + n]
        qq = below[left - 4 : left - 4 + n]
        rr = above[right + 4 : right + 4 + n]
        ss = above[left - 4 : left - 4 + n]
        for i in range(n):
            one = np.int32(np.int32(p[i] - q[i]) + np.int32(r[i] - s[i]))
            two = np.int32(np.int32(pp[i] - qq[i]) + np.int32(rr[i] - ss[i]))
            total[i] = np.int32(total[i] + np.int32(np.int32(inside * one) + np.int32(around * two)))
