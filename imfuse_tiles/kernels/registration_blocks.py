"""How far blocks of one frame lie beside those of another: normal equations of a small shift of every block.

After B. D. Lucas and T. Kanade, "An iterative image registration technique" (1981), with terms for what focus changes:
in every block the difference of two frames is explained by a shift along the mean gradients of both and by an offset,
a gain and two orders of change in blur (the Laplacian and its square). The latter four are eliminated block by block.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiler import njit

Plane = NDArray[np.float32]
Matrix = NDArray[np.float64]
Index = NDArray[np.int64]

#: Columns of what ``block_normals`` returns: the equations xx xy yy | x y, what is left unexplained, pixels, and the
#: point that stands for the block, weighted by its gradients.
XX, XY, YY, X, Y, REST, COUNT, AT_X, AT_Y, MEAN_A, MEAN_B = range(11)
_NUISANCES, _TERMS = 3, 6


@njit(cache=True, nogil=True)
def warped(source: Plane, left: int, top: int, matrix: Matrix, x0: int, y0: int, out: Plane) -> None:
    """``out`` (y, x) from pixel x0, y0 on, taken from ``source`` at the places that ``matrix`` (3, 3) maps it to.

    ``source`` begins at pixel ``left``, ``top`` of its frame. Cubic convolution with a = -1/2 (R. G. Keys, 1981), NaN
    where its 4 x 4 pixels are not all in ``source``. Coordinates are float64.
    """
    high, wide = out.shape
    column, row = np.empty(wide), np.empty(wide)
    flat = matrix[2, 0] == 0 and matrix[2, 1] == 0 and matrix[2, 2] == 1
    for j in range(high):
        for i in range(wide):
            px, py = float(x0 + i), float(y0 + j)
            u = matrix[0, 0] * px + matrix[0, 1] * py + matrix[0, 2]
            v = matrix[1, 0] * px + matrix[1, 1] * py + matrix[1, 2]
            column[i], row[i] = u, v
        if not flat:
            for i in range(wide):
                w = matrix[2, 0] * (x0 + i) + matrix[2, 1] * (y0 + j) + matrix[2, 2]
                column[i], row[i] = column[i] / w, row[i] / w
        for i in range(wide):
            column[i], row[i] = column[i] - left, row[i] - top
        begin = 0
        while begin < wide:
            dx, dy, end = _run(column, row, begin)
            above, low, stop = dy - 1, max(begin, 1 - dx), min(end, source.shape[1] - 2 - dx)
            if above < 0 or above + 4 > source.shape[0] or low >= stop:
                out[j, begin:end] = np.nan
            else:
                out[j, begin:low] = np.nan
                out[j, stop:end] = np.nan
                _cubic(source[above : above + 4], dx + low - 1, column[low:stop], dx + low, row[low:stop], dy,
                       out[j, low:stop])  # fmt: skip
            begin = end


@njit(cache=True, nogil=True, counted=False)
def _run(column: Matrix, row: Matrix, begin: int):  # type: ignore[no-untyped-def]
    """How far pixels in a row have the same whole displacement."""
    dx, dy = int(np.floor(column[begin])) - begin, int(np.floor(row[begin]))
    end = begin + 1
    while end < column.size and dx + end <= column[end] < dx + end + 1 and dy <= row[end] < dy + 1:
        end += 1
    return dx, dy, end


@njit(cache=True, nogil=True, counted=False)
def _cubic(rows: Plane, first: int, column: Matrix, dx: int, row: Matrix, dy: int, out: Plane) -> None:
    """Neighbours in ``out`` have neighbours in ``rows``: pixel i lies between columns first + i + 1 and + 2."""
    one, half = np.float32(1), np.float32(0.5)
    a, b, c, d = rows[0, first:], rows[1, first:], rows[2, first:], rows[3, first:]
    for i in range(out.size):
        t, s = np.float32(column[i] - (dx + i)), np.float32(row[i] - dy)
        t0, t3 = ((one - half * t) * t - half) * t, (half * t - half) * t * t
        t2 = ((np.float32(2) - np.float32(1.5) * t) * t + half) * t
        t1 = one - t0 - t2 - t3
        s0, s3 = ((one - half * s) * s - half) * s, (half * s - half) * s * s
        s2 = ((np.float32(2) - np.float32(1.5) * s) * s + half) * s
        s1 = one - s0 - s2 - s3
        upper = s0 * (t0 * a[i] + t1 * a[i + 1] + t2 * a[i + 2] + t3 * a[i + 3]) + s1 * (
            t0 * b[i] + t1 * b[i + 1] + t2 * b[i + 2] + t3 * b[i + 3]
        )
        lower = s2 * (t0 * c[i] + t1 * c[i + 1] + t2 * c[i + 2] + t3 * c[i + 3]) + s3 * (
            t0 * d[i] + t1 * d[i + 1] + t2 * d[i + 2] + t3 * d[i + 3]
        )
        out[i] = upper + lower


@njit(cache=True, nogil=True)
def block_normals(first: Plane, left: int, top: int, second: Plane, left2: int, top2: int, matrix: Matrix,
                  blocks: Index, size: int, out: Matrix) -> None:  # fmt: skip
    """Compare blocks of ``first`` with ``second``, which ``matrix`` maps them into.

    The planes begin at ``left``, ``top`` (``left2``, ``top2``) of their frames; ``blocks``: (n, 2), x and y of their
    first pixels in the frame, each with two pixels of ``first`` around it; ``out``: float64 (n, 11), the columns above.
    """
    wide = size + 4
    near, both = np.empty((wide, wide), np.float32), np.empty((wide, wide), np.float32)
    less = np.empty((wide, wide), np.float32)
    sums = np.empty((_TERMS * (_TERMS + 1) // 2 + 1, size), np.float32)
    terms = np.empty((_TERMS, size), np.float32)
    for n in range(len(blocks)):
        x0, y0 = blocks[n, 0], blocks[n, 1]
        warped(second, left2, top2, matrix, x0 - 2, y0 - 2, near)
        out[n] = 0
        whole = _compared(first, x0 - left - 2, y0 - top - 2, near, both, less)
        count = size * size if whole else _count(less)
        if 2 * count < size * size:
            continue
        mean, mean2 = _means(both, less, whole)
        sums[:] = 0
        for y in range(size):
            _row_terms(both[y : y + 5], less[y + 2], np.float32(mean + mean2), np.float32(mean2 - mean), terms)
            if not whole:
                _leave_out(terms)
            _add_products(terms, np.float32(y - (size - 1) / 2), sums)
        out[n, COUNT] = count
        out[n, MEAN_A], out[n, MEAN_B] = mean, mean2
        _reduced(sums, size, x0, y0, out[n])


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
def _count(less: Plane) -> int:
    """Pixels inside the margin of two that are there with all that their terms need."""
    count = 0
    for y in range(2, len(less) - 2):
        for x in range(2, len(less) - 2):
            cross = less[y - 2, x] + less[y - 1, x] + less[y + 1, x] + less[y + 2, x]
            cross += less[y, x - 2] + less[y, x - 1] + less[y, x + 1] + less[y, x + 2] + less[y, x]
            count += 1 if cross == cross else 0
    return count


@njit(cache=True, nogil=True, counted=False)
def _means(both: Plane, less: Plane, whole: bool):  # type: ignore[no-untyped-def]
    """Of the first and the second, inside the margin."""
    total, difference, count = 0.0, 0.0, 0
    for y in range(2, len(less) - 2):
        for x in range(2, len(less) - 2):
            if whole or less[y, x] == less[y, x]:
                total, difference, count = total + both[y, x], difference + less[y, x], count + 1
    return (total - difference) / (2 * count), (total + difference) / (2 * count)


@njit(cache=True, nogil=True, counted=False)
def _row_terms(rows: Plane, less: Plane, mean: np.float32, shift: np.float32, terms: Plane) -> None:
    """Offset, gain, blur, blur of blur, gradients and difference of a row from the sums of both frames in five."""
    half, quarter, four = np.float32(0.5), np.float32(0.25), np.float32(4)
    above, row, below = rows[1], rows[2], rows[3]
    gain, blur, right, down, difference = terms[1], terms[2], terms[3], terms[4], terms[5]
    terms[0] = np.float32(1)
    for x in range(gain.size):
        gain[x] = half * (row[x + 2] - mean)
        difference[x] = less[x + 2] - shift
        right[x] = quarter * (row[x + 3] - row[x + 1])
        down[x] = quarter * (below[x + 2] - above[x + 2])
    for x in range(gain.size):
        blur[x] = half * ((row[x + 3] + row[x + 1]) + (below[x + 2] + above[x + 2]) - four * row[x + 2])


@njit(cache=True, nogil=True, counted=False)
def _leave_out(terms: Plane) -> None:
    """All terms 0 where a pixel is missing."""
    for x in range(terms.shape[1]):
        check = terms[1, x] + terms[2, x] + terms[3, x] + terms[4, x] + terms[5, x]
        if check != check:
            for k in range(terms.shape[0]):
                terms[k, x] = np.float32(0)


@njit(cache=True, nogil=True, counted=False)
def _add_products(terms: Plane, height: np.float32, sums: Plane) -> None:
    """Products of all pairs of terms, column by column; last the squared gradients times their ``height``."""
    k = 0
    for p in range(_TERMS):
        for q in range(p, _TERMS):
            one, other, total = terms[p], terms[q], sums[k]
            for x in range(total.size):
                total[x] += one[x] * other[x]
            k += 1
    gx, gy, total = terms[3], terms[4], sums[k]
    for x in range(total.size):
        total[x] += height * (gx[x] * gx[x] + gy[x] * gy[x])


@njit(cache=True, nogil=True)
def _reduced(sums: Plane, size: int, x0: int, y0: int, out: Matrix) -> None:
    """The equations of the shift alone: the others' terms eliminated one after the other."""
    n = np.zeros((_TERMS, _TERMS))
    k = 0
    for p in range(_TERMS):
        for q in range(p, _TERMS):
            total = 0.0
            for x in range(size):
                total += sums[k, x]
            n[p, q] = n[q, p] = total
            k += 1
    strength, across, down = n[3, 3] + n[4, 4], 0.0, 0.0
    gx, gy = 3 * _TERMS - 3, 4 * _TERMS - 6
    for x in range(size):
        across += (x - (size - 1) / 2) * (sums[gx, x] + sums[gy, x])
        down += sums[k, x]
    for p in range(_NUISANCES):
        pivot = n[p, p] * (1 + 1e-6) + 1e-9
        for q in range(p + 1, _TERMS):
            share = n[p, q] / pivot
            for r in range(p + 1, _TERMS):
                n[q, r] -= share * n[p, r]
    out[XX], out[XY], out[YY] = n[3, 3], n[3, 4], n[4, 4]
    out[X], out[Y], out[REST] = n[3, 5], n[4, 5], max(n[5, 5], 0.0)
    out[AT_X] = x0 + (size - 1) / 2 + (across / strength if strength > 0 else 0.0)
    out[AT_Y] = y0 + (size - 1) / 2 + (down / strength if strength > 0 else 0.0)
