"""Statistics of a window that slides over a plane.

The window is `width` pixels wide and high, at offsets -floor(width/2) .. width - 1 - floor(width/2): an even
one reaches a pixel further to the left and to the top.

Sums are float64: the deviation of a flat area is the small difference of two large numbers, and float32 would
leave 3e-4 where 0 belongs. Each pixel adds its own window, columns first, in an order that depends on the width
alone; nothing runs along the plane. Extremes are those of `morphology`. Median, mode and nonpeak look at samples
rounded to 16 bit, put in order by a sorting network: a fixed list of "smaller here, larger there" for two rows
of a buffer, so that one instruction serves many pixels. Columns are sorted once and windows of 1, 2, 4, 8 ...
columns merged from their halves, so neighbouring windows share the work.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.morphology import dilate, erode

Plane = NDArray[np.float32]
Registers = NDArray[np.uint16]
Program = NDArray[np.int64]

MEAN, SQUARE, VARIANCE, DEVIATION = range(4)
SUMS = {"Mean": MEAN, "RMS": SQUARE, "StandardDeviation": DEVIATION}
MEDIAN, MODE, NONPEAK = range(3)
RANKS = {"Median": MEDIAN, "Mode": MODE, "NonPeak": NONPEAK}
MODES = (*SUMS, "Minimum", "Maximum", "Gradient", "Contrast", *RANKS)
STRIP = 512  # columns at a time: the row buffers stay in the first cache
COPY, BOTH, SMALLER, LARGER = range(4)


def before(width: float) -> int:
    """Rows above and columns to the left of a pixel that its window needs."""
    return int(width) // 2


def after(width: float) -> int:
    """Rows below and columns to the right of a pixel that its window needs."""
    return int(width) - 1 - before(width)


def statistic(plane: Plane, width: float, mode: str) -> Plane:
    """One number for each window of floor(width)^2 = n pixels. float32 (y, x) -> (y - w + 1, x - w + 1).

    Mean; RMS = sqrt(mean x*x); StandardDeviation = sqrt(mean x*x - mean^2); Minimum; Maximum; Gradient =
    max - min; Contrast = |max - min| / |max + min| / 65535 (0 if max + min is 0). Of samples rounded to 16 bit:
    Median = sorted[n // 2]; Mode = the most frequent value, the lowest of equals; NonPeak = the median, or if
    nothing is smaller the next larger value, or if nothing is larger the next smaller one.
    Raises ValueError for another mode or a width below 1.
    """
    width = int(width)
    if width < 1:
        raise ValueError("the window of a statistic is at least 1 pixel wide")
    if mode in SUMS:
        return moment(plane, width, SUMS[mode])
    if mode in RANKS:
        return _ranked(_rounded(plane), width, mode)
    if mode not in MODES:
        raise ValueError(f"no statistic is called {mode!r}; there are {', '.join(MODES)}")
    return _extremes(plane, np.ones((width, width), np.bool_), mode)


def _extremes(plane: Plane, window: NDArray[np.bool_], mode: str) -> Plane:
    if mode == "Minimum":
        return erode(plane, window)
    high = dilate(plane, window)
    if mode == "Maximum":
        return high
    low = erode(plane, window)
    if mode == "Gradient":
        return np.subtract(high, low, out=high)
    span, total = high - low, np.abs(high + low) * np.float32(65535)
    return np.divide(span, total, out=np.zeros_like(span), where=total > 0)


def _ranked(samples: Registers, width: int, mode: str) -> Plane:
    if mode == "Median" and width in (3, 5):  # OpenCV has these two, twice as fast
        inside = slice(width // 2, -(width // 2))
        return np.divide(cv2.medianBlur(samples, width)[inside, inside], np.float32(65535), dtype=np.float32)
    return _rank(samples, width, *_network(width, mode != "Median"), RANKS[mode])


@numba.njit(cache=True, nogil=True)
def _slide(part: NDArray, spare: NDArray, total: NDArray, n: int, width: int) -> NDArray:
    """The n sums of `width` neighbours, from sums of 1, 2, 4 ... neighbours. Destroys `part`."""
    length, done = 1, 0
    while True:
        if width & length:
            if length == width:
                return part
            if done:
                ahead = part[done:]
                for x in range(n):
                    total[x] += ahead[x]
            else:
                for x in range(n):
                    total[x] = part[x]
            done += length
        if done == width:
            return total
        ahead = part[length:]  # an index x + length might be negative, for all the compiler knows
        for x in range(n + width - 2 * length):
            spare[x] = part[x] + ahead[x]
        part, spare = spare, part
        length *= 2


@numba.njit(cache=True, nogil=True)
def _columns(plane: Plane, y: int, left: int, width: int, total: NDArray[np.float64]) -> None:
    """The sum of each column."""
    total[:] = 0.0
    for k in range(y, y + width - 1, 2):
        a, b = plane[k, left:], plane[k + 1, left:]
        for x in range(len(total)):
            total[x] += np.float64(a[x]) + np.float64(b[x])
    if width % 2:
        a = plane[y + width - 1, left:]
        for x in range(len(total)):
            total[x] += np.float64(a[x])


@numba.njit(cache=True, nogil=True)
def _square_columns(plane: Plane, y: int, left: int, width: int, total: NDArray[np.float64]) -> None:
    """The sum of the squares of each column."""
    total[:] = 0.0
    for k in range(y, y + width - 1, 2):
        a, b = plane[k, left:], plane[k + 1, left:]
        for x in range(len(total)):
            total[x] += np.float64(a[x]) * np.float64(a[x]) + np.float64(b[x]) * np.float64(b[x])
    if width % 2:
        a = plane[y + width - 1, left:]
        for x in range(len(total)):
            total[x] += np.float64(a[x]) * np.float64(a[x])


@numba.njit(cache=True, nogil=True)
def moment(plane: Plane, width: int, kind: int) -> Plane:
    """Mean, root mean square, variance or deviation (`kind`) of each window, from float64 sums.

    float32 (y, x) -> (y - width + 1, x - width + 1).
    """
    high, wide = plane.shape[0] - width + 1, plane.shape[1] - width + 1
    out = np.empty((high, wide), np.float32)
    span = min(wide, STRIP) + width - 1
    plain, square, spare = np.empty(span), np.empty(span), np.empty(span)
    total, total_square = np.empty(span), np.empty(span)
    n, share = float(width * width), 1.0 / (width * width)
    for left in range(0, wide, STRIP):
        count = min(wide - left, STRIP)
        ahead = count + width - 1
        for y in range(high):
            target, s, q = out[y, left:], plain, square
            if kind != SQUARE:
                _columns(plane, y, left, width, plain[:ahead])
                s = _slide(plain, spare, total, count, width)
            if kind != MEAN:
                _square_columns(plane, y, left, width, square[:ahead])
                q = _slide(square, spare if s is not spare else plain, total_square, count, width)
            if kind == MEAN:
                for x in range(count):
                    target[x] = np.float32(s[x] * share)
            elif kind == SQUARE:
                for x in range(count):
                    target[x] = np.sqrt(np.float32(q[x] * share))
            else:
                for x in range(count):
                    v = (n * q[x] - s[x] * s[x]) * (share * share)
                    target[x] = np.float32(v if v > 0.0 else 0.0)
                if kind == DEVIATION:
                    for x in range(count):
                        target[x] = np.sqrt(target[x])
    return out


class _Comparisons:
    """Writes the program of a network: rows (kind, i, j) for two registers, or (COPY, from, to, shift)."""

    def __init__(self, registers: int) -> None:
        self.steps: list[tuple[int, int, int, int]] = []
        self.registers = registers

    def shifted(self, values: list[int], shift: int) -> list[int]:
        copies = list(range(self.registers, self.registers + len(values)))
        self.registers += len(values)
        self.steps += [(COPY, value, copy, shift) for value, copy in zip(values, copies, strict=True)]
        return copies

    def order(self, i: int, j: int) -> list[int]:
        self.steps.append((BOTH, i, j, 0))
        return [i, j]

    def merge(self, a: list[int], b: list[int]) -> list[int]:
        """Batcher's odd-even merge of two ascending lists of any lengths."""
        if not a or not b:
            return a + b
        if len(a) == len(b) == 1:
            return self.order(a[0], b[0])
        first, *odd = self.merge(a[::2], b[::2])
        even = self.merge(a[1::2], b[1::2])
        short = min(len(even), len(odd))
        pairs = [register for i, j in zip(even, odd, strict=False) for register in self.order(i, j)]
        return [first, *pairs, *even[short:], *odd[short:]]

    def sort(self, values: list[int]) -> list[int]:
        half = len(values) // 2
        return self.merge(self.sort(values[:half]), self.sort(values[half:])) if half else values


def _needed(steps: list[tuple[int, int, int, int]], wanted: set[int]) -> list[tuple[int, int, int, int]]:
    """The steps that the wanted registers depend on; a comparison may lose one of its halves."""
    kept = []
    for kind, i, j, shift in reversed(steps):
        if kind == COPY:
            if j in wanted:
                wanted = wanted - {j} | {i}
                kept.append((COPY, i, j, shift))
        elif i in wanted or j in wanted:
            kept.append((BOTH if {i, j} <= wanted else SMALLER if i in wanted else LARGER, i, j, 0))
            wanted = wanted | {i, j}
    return kept[::-1]


@lru_cache(maxsize=16)
def _network(width: int, everything: bool) -> tuple[Program, NDArray[np.int64], int]:
    """Program that leaves a window of width^2 samples in order; its registers, ascending; how many it uses.

    Registers 0 .. width - 1 hold the rows of the window at the start. Without `everything` only the register
    of rank n // 2 is right at the end.
    """
    network = _Comparisons(width)
    part, length, done = network.sort(list(range(width))), 1, 0
    window: list[int] = []
    while done < width:
        if width & length:
            window = network.merge(window, network.shifted(part, done) if done or length < width else part)
            done += length
        if done < width:
            part = network.merge(part, network.shifted(part, length))
            length *= 2
    wanted = set(window) if everything else {window[len(window) // 2]}
    steps = [(COPY, 0, 0, 0), *_needed(network.steps, wanted)]  # never empty
    return np.array(steps, np.int64), np.array(window), network.registers


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
def _rounded(plane: Plane) -> Registers:
    samples = np.empty(plane.shape, np.uint16)
    for y in range(plane.shape[0]):
        row, sample = plane[y], samples[y]
        for x in range(plane.shape[1]):
            level = row[x] * np.float32(65535) + np.float32(0.5)
            level = level if level > np.float32(0) else np.float32(0)
            sample[x] = np.uint16(np.int32(level if level < np.float32(65535) else np.float32(65535)))
    return samples


@numba.njit(cache=True, nogil=True)
def _copy(values: Registers, out: Registers) -> None:
    for x in range(len(values)):  # an assignment of slices takes numba three seconds more to compile
        out[x] = values[x]


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
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
