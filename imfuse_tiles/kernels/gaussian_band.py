"""What lies between two Gaussian blurs of frames: both in one pass over the rows, summed over the colours.

A sample of a frame is read once for both, and two rows of the result are made together, because reading the rows that
lie between takes longer than calculating. Values are those of two runs of ``gaussian.separable``, to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.codes import full_scale, scale, unit_factors
from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.gaussian import add_pairs, down, rows_ring

Plane = NDArray[np.float32]


def band(plane: Plane, narrow: Plane, wide: Plane) -> Plane:
    """|plane smoothed by ``narrow`` - plane smoothed by ``wide``|, both taps used along both axes.

    ``plane`` is float32 (y, x) padded by the larger radius.  Returns float32 without that halo, in 0..1
    for a plane in 0..1; bit-equal to two runs of ``separable``.  Raises ValueError as ``separable``.
    """
    return _summed(plane[None], narrow, wide, 1.0)


def band_mask(planes: NDArray[Any], narrow: Plane, wide: Plane) -> Plane:
    """The sum of ``band`` over colour planes, divided by four; a single plane stands for three equal ones.

    ``planes`` is float32 (c, y, x), each as for ``band``, or uint8 or uint16, codes of 0..1.  Returns float32 (y, x)
    without the halo, in 0 .. c/4, bit-equal to adding up the planes in order.  Raises ValueError as ``separable``.
    """
    return _summed(planes, narrow, wide, 0.25 if len(planes) > 1 else 0.75)  # (a + a + a)/4 to the last bit


def _summed(planes: NDArray[Any], narrow: Plane, wide: Plane, share: float) -> Plane:
    if narrow.size % 2 == 0 or wide.size % 2 == 0:
        raise ValueError("symmetric taps are odd in number")
    narrow, wide = sorted((narrow, wide), key=len)
    out = np.empty((planes.shape[1] - wide.size + 1, planes.shape[2] - wide.size + 1), np.float32)
    factors, half, half2 = unit_factors(full_scale(planes.dtype)), narrow[narrow.size // 2 :], wide[wide.size // 2 :]
    for number, plane in enumerate(planes):
        last = number == len(planes) - 1
        _band(np.ascontiguousarray(plane), *factors, half, half2, number > 0, np.float32(share if last else 1), out)
    return out


@njit(cache=True, nogil=True, counted=False)
def _across(row: Plane, narrow: Plane, wide: Plane, fine: Plane, coarse: Plane) -> None:
    """A row under both taps, halves of them as for one: the pairs of samples that both see are taken once."""
    size, radius, both, k = fine.size, wide.size - 1, narrow.size - 1, 1
    middle = row[radius : radius + size]
    fine[:] = 0
    coarse[:] = 0
    while k + 3 <= both:
        left, right = row[radius - k - 3 : radius - k + size], row[radius + k : radius + k + size + 3]
        a, b, c, d = narrow[k], narrow[k + 1], narrow[k + 2], narrow[k + 3]
        e, f, g, h = wide[k], wide[k + 1], wide[k + 2], wide[k + 3]
        for x in range(size):
            m = middle[x]
            near, next1 = (left[x + 3] - m) + (right[x] - m), (left[x + 2] - m) + (right[x + 1] - m)
            third, far = (left[x + 1] - m) + (right[x + 2] - m), (left[x] - m) + (right[x + 3] - m)
            fine[x] = (((fine[x] + a * near) + b * next1) + c * third) + d * far
            coarse[x] = (((coarse[x] + e * near) + f * next1) + g * third) + h * far
        k += 4
    while k <= both:
        left, right, a, e = row[radius - k :][:size], row[radius + k :][:size], narrow[k], wide[k]
        for x in range(size):
            pair = (left[x] - middle[x]) + (right[x] - middle[x])
            fine[x] += a * pair
            coarse[x] += e * pair
        k += 1
    add_pairs(row, wide, k, coarse)
    for x in range(size):
        fine[x] = middle[x] + fine[x]
        coarse[x] = middle[x] + coarse[x]


@njit(cache=True, nogil=True, counted=False)
def _two_down(ring: Plane, first: int, half: Plane, out: Plane, out2: Plane) -> None:
    """``gaussian.down`` of two rows, the second one row below the first: what both see is read once."""
    size, kept, radius = out.size, ring.shape[0], half.size - 1
    centre = first + radius
    middle, middle2 = ring[centre % kept][:size], ring[(centre + 1) % kept][:size]
    out[:] = 0
    out2[:] = 0
    k = _four_taps_down(ring, centre, half, out, out2)
    while k <= radius:
        up, down, a = ring[(centre - k) % kept][:size], ring[(centre + k) % kept][:size], half[k]
        under, down2 = ring[(centre - k + 1) % kept][:size], ring[(centre + k + 1) % kept][:size]
        for x in range(size):
            out[x] += a * ((up[x] - middle[x]) + (down[x] - middle[x]))
            out2[x] += a * ((under[x] - middle2[x]) + (down2[x] - middle2[x]))
        k += 1
    for x in range(size):
        out[x] = middle[x] + out[x]
        out2[x] = middle2[x] + out2[x]


@njit(cache=True, nogil=True, counted=False)
def _four_taps_down(ring: Plane, centre: int, half: Plane, out: Plane, out2: Plane) -> int:
    """Add what taps say of their pairs of rows, four at a time as long as there are so many; the tap after them."""
    size, kept, k = out.size, ring.shape[0], 1
    middle, middle2 = ring[centre % kept][:size], ring[(centre + 1) % kept][:size]
    while k + 3 < half.size:
        above, up0, up1 = (centre - k + 1) % kept, (centre - k) % kept, (centre - k - 1) % kept
        up2, up3, down0 = (centre - k - 2) % kept, (centre - k - 3) % kept, (centre + k) % kept
        down1, down2, down3 = (centre + k + 1) % kept, (centre + k + 2) % kept, (centre + k + 3) % kept
        e, f, g, h, i = ring[above][:size], ring[up0][:size], ring[up1][:size], ring[up2][:size], ring[up3][:size]
        p, q, r, s = ring[down0][:size], ring[down1][:size], ring[down2][:size], ring[down3][:size]
        t = ring[(centre + k + 4) % kept][:size]
        a, b, c, d = half[k], half[k + 1], half[k + 2], half[k + 3]
        for x in range(size):
            m, n = middle[x], middle2[x]
            near = (out[x] + a * ((f[x] - m) + (p[x] - m))) + b * ((g[x] - m) + (q[x] - m))
            out[x] = (near + c * ((h[x] - m) + (r[x] - m))) + d * ((i[x] - m) + (s[x] - m))
            near = (out2[x] + a * ((e[x] - n) + (q[x] - n))) + b * ((f[x] - n) + (r[x] - n))
            out2[x] = (near + c * ((g[x] - n) + (s[x] - n))) + d * ((h[x] - n) + (t[x] - n))
        k += 4
    return k


@njit(cache=True, nogil=True)
def _band(
    plane: NDArray[Any], high: np.float32, low: np.float32, narrow: Plane, wide: Plane, add: bool, share: np.float32,
    out: Plane,
) -> None:  # fmt: skip
    """One plane's band, added to ``out`` or in its place, times ``share``; rows of ``plane`` by two factors."""
    (rows, cols), radius, inset = out.shape, wide.size - 1, wide.size - narrow.size
    fine, coarse = rows_ring(radius + narrow.size + 1, cols), rows_ring(2 * radius + 2, cols)
    row = np.empty(plane.shape[1], np.float32)
    one, other = rows_ring(2, cols), rows_ring(2, cols)
    for y in range(plane.shape[0]):
        scale(plane[y], high, low, row)
        _across(row, narrow, wide, fine[y % len(fine)][:cols], coarse[y % len(coarse)][:cols])
        ready = y - 2 * radius  # the last row of the result that can be made
        if ready >= 0 and ready % 2:
            _two_down(fine, ready - 1 + inset, narrow, one[0][:cols], one[1][:cols])
            _two_down(coarse, ready - 1, wide, other[0][:cols], other[1][:cols])
            _apart(one[0], other[0], add, share, out[ready - 1])
            _apart(one[1], other[1], add, share, out[ready])
        elif ready == rows - 1:
            down(fine, ready + inset, narrow, one[0][:cols])
            down(coarse, ready, wide, other[0][:cols])
            _apart(one[0], other[0], add, share, out[ready])


@njit(cache=True, nogil=True, counted=False)
def _apart(one: Plane, other: Plane, add: bool, share: np.float32, out: Plane) -> None:
    if add:
        for x in range(out.size):
            out[x] = (out[x] + abs(one[x] - other[x])) * share
    else:
        for x in range(out.size):
            out[x] = abs(one[x] - other[x]) * share
