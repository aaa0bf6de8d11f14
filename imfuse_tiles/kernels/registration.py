"""Registration of a stack, frame after frame: pairs near and far, the transforms that agree with them, and doubts.

Frames come in their order. Each is compared with the one before and, to keep small errors from adding up, with some
further back; what does not fit any of them is named and left as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .compiler import njit
from .registration_choice import misfits
from .registration_fit import distance, inverse
from .registration_pairs import BLOCKS, Fit, at_level, pair, refined
from .registration_pyramid import Level
from .registration_solve import Link, agreed, chained
from .registration_warp import warped

Matrix = NDArray[np.float64]
Plane = NDArray[np.float32]
#: Grey pixels of a full-size frame, float32 in 0..1, of rows y0, y1 and columns x0, x1.
Windows = Callable[[int, int, int, int], Plane]

#: How far apart frames are that are compared, and how many frames lie between one such pair and the next.
HOPS, LONG_HOPS = {1: 1, 4: 1}, {1: 1, 3: 3, 9: 3, 27: 3}
#: Stacks up to this length have the first; in others fewer blocks are compared, of neighbours fewer than of others.
SHORT, LONG_BLOCKS, NEAR_BLOCKS = 30, 120, 64
#: How far back a frame is looked for that the one before has nothing in common with.
BRIDGE = 3
#: Two frames show the same if their gradients correlate at least so much over at least this share of the frame.
ALIKE, OVERLAP = 0.45, 0.25
#: A correlation from which another start is not tried, and one from which neighbours are not looked at mirrored.
SURE, CERTAIN = 0.45, 0.85
#: Pixels of the level that is correlated by which frames far apart may be wrong for all that they are not alike.
UNLIKE = 2.5
#: Neighbours that are less alike than those of any sweep are a near and a far picture: what is blurred in one covers
#: more there, and seems to have moved. They may be wrong by so many pixels of that level for what lacks of it; measured
#: with simulated pairs: 0.3 to 1.1 pixels where 0.5 are expected.
NEAR_ALIKE = 0.9
#: By how much the mirrored frame must be more alike.
MIRRORED = 0.1
#: Something moves between two frames if so much of the picture lies elsewhere.
MOVES = 0.035
#: Two frames cannot be laid over each other if so much lies elsewhere that a corner is not known to this share of a
#: pixel of the levels compared: opaque things that grow with their blur, or several that move apart.
MOVED_APART, VAGUE = 0.125, 0.5
#: Frames with less contrast (deviation of grey values) are constant.
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
class Registration:
    """Streams frames of one size (``width`` x ``height``) and finds their transforms.

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
    #: Of each frame the energy of gradients in cells, at half the level compared.
    maps: list[Plane] = field(default_factory=list)
    map_factor: int = 1
    #: Of pairs of neighbours how badly each model fits, if they are to be compared.
    misfits: list[Matrix] = field(default_factory=list)
    compare_models: bool = False
    _frames: dict[int, Frame] = field(default_factory=dict)
    #: Transforms along the first links: from which frame, and the matrix.
    _chain: dict[int, tuple[int, Matrix]] = field(default_factory=dict)
    _next: int = 0

    def add(self, levels: Sequence[Level], windows: Windows | None = None) -> None:
        """The next frame: its pyramid, and if it was reduced, what reads it at full size."""
        number, self._next = self._next, self._next + 1
        fine = levels[min(1, len(levels) - 1)]
        self.maps.append(fine.energy)
        self.map_factor = fine.factor
        deviation = float(np.nanstd(levels[-1].plane)) if np.isfinite(levels[-1].plane).any() else 0.0
        if not deviation > FLAT:
            self.unfit[number] = "is constant"
            return
        self._frames[number] = Frame(levels, windows)
        self._compare(number)
        self._forget(number)

    def _compare(self, number: int) -> None:
        if not self._link(number - 1, number):
            for hop in range(2, BRIDGE + 1):
                if self._link(number - hop, number):
                    break
        for hop, step in self._hops.items():
            if hop > 1 and number - hop in self._frames and number % step == 0:
                self._link(number - hop, number)

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
        blocks = BLOCKS if self.count <= SHORT else NEAR_BLOCKS if second - first == 1 else LONG_BLOCKS
        fit, alike = match(one.levels, other.levels, self.model, known, blocks)
        self.likeness[first, second] = alike
        if second - first <= BRIDGE and alike < CERTAIN and _is_mirrored(one.levels, other.levels, self.model, alike):
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
        doubt = math.hypot(fit.doubt, self._unlike(one.levels, alike, second - first > BRIDGE))
        self.links.append(Link(first, second, fit.matrix, doubt, fit.apart))
        if second not in self._chain:
            base, before = self._chain.setdefault(first, (first, np.eye(3)))
            self._chain[second] = base, fit.matrix @ before
        return True

    def _unlike(self, levels: Sequence[Level], alike: float, far: bool) -> float:
        """By how much a corner may be wrong, in pixels, as one frame is blurred and the other is not: what is blurred
        much has grown, in blocks that all seem to agree."""
        return coarse(levels).factor * (UNLIKE * (1 - alike) if far else max(NEAR_ALIKE - alike, 0.0))

    @property
    def level(self) -> float:
        """How many pixels one of the levels compared is wide, about."""
        return max(1.0, math.sqrt(self.width * self.height / 1.2e6))

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


