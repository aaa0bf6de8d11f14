"""Frames, regions, halos and windows: which pixels a block needs, and what lies beyond the frame.

Every filter works in the *valid* convention: it is given a plane with its halo around it and returns the
plane without. A window knows which frame it was cut from, so it can tell a side that is the frame's own
border (to be padded by the border rule) from one that merely ends the tile (to be shrunk).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from imfuse_tiles.lazy_numpy import np

Plane: TypeAlias = "np.ndarray"
Frame: TypeAlias = tuple[int, int]
#: What lies beyond a frame: its edge repeated, mirrored (edge once, or twice), or zeros. Modes of ``numpy.pad``.
PadMode = Literal["edge", "reflect", "symmetric", "constant"]


class Halo(NamedTuple):
    """Pixels needed beyond each side of a region. Chains add, parallel branches take the maximum."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    @classmethod
    def uniform(cls, reach: int) -> Halo:
        return cls(reach, reach, reach, reach)

    def plus(self, other: Halo) -> Halo:
        return Halo(*(a + b for a, b in zip(self, other, strict=True)))

    def times(self, count: int) -> Halo:
        return Halo(*(a * count for a in self))

    def maximum(self, other: Halo) -> Halo:
        return Halo(*(max(a, b) for a, b in zip(self, other, strict=True)))

    @property
    def radius(self) -> int:
        return max(self)


def total_halo(halos: Iterator[Halo]) -> Halo:
    """The halo of filters run one after the other."""
    total = Halo()
    for halo in halos:
        total = total.plus(halo)
    return total


