"""One picture made of all pictures of a stack: maximum, minimum, mean, root mean square, sum, median.

Samples come as they are stored (uint8, uint16 or float32, any shape); results are float32 with full scale 1.
Sums of integer samples are exact, so no order matters; float samples are summed in double precision in the order
in which they are added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.codes import full_scale
from imfuse_tiles.kernels.compiler import njit

Samples = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
Picture = NDArray[np.float32]

MODES = ("Max", "Min", "Mean", "Median", "Sum", "Add", "Abs", "RMS")  # Sum, Add and Abs are the same
_NAMES = {name.lower(): name for name in MODES}
_SUMS = ("Mean", "Sum", "Add", "Abs")
_MOST = 65536  # so many 16-bit samples fit a 32-bit sum
_BLOCK = 1024  # pixels whose median is sought together


def canonical(name: str) -> str:
    """The spelling in ``MODES`` of a name in any case; ValueError lists the modes if there is none."""
    try:
        return _NAMES[name.lower()]
    except KeyError:
        raise ValueError(f"unknown evaluate mode {name!r}; known: {', '.join(MODES)}") from None


def to_unit_range(samples: Samples) -> Picture:
    """Samples as float32 with full scale 1: code / full scale, correctly rounded."""
    scale = full_scale(samples.dtype)
    return np.true_divide(samples, np.float32(scale), dtype=np.float32) if scale != 1 else samples.astype(np.float32)


class Evaluation:
    """A reduction over z that is fed one picture after another and keeps one picture of state.

    ``Evaluation("Mean")``, ``add(samples)`` for every slice, then ``result()``. Every mode but Median.
    """

    def __init__(self, mode: str) -> None:
        self.mode = canonical(mode)
        if self.mode == "Median":
            raise ValueError("a median needs all pictures at once")
        self._count = 0
        self._scale = 1
        self._total: NDArray[Any] | None = None
        self._shown: NDArray[np.int64] | None = None

    def add(self, samples: Samples, shown: NDArray[np.bool_] | None = None) -> None:
        """Take in the next picture; ValueError if its shape differs or 65536 pictures are in a sum already.

        ``shown``: only these pixels of it count, bool (y, x); given for all pictures or for none.
        """
        if shown is not None:
            self._shown = shown.astype(np.int64) + (0 if self._shown is None else self._shown)
            neutral: float = full_scale(samples.dtype) if self.mode == "Min" else 0
            if samples.dtype.kind == "f" and self.mode in ("Min", "Max"):
                neutral = np.inf if self.mode == "Min" else -np.inf
            samples = np.where(shown, samples, samples.dtype.type(neutral))
        if self._total is None:
            self._total, self._scale = self._start(samples), full_scale(samples.dtype)
        elif samples.shape != self._total.shape:
            raise ValueError(f"a picture of shape {samples.shape} among pictures of {self._total.shape}")
        elif self.mode in _SUMS:
            if self._count == _MOST:
                raise ValueError(f"no more than {_MOST} pictures can be summed")
            np.add(self._total, samples, out=self._total)
        elif self.mode == "RMS":
            np.add(self._total, np.square(samples, dtype=np.float64), out=self._total)
        else:
            (np.maximum if self.mode == "Max" else np.minimum)(self._total, samples, out=self._total)
        self._count += 1

    def _start(self, samples: Samples) -> NDArray[Any]:
        if self.mode in _SUMS:
            return samples.astype(np.uint32 if samples.dtype.kind == "u" else np.float64)
        if self.mode == "RMS":
            return np.square(samples, dtype=np.float64)  # exact for integers too: far below 2^53
        return samples.copy()

    def result(self) -> Picture:
        """The picture, float32, full scale 1 (Sum, Add, Abs may exceed it); ValueError if nothing was added.

        Pixels that are shown in no picture have any value.
        """
        if self._total is None:
            raise ValueError("no picture to evaluate")
        if self.mode in ("Max", "Min"):
            return to_unit_range(self._total)
        pictures = self._count if self._shown is None else np.maximum(self._shown, 1)
        if self.mode == "RMS":
            return np.sqrt(self._total / (pictures * self._scale**2)).astype(np.float32)
        count = pictures if self.mode == "Mean" else 1
        return (self._total / (count * self._scale)).astype(np.float32)


def around_median(
    slices: Iterable[Samples], shown: Iterable[NDArray[np.bool_]], count: NDArray[np.int32], total: int
) -> Iterator[Samples]:
    """Pictures (c, y, x) that have the median of the pixels that are ``shown``, bool (y, x): others lie around it.

    ``count``: how many of the ``total`` pictures show a pixel. As many of the others as keep its rank are black.
    """
    black = total // 2 - count // 2
    for samples, seen in zip(slices, shown, strict=True):
        low, high = (0, full_scale(samples.dtype)) if samples.dtype.kind == "u" else (-1e30, 1e30)
        limits = samples.dtype.type(low), samples.dtype.type(high)
        yield np.where(seen, samples, np.where(black > 0, *limits))
        black = black - ~seen


def median(stack: Samples) -> Picture:
    """Of n pictures (n, 3, y, x) in every place the whole pixel whose R + G + B has the middle rank floor(n/2).

    Equal sums rank in the order of the pictures. Returns float32 (3, y, x), full scale 1.
    """
    flat = stack.reshape(len(stack), 3, -1)
    out = np.empty(flat.shape[1:], stack.dtype)
    for start in range(0, flat.shape[2], _BLOCK):
        part = flat[:, :, start : start + _BLOCK]
        chosen = _middle(_keys(part))
        out[:, start : start + _BLOCK] = np.take_along_axis(part, chosen[np.newaxis, np.newaxis], axis=0)[0]
    return to_unit_range(out.reshape(stack.shape[1:]))


def _keys(part: Samples) -> NDArray[np.int32]:
    """R + G + B of (n, 3, k) as integers in the same order."""
    if part.dtype.kind == "u":
        return part[:, 0].astype(np.int32) + part[:, 1] + part[:, 2]
    # the bits of a float, read as an integer, rank like the float itself; adding 0 drops the sign of zero
    bits = (part[:, 0] + part[:, 1] + part[:, 2] + np.float32(0)).view(np.int32)
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))


@njit(cache=True, nogil=True)
def _count(keys: NDArray[np.int32], limit: NDArray[np.int32], count: NDArray[np.int32]) -> None:
    """How many of (n, k) keys lie at or below the limit of their column."""
    zero, one = np.int32(0), np.int32(1)
    count[:] = zero
    for z in range(len(keys)):
        row = keys[z]
        for i in range(row.size):
            count[i] = count[i] + (one if row[i] <= limit[i] else zero)


@njit(cache=True, nogil=True)
def _middle(keys: NDArray[np.int32]) -> NDArray[np.int32]:
    """Index of rank floor(n/2) in every column of (n, k): bisection of the value, all columns side by side."""
    n, size = keys.shape
    half, zero, one = np.int32(n // 2), np.int32(0), np.int32(1)
    low, high = keys[0].copy(), keys[0].copy()
    for z in range(1, n):
        row = keys[z]
        for i in range(size):
            low[i] = min(low[i], row[i])
            high[i] = max(high[i], row[i])
    limit, count = np.empty(size, np.int32), np.empty(size, np.int32)
    open_columns = one
    while open_columns != zero:
        for i in range(size):
            limit[i] = (low[i] & high[i]) + ((low[i] ^ high[i]) >> one)  # a mean that cannot overflow
        _count(keys, limit, count)
        open_columns = zero
        for i in range(size):
            above = count[i] <= half
            low[i] = limit[i] + one if above and low[i] < high[i] else low[i]
            high[i] = high[i] if above else limit[i]
            open_columns |= low[i] ^ high[i]
    # of the equals of the middle value, the one that stands half - (number of smaller ones) further back
    for i in range(size):
        limit[i] = low[i] - one
    _count(keys, limit, count)
    chosen = limit
    for i in range(size):
        chosen[i] = zero
    for z in range(n):
        row = keys[z]
        for i in range(size):
            equal = row[i] == low[i]
            chosen[i] = np.int32(z) if equal and count[i] == half else chosen[i]
            count[i] = count[i] + one if equal else count[i]
    return chosen
