"""How far blocks of one frame lie beside those of another: normal equations of a small shift of every block.

After B. D. Lucas and T. Kanade, "An iterative image registration technique" (1981), with terms for what focus changes:
in every block the difference of two frames is explained by a shift along the mean gradients of both and by an offset,
a gain and a change in blur (the Laplacian). The latter three are eliminated block by block.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .registration_warp import warp_block

Plane = NDArray[np.float32]
Matrix = NDArray[np.float64]
Index = NDArray[np.int64]

#: Columns of what ``block_normals`` returns: the equations xx xy yy | x y, what is left unexplained, pixels, and the
#: point that stands for the block, weighted by its gradients.
XX, XY, YY, X, Y, REST, COUNT, AT_X, AT_Y = range(9)
#: Edge of blocks at most; it must be even.
BLOCK = 32
#: Terms beside the offset: gain, blur, gradients along x and y, difference. The scratch has them of two rows, then
#: their sums, the sums of their products and that of squared gradients by height, column by column.
_TERMS, _NUISANCES = 5, 3
_SUMS = 2 * _TERMS
_HEIGHT = _SUMS + _TERMS + _TERMS * (_TERMS + 1) // 2


@njit(cache=True, nogil=True)
def block_normals(first: Plane, left: int, top: int, second: Plane, left2: int, top2: int, matrix: Matrix,
                  blocks: Index, size: int, out: Matrix) -> None:  # fmt: skip
    """Compare blocks of ``first`` with ``second``, which ``matrix`` maps them into.

    The planes begin at ``left``, ``top`` (``left2``, ``top2``) of their frames; ``blocks``: (n, 2), x and y of their
    first pixels in the frame, each with a pixel of ``first`` around it; ``size``: their edge, even and at most
    ``BLOCK``; ``out``: float64 (n, 9), the columns above, 0 where less than half of a block is there.
    """
    wide = size + 2
    near, both = np.empty((wide, wide), np.float32), np.empty((wide, wide), np.float32)
    less, scratch = np.empty((wide, wide), np.float32), np.empty((_HEIGHT + 1) * BLOCK, np.float32)
    for n in range(len(blocks)):
        x0, y0 = blocks[n, 0], blocks[n, 1]
        warp_block(second, left2, top2, matrix, x0 - 1, y0 - 1, near)
        out[n] = 0
        whole = _compared(first, x0 - left - 1, y0 - top - 1, near, both, less)
        mean, mean2, count = _means(both, less, whole, size, scratch)
        if 2 * count < size * size:
            continue
        count = _add_rows(both, less, whole, np.float32(mean + mean2), np.float32(mean2 - mean), size, scratch)
        if 2 * count < size * size:
            continue
        out[n, COUNT] = count
        _reduced(scratch, size, count, x0, y0, out[n])


@njit(cache=True, nogil=True, counted=False)
def _compared(first: Plane, left: int, top: int, near: Plane, both: Plane, less: Plane) -> bool:
    """Sum of two windows and the second less the first; whether no pixel is missing."""
    check = np.float32(0)
    for y in range(len(near)):
        a, b, total, difference = first[top + y][left:], near[y], both[y], less[y]
        for x in range(difference.size):
            total[x] = a[x] + b[x]
            difference[x] = b[x] - a[x]
        for x in range(difference.size):
            check += difference[x]
    return check == check


@njit(cache=True, nogil=True, counted=False)
def _means(both: Plane, less: Plane, whole: bool, size: int, scratch: Plane):  # type: ignore[no-untyped-def]
    """Of the first and the second, inside the margin, and of how many pixels."""
    totals, differences, count = scratch[:BLOCK], scratch[BLOCK : 2 * BLOCK], size * size
    for x in range(BLOCK):
        totals[x] = differences[x] = 0
    for y in range(1, size + 1):
        total, difference = both[y][1:], less[y][1:]
        if whole:
            for x in range(size):
                totals[x] += total[x]
            for x in range(size):
                differences[x] += difference[x]
        else:
            for x in range(size):
                if difference[x] == difference[x]:
                    totals[x], differences[x] = totals[x] + total[x], differences[x] + difference[x]
                else:
                    count -= 1
    sum_both, sum_less = 0.0, 0.0
    for x in range(size):
        sum_both, sum_less = sum_both + totals[x], sum_less + differences[x]
    return (sum_both - sum_less) / max(2 * count, 1), (sum_both + sum_less) / max(2 * count, 1), count


@njit(cache=True, nogil=True, counted=False)
def _add_rows(both: Plane, less: Plane, whole: bool, mean: np.float32, shift: np.float32, size: int,
              scratch: Plane) -> int:  # fmt: skip
    """Sums of the terms and of their products, two rows at a time; returns the pixels that have all terms."""
    count = size * size
    for k in range(_SUMS * BLOCK, scratch.size):
        scratch[k] = 0
    for y in range(0, size, 2):
        for k in range(2):
            _row_terms(both[y + k : y + k + 3], less[y + k + 1], mean, shift, size, scratch[k * _TERMS * BLOCK :])
            if not whole:
                count -= _leave_out(size, scratch[k * _TERMS * BLOCK :])
        _add_products(size, np.float32(y - (size - 1) / 2), scratch)
    return count


@njit(cache=True, nogil=True, counted=False)
def _row_terms(rows: Plane, less: Plane, mean: np.float32, shift: np.float32, size: int, terms: Plane) -> None:
    """Gain, blur, gradients and difference of a row from the sums of both frames in three."""
    half, quarter, four = np.float32(0.5), np.float32(0.25), np.float32(4)
    above, row, below = rows[0], rows[1], rows[2]
    for x in range(size):
        terms[x] = half * (row[x + 1] - mean)
        terms[1 * BLOCK + x] = half * ((row[x + 2] + row[x]) + (below[x + 1] + above[x + 1]) - four * row[x + 1])
        terms[2 * BLOCK + x] = quarter * (row[x + 2] - row[x])
        terms[3 * BLOCK + x] = quarter * (below[x + 1] - above[x + 1])
        terms[4 * BLOCK + x] = less[x + 1] - shift


@njit(cache=True, nogil=True, counted=False)
def _leave_out(size: int, terms: Plane) -> int:
    """All terms 0 where a pixel is missing; of how many."""
    missing = 0
    for x in range(size):
        check = np.float32(0)
        for k in range(_TERMS):
            check += terms[k * BLOCK + x]
        if check != check:
            missing += 1
            for k in range(_TERMS):
                terms[k * BLOCK + x] = 0
    return missing


@njit(cache=True, nogil=True, counted=False)
def _add_products(size: int, height: np.float32, work: Plane) -> None:
    """Terms of two rows and their products, added up in each column; in one array and one loop, for LLVM sees then
    that nothing overlaps, and loads every term once."""
    higher = height + np.float32(1)
    for x in range(size):
        a, b, c, d, e = work[x], work[32 + x], work[64 + x], work[96 + x], work[128 + x]
        f, g, h, i, j = work[160 + x], work[192 + x], work[224 + x], work[256 + x], work[288 + x]
        work[320 + x] += a + f
        work[352 + x] += b + g
        work[384 + x] += c + h
        work[416 + x] += d + i
        work[448 + x] += e + j
        work[480 + x] += a * a + f * f
        work[512 + x] += a * b + f * g
        work[544 + x] += a * c + f * h
        work[576 + x] += a * d + f * i
        work[608 + x] += a * e + f * j
        work[640 + x] += b * b + g * g
        work[672 + x] += b * c + g * h
        work[704 + x] += b * d + g * i
        work[736 + x] += b * e + g * j
        cc, dd, hh, ii = c * c, d * d, h * h, i * i
        work[768 + x] += cc + hh
        work[800 + x] += c * d + h * i
        work[832 + x] += c * e + h * j
        work[864 + x] += dd + ii
        work[896 + x] += d * e + i * j
        work[928 + x] += e * e + j * j
        work[960 + x] += height * (cc + dd) + higher * (hh + ii)


@njit(cache=True, nogil=True)
def _reduced(work: Plane, size: int, count: int, x0: int, y0: int, out: Matrix) -> None:
    """The equations of the shift alone: the others' terms eliminated one after the other."""
    n = np.zeros((_TERMS + 1, _TERMS + 1))
    n[0, 0] = count
    k = _SUMS * BLOCK
    for p in range(_TERMS + 1):
        for q in range(max(p, 1), _TERMS + 1):
            total = 0.0
            for x in range(size):
                total += work[k + x]
            n[p, q] = n[q, p] = total
            k += BLOCK
    strength, across, down = n[3, 3] + n[4, 4], 0.0, 0.0
    for x in range(size):
        across += (x - (size - 1) / 2) * (work[768 + x] + work[864 + x])
        down += work[_HEIGHT * BLOCK + x]
    for p in range(_NUISANCES):
        pivot = n[p, p] * (1 + 1e-6) + 1e-9
        for q in range(p + 1, _TERMS + 1):
            share = n[p, q] / pivot
            for r in range(p + 1, _TERMS + 1):
                n[q, r] -= share * n[p, r]
    out[XX], out[XY], out[YY] = n[3, 3], n[3, 4], n[4, 4]
    out[X], out[Y], out[REST] = n[3, 5], n[4, 5], max(n[5, 5], 0.0)
    out[AT_X] = x0 + (size - 1) / 2 + (across / strength if strength > 0 else 0.0)
    out[AT_Y] = y0 + (size - 1) / 2 + (down / strength if strength > 0 else 0.0)
