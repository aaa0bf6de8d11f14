"""Frames made larger or smaller by a windowed kernel, any window of them, in step with the whole frame.

Each axis on its own, as ImageMagick describes its -resize (https://legacy.imagemagick.org/Usage/filter/): pixel i of
the target looks at the place c = (i + 1/2) / f of the source, f = target / source, edges of pixels being whole numbers.
The source pixels whose middles lie within the support of the kernel take part with weight k((middle - c) min(f, 1)),
and the weights of those inside the frame have a sum of 1. Kernels: Lanczos with three lobes, sinc(x) sinc(x / 3)
(C. E. Duchon, 1979), for smaller frames; the cubic of D. P. Mitchell and A. N. Netravali (1988), B = C = 1/3, for
larger ones and those with opacity.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]
Size = tuple[int, int]
Box = tuple[int, int, int, int]
#: How far each kernel reaches.
SUPPORT = {"lanczos": 3.0, "mitchell": 2.0}


def filter_for(frame: Size, target: Size, opacity: bool) -> str:
    """The kernel that is taken for a change of size (height, width) of a frame with or without opacity."""
    larger = target[0] * target[1] > frame[0] * frame[1]
    return "mitchell" if larger or opacity else "lanczos"


def source_region(region: Box, frame: Size, target: Size, kernel: str) -> Box:
    """The pixels y0, y1, x0, x1 of the source that a region of the target needs."""
    (y0, y1), (x0, x1) = (
        (_taps(a, frame[axis], target[axis], kernel)[0], sum(_taps(b - 1, frame[axis], target[axis], kernel)))
        for axis, (a, b) in enumerate(((region[0], region[1]), (region[2], region[3])))
    )
    return y0, y1, x0, x1


def resize(planes: Plane, origin: Size, frame: Size, target: Size, region: Box, kernel: str, axes: str = "yx") -> Plane:
    """A region y0, y1, x0, x1 of the frame at ``target`` (height, width): float32 (planes, y, x), not clamped.

    ``planes`` float32 (planes, y, x) begin at ``origin`` (y, x) of a frame (height, width) and cover ``source_region``.
    ``axes``: those that are resampled; along another one frame and target have the same pixels.
    """
    down = _axis(region[0], region[1], frame[0], target[0], kernel if "y" in axes else "")
    across = _axis(region[2], region[3], frame[1], target[1], kernel if "x" in axes else "")
    out = np.empty((len(planes), region[1] - region[0], region[3] - region[2]), np.float32)
    _resize(np.ascontiguousarray(planes, np.float32), down.first - origin[0], down.counts, down.weights,
            across.first - origin[1], across.counts, across.weights, out)  # fmt: skip
    return out


def axes_in_turn(frame: Size, target: Size) -> str:
    """Which axis is resampled first where that matters, as with an opacity that is clamped in between: the one that
    grows more, y where both grow alike, as ImageMagick does."""
    return "xy" if target[1] * frame[0] > target[0] * frame[1] else "yx"


class _Axis(NamedTuple):
    """First source pixel and number of taps of each target pixel, and their weights, float64 (pixels, taps)."""

    first: NDArray[np.int64]
    counts: NDArray[np.int64]
    weights: NDArray[np.float64]


@lru_cache(maxsize=64)
def _axis(start: int, stop: int, size: int, target: int, kernel: str) -> _Axis:
    taps = [_taps(i, size, target, kernel) for i in range(start, stop)]
    weights = np.zeros((stop - start, max(count for _, count in taps)))
    for line, i, (first, count) in zip(weights, range(start, stop), taps, strict=True):
        line[:count] = _weights(i, first, count, size, target, kernel)
    first, counts = np.array(taps, np.int64).T
    return _Axis(np.ascontiguousarray(first), np.ascontiguousarray(counts), weights)


def _taps(i: int, size: int, target: int, kernel: str) -> Size:
    """First source pixel of a target pixel, and how many take part; itself without a kernel."""
    if not kernel:
        return i, 1
    support = SUPPORT[kernel] * max(size / target, 1)
    centre = (2 * i + 1) * size / (2 * target)
    first = max(int(centre - support + 0.5), 0)
    return first, max(min(int(centre + support + 0.5), size) - first, 1)


def _weights(i: int, first: int, count: int, size: int, target: int, kernel: str) -> list[float]:
    if not kernel:
        return [1.0]
    shape, scale = (_lanczos if kernel == "lanczos" else _mitchell), min(target / size, 1)
    centre = (2 * i + 1) * size / (2 * target)
    weights = [shape(abs(scale * (first + n - centre + 0.5))) for n in range(count)]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def _sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0


def _lanczos(x: float) -> float:
    return _sinc(x) * _sinc(x / 3) if x < 3 else 0.0


def _mitchell(x: float) -> float:
    if x < 1:
        return (7 * x**3 - 12 * x * x + 16 / 3) / 6
    return (-7 / 3 * x**3 + 12 * x * x - 20 * x + 32 / 3) / 6 if x < 2 else 0.0


@njit(cache=True, nogil=True)
def _resize(planes, y_first, y_count, y_weights, x_first, x_count, x_weights, out):  # type: ignore[no-untyped-def]
    row = np.empty(planes.shape[2], np.float64)
    for plane in range(out.shape[0]):
        for y in range(out.shape[1]):
            row[:] = 0.0
            for j in range(y_count[y]):
                source, weight = planes[plane, y_first[y] + j], y_weights[y, j]
                for x in range(row.size):
                    row[x] += weight * source[x]
            for x in range(out.shape[2]):
                total, first = 0.0, x_first[x]
                for i in range(x_count[x]):
                    total += x_weights[x, i] * row[first + i]
                out[plane, y, x] = total