@dataclass(frozen=True)
class Result:
    """Transforms (3, 3) from frame ``reference`` to all; those outside ``group`` are the identity."""

    registration: Registration
    reference: int
    group: frozenset[int]
    transforms: list[Matrix]
    links: list[Link]
    gaps: list[float]
    errors: list[float]

    def residual(self, number: int) -> float:
        """The error of a corner of a frame against the reference that is to be expected, in pixels."""
        near = [gap for gap, link in zip(self.gaps, self.links, strict=True) if number in (link.first, link.second)]
        return max(self.errors[number], min(near, default=0.0)) if number in self.group else 0.0

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
        error = self.residual(number)
        found = [f"may lie {error:.1f} pixels beside the reference"] if error > self.doubtful else []
        apart = [link.apart for link in self.links if link.second == number and link.second - link.first <= BRIDGE]
        if max(apart, default=0) > MOVES:
            found.append(
                f"shows things that moved since the frame before: {100 * max(apart):.0f} % of what is compared"
            )
        return found

    @property
    def doubtful(self) -> float:
        """Errors that are told of, in pixels: half a pixel, or of a pixel of the levels compared."""
        return 0.5 * max(1.0, math.sqrt(self.registration.width * self.registration.height / 2.4e6))

    def move(self, number: int) -> float:
        """By how much a corner of a frame is moved at most, in pixels."""
        width, height = self.registration.width, self.registration.height
        return distance(self.transforms[number], np.eye(3), width, height)


def match(one: Sequence[Level], other: Sequence[Level], model: str, start: Matrix | None = None, blocks: int = BLOCKS
          ) -> tuple[Fit | None, float]:  # fmt: skip
    """Register two pyramids and say how alike they are then; None when they do not show the same."""
    skip = 0 if start is None else max(len(one) - 2, 0)
    fit, alike = _tried(one, other, model, start, skip, blocks)
    if alike < SURE:
        for shift in _shifts(one, other):
            again, more = _tried(one, other, model, shift, 0, blocks)
            if more > alike:
                fit, alike = again, more
    return (fit if alike >= ALIKE else None), alike


def _is_mirrored(one: Sequence[Level], other: Sequence[Level], model: str, alike: float) -> bool:
    """Whether a frame is more like another when it is flipped; looked at on coarse levels only."""
    first = [level for level in one if max(level.plane.shape) <= 400] or list(one[-1:])
    second = other[len(other) - len(first) :]
    for flip in ((slice(None), slice(None, None, -1)), (slice(None, None, -1), slice(None))):
        flipped = [Level(level.factor, np.ascontiguousarray(level.plane[flip]), level.energy[flip]) for level in second]
        if match(first, flipped, model)[1] > max(alike + MIRRORED, ALIKE):
            return True
    return False


def _tried(one: Sequence[Level], other: Sequence[Level], model: str, start: Matrix | None, skip: int,
           blocks: int) -> tuple[Fit | None, float]:  # fmt: skip
    fit = pair(one, other, model, start, skip, blocks)
    if fit is None or not np.isfinite(fit.matrix).all():
        return None, -1.0
    size = np.linalg.det(fit.matrix[:2, :2])
    return fit, (correlation(one, other, fit.matrix) if 0.25 < size < 4 else -1.0)


def correlation(one: Sequence[Level], other: Sequence[Level], matrix: Matrix) -> float:
    """How much the gradients of two frames, as they are seen, correlate where they overlap, -1 to 1; -1 where they
    hardly do."""
    first, second = coarse(one), coarse(other)
    near = np.empty_like(first.plane)
    warped(second.plane, 0, 0, at_level(matrix, first.factor), 0, 0, near)
    one_size, other_size, product, share = _alike(_as_seen(first.plane), _as_seen(near))
    if share < OVERLAP:
        return -1.0
    size = math.sqrt(one_size * other_size)
    return float(product) / size if size > 0 else -1.0


def _as_seen(light: Plane) -> Plane:
    """Square roots: a few bright edges would decide else whether two frames show the same."""
    return np.sqrt(np.maximum(light, np.float32(0)))


