"""Which slices are put together on their own before the parts are painted onto each other."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.options.grammar import Option, count_or_percent, integer, number, word

#: A substack: its first and last slice, counted from 0.
SliceRange = tuple[int, int]


def share_of_stack(percent: float, total: int) -> int:
    """A percentage of the slices, rounded down, at least one and at most all."""
    return min(max(int(percent * total / 100), 1), total)


@frozen
class Substacks(Option, name="substacks"):
    """Fuse parts of the stack on their own and paint them onto each other, the front one last.

    With one number: parts of n slices that reach r further on both sides. With two: the slices n to N, and r more.
    """

    section: ClassVar[str] = "Substacks"
    examples: ClassVar = ("", "n3", "n3,r1", "p30%", "p20%,P60%", "n2,N5", "n3,r0,kurt", "n10,r10%")

    r: int | str | None = count_or_percent(
        None, "slices of overlap, or % of the stack; left out: 5% for parts, 0 for a range"
    )
    n: int | None = integer(None, "slices of a part, or the first slice of a range (14% of the stack)", low=1)
    N: int | None = integer(None, "last slice of a range", low=1)
    p: float | None = number(None, "n in percent of the stack", low=0, high=100)
    P: float | None = number(None, "N in percent of the stack", low=0, high=100)
    word1: str | None = word(None, "kurt: every part begins with the first slice", ("kurt",))

    def for_stack(self, total: int) -> Substacks:
        """The option for a stack of ``total`` slices, its numbers filled in. Refusal if they do not fit it."""
        n = self.n if self.n is not None else share_of_stack(14 if self.p is None else self.p, total)
        N = self.N if self.N is not None or self.P is None else share_of_stack(self.P, total)
        r: int | None = share_of_stack(float(self.r[:-1]), total) if isinstance(self.r, str) else self.r
        if r is None and N is None:
            r = share_of_stack(5, total)
        if N is not None and n > min(N, total):
            raise Refusal(f"{self}: there is no slice from {n} to {N} in a stack of {total}")
        return replace(self, r=r, n=n, N=N)

    def slice_ranges(self, total: int) -> list[SliceRange]:
        """The substacks of a stack of ``total`` slices, the front one first."""
        made = self.for_stack(total)
        n, r = int(made.n or 1), int(made.r or 0)
        if made.N is not None:
            return [(max(1, n - r) - 1, min(total, made.N + r) - 1)]
        found, start, last = [], 0, 0
        while last < total:
            first, last = 1 if self.word1 else max(1, start - r), min(total, start + n + r)
            found.append((first - 1, last - 1))
            start += n
        return found
