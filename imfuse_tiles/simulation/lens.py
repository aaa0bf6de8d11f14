"""A thin lens: layers of a scene, each blurred by its circle of confusion, front over back. The blur is a true disc."""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.simulation.discs import HALO
from imfuse_tiles.simulation.layers import BINS, fill_layers

#: Edge of the blocks that are composed at a time: what their layers need stays in the cache.
BLOCK = 64


@njit(cache=True, nogil=True)
def expose(decks: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Exposures: linear light, float32 (n, height, width, 3), smaller than the decks by HALO on each side.

    decks: float32 (decks, 6, height, width), the last deck in front. tables: (n, BINS, ...), for every
    exposure and depth bin its entry of `discs.pixel_discs`.
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
            used = fill_layers(block, sums, box)
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