def coarse(levels: Sequence[Level]) -> Level:
    """The level of at most 200 pixels a side, by which frames are told to be alike."""
    return next((level for level in levels if max(level.plane.shape) <= 200), levels[-1])


@njit(cache=True, nogil=True)
def _alike(one: Plane, other: Plane):  # type: ignore[no-untyped-def]
    """Sums of squares and of products of the gradients of two planes, and the share of pixels where both have them."""
    high, wide = one.shape
    first, second, product, count = 0.0, 0.0, 0.0, 0
    for y in range(1, high - 1):
        for x in range(1, wide - 1):
            ax, ay = one[y, x + 1] - one[y, x - 1], one[y + 1, x] - one[y - 1, x]
            bx, by = other[y, x + 1] - other[y, x - 1], other[y + 1, x] - other[y - 1, x]
            both = ax * bx + ay * by
            if both == both:
                first, second = first + (ax * ax + ay * ay), second + (bx * bx + by * by)
                product, count = product + both, count + 1
    return first, second, product, count / max((high - 2) * (wide - 2), 1)


def _gradients(plane: Plane) -> NDArray[np.float32]:
    return np.stack([plane[1:-1, 2:] - plane[1:-1, :-2], plane[2:, 1:-1] - plane[:-2, 1:-1]])


def _shifts(one: Sequence[Level], other: Sequence[Level], most: int = 3) -> list[Matrix]:
    """The likeliest shifts of a coarse level, as transforms: peaks of the cross-correlation of its gradients."""
    number = next((n for n, level in enumerate(one) if max(level.plane.shape) <= 128), len(one) - 1)
    first, second = (np.nan_to_num(_gradients(_as_seen(levels[number].plane))) for levels in (one, other))
    high, wide = first.shape[1:]
    size = (2 * high, 2 * wide)
    product = np.fft.rfft2(second, size) * np.conj(np.fft.rfft2(first, size))
    surface = np.fft.irfft2(product.sum(axis=0), size)
    y, x = np.fft.fftfreq(size[0], 1 / size[0])[:, None], np.fft.fftfreq(size[1], 1 / size[1])[None]
    shared = np.clip(1 - np.abs(y) / high, 0, 1) * np.clip(1 - np.abs(x) / wide, 0, 1)
    surface = np.where(shared > OVERLAP, surface / np.sqrt(np.maximum(shared, OVERLAP)), -np.inf)
    found = []
    for _ in range(most):
        row, column = np.unravel_index(int(np.argmax(surface)), surface.shape)
        dy, dx = float(y[row, 0]), float(x[0, column])
        found.append(np.array([[1, 0, dx * one[number].factor], [0, 1, dy * one[number].factor], [0, 0, 1.0]]))
        surface[(np.abs(y - dy) < 4) & (np.abs(x - dx) < 4)] = -np.inf
    return found


def connected(count: int, links: Sequence[Link]) -> frozenset[int]:
    """The largest set of frames that links hold together."""
    group = list(range(count))
    for link in links:
        a, b = group[link.first], group[link.second]
        group = [min(a, b) if name in (a, b) else name for name in group]
    largest = max(set(group), key=lambda name: (group.count(name), -name))
    return frozenset(n for n, name in enumerate(group) if name == largest)


def common_area(transforms: Sequence[Matrix], width: int, height: int) -> tuple[int, int, int, int]:
    """The rectangle y0, y1, x0, x1 of the reference that all frames cover; empty where there is none.

    Each side moves inwards until all its pixels are seen by all frames.
    """
    x0, x1, y0, y1 = 0.0, width - 1.0, 0.0, height - 1.0
    for _ in range(8):
        before = x0, x1, y0, y1
        for matrix in transforms:
            back = inverse(matrix)
            left = _line(back, 0, None, y0, y1)
            right = _line(back, width - 1, None, y0, y1)
            top, bottom = _line(back, None, 0, x0, x1), _line(back, None, height - 1, x0, x1)
            x0, x1 = max(x0, max(left)), min(x1, min(right))
            y0, y1 = max(y0, max(top)), min(y1, min(bottom))
        if before == (x0, x1, y0, y1):
            break
    small = 1e-6
    return (math.ceil(y0 - small), math.floor(y1 + small) + 1, math.ceil(x0 - small), math.floor(x1 + small) + 1)


def _line(back: Matrix, x: float | None, y: float | None, low: float, high: float) -> list[float]:
    """Where a border of the frame runs in the reference, at the two ends of a span of the other coordinate."""
    found = []
    for end in (low, high):
        at = end
        for _ in range(12):  # the place on the border whose image has the coordinate ``end``
            point = np.array([x, at, 1.0]) if x is not None else np.array([at, y, 1.0])
            image = back @ point
            image = image[:2] / image[2]
            at += end - (image[1] if x is not None else image[0])
        found.append(float(image[0] if x is not None else image[1]))
    return found
