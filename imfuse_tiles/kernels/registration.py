"""Registration of a stack, frame after frame: pairs near and far, the transforms that agree with them, and doubts.

Frames come in their order. Each is compared with the one before and, to keep small errors from adding up, with some
further back; what does not fit any of them is named and left as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .registration_choice import misfits
from .registration_match import as_seen, coarse, is_mirrored, match, shows_else
from .registration_matrices import inverse
from .registration_pairs import BLOCKS, SMALLEST_STEP, Fit, Windows, refined
from .registration_pyramid import Level
from .registration_result import BRIDGE, MOVES, Comparisons, Result, connected
from .registration_solve import Link, agreed, chained

Matrix = NDArray[np.float64]
Plane = NDArray[np.float32]

#: How far apart frames are that are compared, and how many frames lie between one such pair and the next.
HOPS, LONG_HOPS = {1: 1, 4: 1}, {1: 1, 3: 3, 9: 3, 27: 3}
#: Stacks up to this length have the first; in others fewer blocks are compared, of neighbours fewer than of others, and
#: steps on the finest level end sooner: errors of so many pairs become small together.
SHORT, LONG_BLOCKS, NEAR_BLOCKS, LONG_STEP = 30, 160, 96, 0.05
#: A correlation from which neighbours are not looked at mirrored.
CERTAIN = 0.85
#: Blocks of frames that are compared at their full size, without patches that would make it finer.
WHOLE_BLOCKS = 240
#: Frames far apart may be wrong by so many pixels of the level that is correlated for all that they are not alike; and
#: by so many of the level compared, more on coarse ones. Measured with simulated stacks: .05 pixels at full size, .1 to
#: .2 where frames are reduced by 2, .1 to .5 by 4.
UNLIKE, FAR, COARSER = 0.5, 0.05, 1.5
#: Neighbours that are less alike than those of any sweep are a near and a far picture: what is blurred in one covers
#: more there, and seems to have moved. They may be wrong by so many pixels of that level for what lacks of it; measured
#: with simulated pairs: 0.3 to 1.1 pixels where 0.5 are expected.
NEAR_ALIKE = 0.9
#: Two frames cannot be laid over each other if so much lies elsewhere that a corner is not known to this share of a
#: pixel of the levels compared: opaque things that grow with their blur, or several that move apart.
MOVED_APART, VAGUE = 0.125, 0.5
#: Frames with less contrast (deviation of grey values as they are seen) are constant.
FLAT = 1e-3
#: Long hops are believed as long as loops close to so many pixels of the level compared, at the median.
CLOSED = 0.2


def hops(count: int) -> dict[int, int]:
    """How far apart frames of a stack of ``count`` are compared, and how many lie between two such pairs."""
    return HOPS if count <= SHORT else LONG_HOPS


@dataclass
class Frame:
    """What is kept of a frame while others are compared with it."""

    levels: Sequence[Level]
    windows: Windows | None = None


@dataclass
class Registration(Comparisons):
    """Streams frames of one size and finds their transforms."""

    compare_models: bool = False
    _frames: dict[int, Frame] = field(default_factory=dict)
    #: Transforms along the first links: from which frame, and the matrix.
    _chain: dict[int, tuple[int, Matrix]] = field(default_factory=dict)
    #: By frame whether something lies elsewhere than in the one before.
    _apart: dict[int, bool] = field(default_factory=dict)
    _next: int = 0

    def add(self, levels: Sequence[Level], windows: Windows | None = None) -> None:
        """The next frame: its pyramid, and if it was reduced, what reads it at full size."""
        number, self._next = self._next, self._next + 1
        fine = levels[min(1, len(levels) - 1)]
        self.maps.append(fine.energy)
        self.map_factor = fine.factor
        seen = as_seen(levels[-1].plane)
        known = seen[np.isfinite(seen)]
        if not known.size or not known.std() > FLAT:
            self.unfit[number] = "is constant"
            return
        self._frames[number] = Frame(levels, windows)
        self._compare(number)
        self._find_moved(number)
        self._forget(number)

    def _compare(self, number: int) -> None:
        if not self._link(number - 1, number):
            for hop in range(2, BRIDGE + 1):
                if self._link(number - hop, number):
                    break
        for hop, step in self._hops.items():
            if hop > 1 and number - hop in self._frames and number % step == 0:
                self._link(number - hop, number)

    def _find_moved(self, number: int) -> None:
        """Whether something lies elsewhere in the frame before alone, or in the first or the last one."""
        before, now = self._apart.get(number - 1), self._apart.get(number)
        if before is None or now is None:
            return
        if before and now and not self._differ(number - 2, number):
            self.moved.append(number - 1)
        for odd, alone in ((0, before and not now and number == 2), (number, now and not before and self._is_last)):
            if alone and self._differ(number - 2, number):
                self.moved.append(odd)

    @property
    def _is_last(self) -> bool:
        return self._next == self.count

    def _differ(self, first: int, second: int) -> bool:
        """Whether something lies elsewhere in the second of two frames."""
        one, other = self._frames[first].levels, self._frames[second].levels
        fit, _ = match(one, other, self.model, self._known(first, second))
        return fit is not None and max(fit.apart, shows_else(one, other, fit.matrix)) > MOVES

    @property
    def _hops(self) -> dict[int, int]:
        return hops(self.count)

    def _forget(self, number: int) -> None:
        """Let go of frames that nothing later is compared with."""
        for old in list(self._frames):
            later = [old + hop for hop, step in self._hops.items() if (old + hop) % step == 0]
            if max(later, default=0) <= number and old + BRIDGE <= number:
                del self._frames[old]
            elif old < number:
                self._frames[old].windows = None if old + 1 < number else self._frames[old].windows

    def _link(self, first: int, second: int) -> bool:
        """Compare two frames; whether they show the same."""
        if first not in self._frames:
            return False
        one, other = self._frames[first], self._frames[second]
        known = self._known(first, second) if second - first > 1 else None
        blocks = self._blocks(second - first, one.levels[0].factor)
        small = SMALLEST_STEP if self.count <= SHORT else LONG_STEP
        fit, alike = match(one.levels, other.levels, self.model, known, blocks, small)
        self.likeness[first, second] = alike
        if second - first <= BRIDGE and alike < CERTAIN and is_mirrored(one.levels, other.levels, self.model, alike):
            self.mirrored.append((first, second))
            return False
        if fit is None:
            return False
        if fit.apart > MOVED_APART and fit.doubt > VAGUE * self.level:
            self.vague.append((first, second))
            return False
        if one.windows and other.windows and one.levels[0].factor > 1:
            fit = refined(one.levels[0], other.levels[0], fit, self.model, one.windows, other.windows,
                          self.width, self.height)  # fmt: skip
        if self.compare_models and second - first <= BRIDGE:
            found = misfits(fit.normals, fit.even, self.width / fit.factor, self.height / fit.factor)
            self.misfits.extend([] if found is None else [found])
        doubt = math.hypot(fit.doubt, self._unlike(one.levels, alike, fit, second - first > BRIDGE))
        apart = fit.apart
        if second - first <= BRIDGE:
            apart = max(apart, shows_else(one.levels, other.levels, fit.matrix))
        if second - first == 1:
            self._apart[second] = apart > MOVES
        self.links.append(Link(first, second, fit.matrix, doubt, apart, fit.factor))
        if second not in self._chain:
            base, before = self._chain.setdefault(first, (first, np.eye(3)))
            self._chain[second] = base, fit.matrix @ before
        return True

    def _blocks(self, hop: int, factor: int) -> int:
        """How many blocks of two frames are compared, which are reduced by ``factor``."""
        if self.count > SHORT:
            return NEAR_BLOCKS if hop == 1 else LONG_BLOCKS
        return WHOLE_BLOCKS if factor == 1 else BLOCKS

    def _unlike(self, levels: Sequence[Level], alike: float, fit: Fit, far: bool) -> float:
        """By how much a corner may be wrong, in pixels, as one frame is blurred and the other is not: what is blurred
        much has grown, in blocks that all seem to agree."""
        factor = coarse(levels).factor
        if not far:
            return factor * max(NEAR_ALIKE - alike, 0.0)
        return math.hypot(factor * UNLIKE * (1 - alike), FAR * fit.factor**COARSER)

    def _known(self, first: int, second: int) -> Matrix | None:
        """What links of neighbours say of two frames."""
        (base, one), (other, two) = (self._chain.get(n, (n, np.eye(3))) for n in (first, second))
        return two @ inverse(one) if base == other else None

    def result(self, reference: int) -> Result:
        """The transforms from a frame to all others."""
        group = connected(self.count, self.links)
        base = reference if reference in group else min(group, key=lambda n: (abs(n - reference), n))
        links = [link for link in self.links if link.first in group and link.second in group]
        found, gaps, errors = self._agreed(links, base)
        long = [gap for gap, link in zip(gaps, links, strict=True) if link.second - link.first > BRIDGE]
        if long and float(np.median(long)) > CLOSED * self.level:
            links = [link for link in links if link.second - link.first <= BRIDGE]
            found, gaps, errors = self._agreed(links, base)
        return Result(self, base, group, found, links, gaps, errors)

    def _agreed(self, links: list[Link], base: int) -> tuple[list[Matrix], list[float], list[float]]:
        chain, errors = chained(self.count, links, base)
        found = [np.eye(3) if matrix is None else matrix for matrix in chain]
        if not links:
            return found, [], errors
        better, gaps = agreed(found, links, base, self.model, self.width, self.height)
        known = [before if math.isinf(error) else after
                 for before, after, error in zip(found, better, errors, strict=True)]  # fmt: skip
        return known, [float(gap) for gap in gaps], errors
