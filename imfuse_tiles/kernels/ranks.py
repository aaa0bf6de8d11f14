"""Median, mode and nonpeak of a window that slides over a plane, of samples rounded to 16 bit."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.sorting import BOTH, COPY, SMALLER, Program, network

Plane = NDArray[np.float32]
Registers = NDArray[np.uint16]

MEDIAN, MODE, NONPEAK = range(3)
RANKS = {"Median": MEDIAN, "Mode": MODE, "NonPeak": NONPEAK}


def rank_filter(plane: Plane, width: int, mode: str) -> Plane:
    """A rank of each window of width x width pixels (a name in RANKS). float32 (y, x) -> (y - w + 1, x - w + 1)."""
    samples = _rounded(plane)
    if mode == "Median" and width in (3, 5):  # OpenCV has these two, twice as fast
        inside = slice(width // 2, -(width // 2))
        return np.divide(cv2.medianBlur(samples, width)[inside, inside], np.float32(65535), dtype=np.float32)
    return _rank(samples, width, *network(width, mode != "Median"), RANKS[mode])


@njit(cache=True, nogil=True)
def _rank(
    samples: Registers, width: int, program: Program, order: NDArray[np.int64], registers: int, kind: int
) -> Plane:
    high, wide = samples.shape[0] - width + 1, samples.shape[1] - width + 1
    out = np.empty((high, wide), np.float32)
    lanes = max(128, 16384 // (width * width))  # so the registers stay in the nearest caches
    lanes = -(-wide // -(-wide // lanes))  # equal strips
    rows = np.zeros((registers, lanes + width - 1), np.uint16)
    best = np.empty(lanes + width - 1, np.uint16)
    for left in range(0, wide, lanes):
        n = min(lanes, wide - left)
        for y in range(high):
            for k in range(width):
                _copy(samples[y + k, left : left + n + width - 1], rows[k])
            _execute(program, rows)
            if kind == MODE:
                _most_frequent(rows, order, best)
            elif kind == NONPEAK:
                _beside_the_peak(rows, order, best)
            else:
                _copy(rows[order[len(order) // 2]], best)
            target = out[y, left:]
            for x in range(n):
                target[x] = np.float32(best[x]) / np.float32(65535)
    return out


@njit(cache=True, nogil=True)
def _execute(program: Program, rows: Registers) -> None:
    n = rows.shape[1]
    for k in range(program.shape[0]):
        kind, shift = program[k, 0], program[k, 3]
        a, b = rows[program[k, 1]], rows[program[k, 2]]
        if kind == COPY:
            ahead = a[shift:]
            for x in range(n - shift):
                b[x] = ahead[x]
        elif kind == BOTH:
            for x in range(n):
                low, high = min(a[x], b[x]), max(a[x], b[x])
                a[x] = low
                b[x] = high
        elif kind == SMALLER:
            for x in range(n):
                a[x] = min(a[x], b[x])
        else:
            for x in range(n):
                b[x] = max(a[x], b[x])


@njit(cache=True, nogil=True)
def _rounded(plane: Plane) -> Registers:
    samples = np.empty(plane.shape, np.uint16)
    for y in range(plane.shape[0]):
        row, sample = plane[y], samples[y]
        for x in range(plane.shape[1]):
            level = row[x] * np.float32(65535) + np.float32(0.5)
            level = level if level > np.float32(0) else np.float32(0)
            sample[x] = np.uint16(np.int32(level if level < np.float32(65535) else np.float32(65535)))
    return samples


@njit(cache=True, nogil=True)
def _copy(values: Registers, out: Registers) -> None:
    for x in range(len(values)):  # an assignment of slices takes numba three seconds more to compile
        out[x] = values[x]


@njit(cache=True, nogil=True)
def _most_frequent(rows: Registers, order: NDArray[np.int64], best: Registers) -> None:
    run, record = np.ones(len(best), np.uint16), np.ones(len(best), np.uint16)
    _copy(rows[order[0]], best)
    for k in range(1, len(order)):
        here, last = rows[order[k]], rows[order[k - 1]]
        for x in range(len(best)):
            longer = np.uint16(run[x] + 1)
            run[x] = longer if here[x] == last[x] else np.uint16(1)
        for x in range(len(best)):
            value, kept, long, longest = here[x], best[x], run[x], record[x]
            best[x] = value if long > longest else kept
            record[x] = long if long > longest else longest


@njit(cache=True, nogil=True)
def _beside_the_peak(rows: Registers, order: NDArray[np.int64], best: Registers) -> None:
    middle = rows[order[len(order) // 2]]
    lower, upper = np.empty(len(best), np.uint16), np.empty(len(best), np.uint16)
    _copy(middle, lower)
    _copy(middle, upper)
    for k in range(len(order)):
        low, high = rows[order[k]], rows[order[len(order) - 1 - k]]
        for x in range(len(best)):
            centre, smaller, larger = middle[x], lower[x], upper[x]
            below, above = low[x], high[x]
            lower[x] = below if below < centre else smaller
            upper[x] = above if above > centre else larger
    for x in range(len(best)):
        centre, smaller, larger = middle[x], lower[x], upper[x]
        inner = smaller if larger == centre else centre
        best[x] = larger if smaller == centre else inner
