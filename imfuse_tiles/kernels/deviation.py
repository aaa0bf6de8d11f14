"""Standard deviation of a window that slides over a plane of whole numbers.

Sums of whole numbers are exact in any order. So they may be kept from one window to the next, a row or a column
taken off and another put on, and still do not depend on where a tile begins: whatever the width, a pixel costs the
same few steps. That of a flat area is exactly 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from imfuse_tiles.kernels.codes import full_scale
from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]
Codes = NDArray[np.uint8] | NDArray[np.uint16]

STRIP = 512  # columns at a time: the row buffers stay in the first cache


def exact_sum_type(kind: DTypeLike, width: int) -> type[np.int32] | type[np.float64] | None:
    """What holds n sum(x * x) of n = width * width samples exactly; None if nothing does, as for float32."""
    full = full_scale(kind)
    most = (width * width * full) ** 2
    return None if full == 1 or most >= 2**53 else np.int32 if most < 2**31 else np.float64


def deviation(codes: Codes, width: int) -> Plane:
    """sqrt(mean x*x - mean^2) of each window, for codes of 0..1: (y, x) -> float32 (y - width + 1, x - width + 1).

    Raises ValueError where ``exact_sum_type`` knows nothing that sums would be exact in.
    """
    kind = exact_sum_type(codes.dtype, width)
    if kind is None:
        raise ValueError(f"windows of {width} x {width} {codes.dtype} have no exact sums")
    out = np.empty((codes.shape[0] - width + 1, codes.shape[1] - width + 1), np.float32)
    span = min(out.shape[1], STRIP) + width - 1
    scale = 1 / (width * width * full_scale(codes.dtype)) ** 2
    _deviation(np.ascontiguousarray(codes), width, scale, np.empty((4, span), kind), out)
    return out


@njit(cache=True, nogil=True)
def _deviation(codes, width, scale, sums, out):  # type: ignore[no-untyped-def]
    """``sums``: rows for the sums of columns and of windows, plain and squared."""
    high, wide = out.shape
    n = float(width * width)
    for left in range(0, wide, STRIP):
        count = min(wide - left, STRIP)
        ahead = count + width - 1
        plain, square, window, windows = sums[0, :ahead], sums[1, :ahead], sums[2, :count], sums[3, :count]
        plain[:] = 0
        square[:] = 0
        for y in range(width - 1):
            _count(codes[y, left:], 1, plain, square)
        for y in range(high):
            _count(codes[y + width - 1, left:], 1, plain, square)
            _along(plain, square, width, window, windows)
            target = out[y, left:]
            for x in range(count):
                s, q = np.float64(window[x]), np.float64(windows[x])
                target[x] = np.sqrt(np.float32((n * q - s * s) * scale))
            _count(codes[y, left:], -1, plain, square)


@njit(cache=True, nogil=True, counted=False)
def _count(row, sign, plain, square):  # type: ignore[no-untyped-def]
    """Put a row on the sums of the columns, or with the sign -1 take it off."""
    kind = plain.dtype.type
    for x in range(plain.size):
        sample = kind(row[x])
        plain[x] += sign * sample
        square[x] += sign * (sample * sample)


@njit(cache=True, nogil=True, counted=False)
def _along(plain, square, width, window, windows):  # type: ignore[no-untyped-def]
    """Sums of ``width`` neighbours, each from the one before it."""
    s, q = plain[0], square[0]
    for x in range(1, width):
        s += plain[x]
        q += square[x]
    window[0], windows[0] = s, q
    ahead, more = plain[width - 1 :], square[width - 1 :]
    for x in range(1, window.size):
        s += ahead[x] - plain[x - 1]
        q += more[x] - square[x - 1]
        window[x], windows[x] = s, q
