"""What the pairs of a stack say of its frames: transforms, errors to be expected, frames in doubt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .registration_matrices import distance
from .registration_solve import Link

Matrix = NDArray[np.float64]
Plane = NDArray[np.float32]

#: Something moves between two frames if so much of the picture lies elsewhere.
MOVES = 0.035
#: A frame next to one in doubt is in doubt from this share of the error on. Of 1000 simulated frames, those at the ends
#: blurred by a quarter of the picture, 615 lay more than half a pixel beside: 4 were not told of without it, and 217 of
#: the others were; with it 0 and 277. In sweeps with usual blur no frame is in doubt.
SPREADS = 0.6
#: How far back a frame is looked for that the one before has nothing in common with.
BRIDGE = 3


@dataclass
class Comparisons:
    """What was found of pairs of frames of one size (``width`` x ``height``).

    ``model``: one of ``MODELS``; ``count``: frames there will be.
    """

    width: int
    height: int
    count: int
    model: str = "similarity"
    links: list[Link] = field(default_factory=list)
    #: By pair of frames: how alike they are (-1..1).
    likeness: dict[tuple[int, int], float] = field(default_factory=dict)
    #: Why a frame cannot be compared.
    unfit: dict[int, str] = field(default_factory=dict)
    #: Pairs of frames one of which is a mirror image.
    mirrored: list[tuple[int, int]] = field(default_factory=list)
    #: Pairs of frames that show the same, but in other places each.
    vague: list[tuple[int, int]] = field(default_factory=list)
    #: Frames in which alone something lies elsewhere.
    moved: list[int] = field(default_factory=list)
    #: Of each frame the energy of gradients in cells, at half the level compared.
    maps: list[Plane] = field(default_factory=list)
    map_factor: int = 1
    #: Of pairs of neighbours how badly each model fits, if they are to be compared.
    misfits: list[Matrix] = field(default_factory=list)

    @property
    def level(self) -> float:
        """How many pixels one of the levels compared is wide, about."""
        return max(1.0, math.sqrt(self.width * self.height / 1.2e6))


@dataclass(frozen=True)
class Result:
    """Transforms (3, 3) from frame ``reference`` to all; those outside ``group`` are the identity."""

    registration: Comparisons
    reference: int
    group: frozenset[int]
    transforms: list[Matrix]
    links: list[Link]
    gaps: list[float]
    errors: list[float]

    def residual(self, number: int) -> float:
        """The error of a corner of a frame against the reference that is to be expected, in pixels."""
        return max(self.errors[number], self._nearest.get(number, 0.0)) if number in self.group else 0.0

    @cached_property
    def _nearest(self) -> dict[int, float]:
        """By frame the gap of that link of it which closes best."""
        found: dict[int, float] = {}
        for gap, link in zip(self.gaps, self.links, strict=True):
            for number in (link.first, link.second):
                found[number] = min(gap, found.get(number, gap))
        return found

    def trouble(self, number: int) -> str:
        """Why a frame does not belong to the others; empty if it does."""
        if number in self.registration.unfit:
            return self.registration.unfit[number]
        if number in self.group or self.vague(number):
            return ""
        if any(number in pair and self.group & set(pair) for pair in self.registration.mirrored):
            return "is a mirror image of the others"
        return "shows nothing of the other frames"

    def vague(self, number: int) -> bool:
        """Whether a frame belongs to the others but cannot be laid over them."""
        return number not in self.group and any(number in pair for pair in self.registration.vague)

    def warnings(self, number: int) -> list[str]:
        """What is to be looked at of a frame that belongs to the others."""
        if self.vague(number):
            return ["cannot be laid over the others and is left as it is: what it shows moved in different ways"]
        beside = f"may lie {self.residual(number):.1f} pixels beside the reference"
        found = [beside] if number in self.in_doubt else []
        apart = [link.apart for link in self.links if link.second == number and link.second - link.first <= BRIDGE]
        if max(apart, default=0) > MOVES and number - 1 not in self.registration.moved:
            found.append(
                f"shows things that moved since the frame before: {100 * max(apart):.0f} % of what is compared"
            )
        return found

    @cached_property
    def in_doubt(self) -> frozenset[int]:
        """Frames with an error to be told of, and those next to them with nearly such an error: where blur makes
        errors grow from frame to frame, the first of them is expected too small."""
        limit, doubt = self.doubtful, set[int]()
        for order in (range(self.registration.count), reversed(range(self.registration.count))):
            last = False
            for n in order:
                last = self.residual(n) > (SPREADS * limit if last else limit)
                doubt |= {n} if last else set()
        return frozenset(doubt)

    @property
    def doubtful(self) -> float:
        """Errors that are told of, in pixels: half a pixel, or of a pixel of the levels compared."""
        return 0.5 * max(1.0, math.sqrt(self.registration.width * self.registration.height / 2.4e6))

    def move(self, number: int) -> float:
        """By how much a corner of a frame is moved at most, in pixels."""
        width, height = self.registration.width, self.registration.height
        return distance(self.transforms[number], np.eye(3), width, height)


def connected(count: int, links: Sequence[Link]) -> frozenset[int]:
    """The largest set of frames that links hold together."""
    group = list(range(count))
    for link in links:
        a, b = group[link.first], group[link.second]
        group = [min(a, b) if name in (a, b) else name for name in group]
    largest = max(set(group), key=lambda name: (group.count(name), -name))
    return frozenset(n for n, name in enumerate(group) if name == largest)
