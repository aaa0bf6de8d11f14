"""Sorting networks: fixed lists of "smaller here, larger there" that put a window's samples in order.

Columns are sorted once and windows of 1, 2, 4, 8 ... columns merged from their halves, so neighbouring windows
share the work. A program is for registers that hold a row each, so that one instruction serves many pixels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Program = NDArray[np.int64]

COPY, BOTH, SMALLER, LARGER = range(4)


@lru_cache(maxsize=16)
def network(width: int, everything: bool) -> tuple[Program, NDArray[np.int64], int]:
    """Program that leaves a window of width^2 samples in order; its registers, ascending; how many it uses.

    Registers 0 .. width - 1 hold the rows of the window at the start. Without `everything` only the register
    of rank n // 2 is right at the end.
    """
    made = _Comparisons(width)
    part, length, done = made.sort(list(range(width))), 1, 0
    window: list[int] = []
    while done < width:
        if width & length:
            window = made.merge(window, made.shifted(part, done) if done or length < width else part)
            done += length
        if done < width:
            part = made.merge(part, made.shifted(part, length))
            length *= 2
    wanted = set(window) if everything else {window[len(window) // 2]}
    steps = [(COPY, 0, 0, 0), *_needed(made.steps, wanted)]  # never empty
    return np.array(steps, np.int64), np.array(window), made.registers


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
