"""Planes put together in one pass: an answer and what it was made of, colour planes to a mask, two planes by shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.crop import uncropped_array

Plane = NDArray[np.float32]


def add(answer: Plane, before: Plane, at: tuple[int, int], difference: bool, negated: bool, first: bool, copies: int,
        scale: float, total: Plane) -> None:  # fmt: skip
    """Add one more plane to ``total``, or begin with the ``first``; all float32 (y, x).

    The plane is ``answer``, or with ``difference`` min(|answer - before|, 1) where ``before`` (larger) begins at
    the row and column ``at``; ``negated``: 1 less that. It is added ``copies`` times, one after the other, and the
    sum multiplied by ``scale``.
    """
    answer = np.ascontiguousarray(answer)
    before = np.ascontiguousarray(before) if difference else answer  # which is not looked at then
    _add(total, answer, before, at[0], at[1], first, difference, negated, copies, np.float32(scale))


@njit(cache=True, nogil=True)
def _add(total, answer, before, top, left, first, difference, negated, copies, scale):  # type: ignore[no-untyped-def]
    one = np.float32(1)
    wide = total.shape[1]
    for y in range(total.shape[0]):
        row, made = total[y], answer[y]
        if difference:
            plain = before[y + top][left : left + wide]
            if negated:
                for x in range(wide):
                    value = one - min(abs(made[x] - plain[x]), one)
                    row[x] = value if first else row[x] + value
            else:
                for x in range(wide):
                    value = min(abs(made[x] - plain[x]), one)
                    row[x] = value if first else row[x] + value
        elif negated:
            for x in range(wide):
                row[x] = one - made[x] if first else row[x] + (one - made[x])
        else:
            for x in range(wide):
                row[x] = made[x] if first else row[x] + made[x]
        if copies == 3:
            for x in range(wide):
                row[x] = (row[x] + row[x]) + row[x]
        if scale != one:
            for x in range(wide):
                row[x] *= scale


def limit_alpha(alpha: Plane, mask: Plane, low: float, rise: float) -> Plane:
    """``alpha``, nowhere above low + rise * mask (in 0..1): float32 (y, x), the mask perhaps a crop of a larger one."""
    alpha, out = np.ascontiguousarray(alpha), np.empty(alpha.shape, np.float32)
    _limited(alpha, *uncropped_array(mask), np.float32(low), np.float32(rise), out)
    return out


@njit(cache=True, nogil=True)
def _limited(alpha, mask, top, left, low, rise, out):  # type: ignore[no-untyped-def]
    for y in range(out.shape[0]):
        a, m, row = alpha[y], mask[y + top][left : left + out.shape[1]], out[y]
        for x in range(row.size):
            row[x] = min(a[x], min(max(m[x] * rise + low, np.float32(0)), np.float32(1)))


def mix(first: Plane, second: Plane, at: tuple[int, int], shares: tuple[float, float]) -> Plane:
    """shares[0] * first + shares[1] * second in 0..1, divided by the sum of the shares where that is below 1.

    float32 (y, x); ``second``, which is larger, begins at the row and column ``at``.
    """
    first, second, out = np.ascontiguousarray(first), np.ascontiguousarray(second), np.empty(first.shape, np.float32)
    full = np.float32(min(1.0, sum(shares)))
    _mix(first, second, at[0], at[1], np.float32(shares[0]), np.float32(shares[1]), full, out)
    return out


@njit(cache=True, nogil=True)
def _mix(first, second, top, left, p, q, full, out):  # type: ignore[no-untyped-def]
    for y in range(out.shape[0]):
        a, b, row = first[y], second[y + top][left : left + out.shape[1]], out[y]
        for x in range(row.size):
            row[x] = min(max((p * a[x] + q * b[x]) / full, np.float32(0)), np.float32(1))