class Region(NamedTuple):
    """A rectangle of a frame: rows y0 <= y < y1, columns x0 <= x < x1."""

    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def shape(self) -> Frame:
        return self.y1 - self.y0, self.x1 - self.x0

    def with_halo(self, halo: Halo, frame: Frame) -> Region:
        """The region with its halo, clipped to the frame."""
        return Region(
            max(0, self.y0 - halo.top),
            min(frame[0], self.y1 + halo.bottom),
            max(0, self.x0 - halo.left),
            min(frame[1], self.x1 + halo.right),
        )

    def united(self, other: Region) -> Region:
        """The smallest region that holds both."""
        (a, b, c, d), (e, f, g, h) = self, other
        return Region(min(a, e), max(b, f), min(c, g), max(d, h))

    def offset(self, inner: Region) -> tuple[int, int]:
        """Row and column at which a region inside this one begins."""
        return inner.y0 - self.y0, inner.x0 - self.x0

    def bands(self, halo: Halo, pixels: int = 1 << 18) -> Iterator[Region]:
        """The region in bands of about so many pixels, whose planes stay in the caches while they are worked on.

        Where the halo is large beside such a band, the whole region is one.
        """
        rows = max(16, pixels // max(1, self.x1 - self.x0))
        if 4 * (halo.top + halo.bottom) > rows:
            rows = self.y1 - self.y0
        for y0 in range(self.y0, self.y1, max(rows, 1)):
            yield self._replace(y0=y0, y1=min(y0 + rows, self.y1))

    def split(self, edge: int) -> Iterator[Region]:
        """The region in squares of ``edge`` pixels, row by row, ragged at the right and bottom."""
        for y0 in range(self.y0, self.y1, edge):
            for x0 in range(self.x0, self.x1, edge):
                yield Region(y0, min(y0 + edge, self.y1), x0, min(x0 + edge, self.x1))

    def slices_in(self, outer: Region) -> tuple[slice, slice]:
        """The slices that cut this region out of an array that covers ``outer``."""
        return (
            slice(self.y0 - outer.y0, self.y1 - outer.y0),
            slice(self.x0 - outer.x0, self.x1 - outer.x0),
        )


@dataclass(frozen=True)
class Window:
    """Samples (..., y, x) of a region of a frame of ``frame`` = (height, width) pixels."""

    data: np.ndarray
    region: Region
    frame: Frame

    @classmethod
    def whole(cls, data: np.ndarray) -> Window:
        """A window that is the frame itself."""
        height, width = data.shape[-2:]
        return cls(data, Region(0, height, 0, width), (height, width))

    def with_data(self, data: np.ndarray) -> Window:
        """The same place with other samples."""
        return Window(data, self.region, self.frame)

    def border_padding(self, halo: Halo) -> Halo:
        """How much of the halo must be made up by the border rule: all of it where the frame ends, else none."""
        region, (height, width) = self.region, self.frame
        return Halo(
            halo.top if region.y0 == 0 else 0,
            halo.bottom if region.y1 == height else 0,
            halo.left if region.x0 == 0 else 0,
            halo.right if region.x1 == width else 0,
        )

    def padded(self, halo: Halo, rule: PadMode = "edge") -> np.ndarray:
        """Samples with the halo made up at the frame's borders by ``rule``."""
        made = self.border_padding(halo)
        if not any(made):
            return np.ascontiguousarray(self.data)
        around = [(0, 0)] * (self.data.ndim - 2) + [(made.top, made.bottom), (made.left, made.right)]
        return np.pad(self.data, around, mode=rule)

    def valid_region(self, halo: Halo) -> Region:
        """The region left after a filter of this halo: sides on the frame's border stay where they are."""
        made, region = self.border_padding(halo), self.region
        return Region(
            region.y0 + halo.top - made.top,
            region.y1 - halo.bottom + made.bottom,
            region.x0 + halo.left - made.left,
            region.x1 - halo.right + made.right,
        )

    def filtered(self, kernel: Callable[[Plane], Plane], halo: Halo, rule: PadMode = "edge") -> Window:
        """``kernel`` (valid convention, one plane) run on every plane."""
        return Window(self.padded(halo, rule), self.region, self.frame)._each(kernel, self.valid_region(halo))

    def filtered_unpadded(self, kernel: Callable[[Plane], Plane], halo: Halo) -> Window:
        """``kernel`` run on every plane, which makes up itself what lies ``border_padding`` the frame."""
        return self._each(kernel, self.valid_region(halo))

    def _each(self, kernel: Callable[[Plane], Plane], region: Region) -> Window:
        planes = self.data
        lead = planes.shape[:-2]
        flat = planes.reshape(-1, *planes.shape[-2:])
        made = [kernel(plane) for plane in flat]
        data = made[0].reshape(*lead, *made[0].shape) if len(made) == 1 else np.stack(made)
        return Window(data.reshape(*lead, *data.shape[-2:]), region, self.frame)

    def in_bands(self, halo: Halo, work: Callable[[Window], Window]) -> Window:
        """What ``work`` makes of the window, in bands of rows: several filters one after the other stay in the caches.

        ``halo`` is what ``work`` needs, all its filters together.
        """
        region = self.valid_region(halo)
        bands = list(region.bands(halo))
        if len(bands) == 1:
            return work(self)
        made = np.empty((*self.data.shape[:-2], *region.shape), np.float32)
        for band in bands:
            part = work(self.cropped(band.with_halo(halo, self.frame))).cropped(band)
            made[(..., *band.slices_in(region))] = part.data
        return Window(made, region, self.frame)

    def cropped(self, region: Region) -> Window:
        """The part of this window that covers ``region``."""
        if region == self.region:
            return self
        return Window(self.data[(..., *region.slices_in(self.region))], region, self.frame)

    def common_data(self, other: Window) -> tuple[np.ndarray, np.ndarray]:
        """Samples of both windows over the region they share (the smaller of two nested ones)."""
        region = self.common_region(other)
        return self.cropped(region).data, other.cropped(region).data

    def common_region(self, other: Window) -> Region:
        a, b = self.region, other.region
        return Region(max(a.y0, b.y0), min(a.y1, b.y1), max(a.x0, b.x0), min(a.x1, b.x1))


def tile_indices(frame: Frame, edge: int) -> Iterator[tuple[int, int]]:
    """Indices (row, column) of the square tiles that cover a frame, row by row."""
    for row in range(-(-frame[0] // edge)):
        for column in range(-(-frame[1] // edge)):
            yield row, column


def tile_region(frame: Frame, edge: int, row: int, column: int) -> Region:
    """The region of a tile, ragged at the right and bottom."""
    y0, x0 = row * edge, column * edge
    return Region(y0, min(y0 + edge, frame[0]), x0, min(x0 + edge, frame[1]))
