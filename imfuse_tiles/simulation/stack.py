"""The pixels of a simulated stack, window by window: what to photograph, and each window of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.simulation import discs, layers, lens, paint
from imfuse_tiles.simulation.bodies import bodies
from imfuse_tiles.simulation.misalign import Transform, drifted, lanczos, resample, source_box, wander
from imfuse_tiles.simulation.noise import cells, chance, octaves
from imfuse_tiles.simulation.scene import Scene

_FINE = np.array([0.5, 0.6, 0.6, 0.5, 0.3], np.float32)
_SWELL = np.array([0, 0, 0, 0, 0, 0.04, 0.12, 0.3, 0.55, 0.4], np.float32)
_AT_ONCE = 16

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Stack:
    """A stack to be simulated; a pure value, from which every window of every picture follows.

    Fields as in `render`; nothing is checked here.
    """

    width: int
    height: int
    slices: int
    seed: int
    bits: int = 16
    noise: float = 0.0
    misalign: bool = False
    drift: float = 0.0

    @cached_property
    def scene(self) -> Scene:
        return Scene(self.width, self.height, self.seed)

    @cached_property
    def transforms(self) -> list[Transform]:
        """One per slice; all the identity for an aligned stack whose light does not drift."""
        still = [Transform()] * self.slices
        moves = wander(self.slices, self.seed, self.width, self.height) if self.misalign else still
        return drifted(moves, self.drift)

    def focus(self, number: int) -> float:
        """Depth in focus in a slice: 0 in the first to 1 in the last, evenly; 0.5 in a single slice."""
        return number / (self.slices - 1) if self.slices > 1 else 0.5

    @cached_property
    def _discs(self) -> np.ndarray:
        """Discs of the truth (all in focus) and then of every slice, for every depth bin."""
        middles = (np.arange(layers.BINS) + 0.5) / layers.BINS
        sharp = [np.zeros(layers.BINS)]
        blurs = [discs.FULL_BLUR * np.abs(middles - self.focus(n)) for n in range(self.slices)]
        return np.stack([discs.pixel_discs(radii) for radii in sharp + blurs])

    @cached_property
    def _matrices(self) -> list[np.ndarray | None]:
        moves: list[Transform | None] = [None, *self.transforms]
        return [None if m is None or m.is_still else m.matrix(self.width, self.height) for m in moves]

    def window(self, box: Box) -> Iterator[tuple[str | int, np.ndarray]]:
        """("truth", RGB), ("depth", grey) and (number, RGB) of every slice, in the window (x0, y0, x1, y1)."""
        decks, painted = None, None
        for first, last, source in self._groups(box):
            if painted != source:
                decks, painted = self._paint(source), source
            assert decks is not None
            shots = lens.expose(decks, self._discs[first:last])
            for n in range(first, last):
                if n == 0:
                    yield "depth", _depth(decks, source, box)
                    yield "truth", self._develop(shots[0], source, box, 0)
                else:
                    yield n - 1, self._develop(shots[n - first], source, box, n)

    def _groups(self, box: Box) -> Iterator[tuple[int, int, Box]]:
        """Runs of exposures (0 is the truth) that share one painted part of the scene."""
        roomy = 1.3 * (box[2] - box[0] + 24) * (box[3] - box[1] + 24)
        first, union = 0, box
        for n, matrix in enumerate(self._matrices):
            own = box if matrix is None else source_box(matrix, *box)
            both = (min(union[0], own[0]), min(union[1], own[1]), max(union[2], own[2]), max(union[3], own[3]))
            too_large = (both[2] - both[0]) * (both[3] - both[1]) > roomy
            if n > first and (too_large or n - first == _AT_ONCE):
                yield first, n, union
                first, both = n, own
            union = both
        yield first, len(self._matrices), union

    def _paint(self, box: Box) -> np.ndarray:
        """All decks of the scene in a box and the halo of the lens, float32 (4, 6, height, width)."""
        x0, y0 = box[0] - discs.HALO, box[1] - discs.HALO
        x1, y1 = box[2] + discs.HALO, box[3] + discs.HALO
        high, wide = y1 - y0, x1 - x0
        margin = (x0 - 1, y0 - 1, high + 1, wide + 1)
        salt = (self.seed * 65537 + 17) & 0x3FFFFFFF
        large = self.scene.large_bodies(x0, y0, x1, y1)
        small = self.scene.small_bodies(x0, y0, x1, y1)
        fine = octaves(*margin, salt, _FINE)
        border, tone = cells(*margin, salt + 200, 13)
        vein, _ = cells(*margin, salt + 300, 150)
        tilt = self.scene.ground_depth(np.arange(y0, y1))
        light = paint.shadows(large, x0, y0, high, wide)
        decks = np.zeros((4, 6, high, wide), np.float32)
        swell = octaves(*margin, salt + 100, _SWELL)
        paint.ground(decks[0], tilt, swell, fine, vein, border, tone, light)
        bodies(decks[1], large, x0, y0, fine)
        bodies(decks[2], small, x0, y0, fine)
        paint.hairs(decks[3], self.scene.hairs(x0, y0, x1, y1), x0, y0)
        return decks

    def _develop(self, light: np.ndarray, source: Box, box: Box, n: int) -> np.ndarray:
        x0, y0, x1, y1 = box
        matrix = self._matrices[n]
        if matrix is None:
            light = light[y0 - source[1] : y1 - source[1], x0 - source[0] : x1 - source[0]]
        else:
            light = resample(light, source[0], source[1], matrix, lanczos(), x0, y0, y1 - y0, x1 - x0)
        gains, noise = (self.transforms[n - 1].gains, self.noise) if n else (np.ones(3), 0.0)
        light, salt = np.ascontiguousarray(light), (self.seed * 31 + n * 3) & 0x3FFFFFFF
        values = _encode(light, gains, noise, salt, x0, y0, 2**self.bits - 1)
        return values.astype(np.uint8) if self.bits == 8 else values


def _depth(decks: np.ndarray, source: Box, box: Box) -> np.ndarray:
    """Depth of the foremost thing that covers at least half of the pixel: uint16, 0 front to 65535 back."""
    left, top = box[0] - source[0] + discs.HALO, box[1] - source[1] + discs.HALO
    part = decks[:, :, top : top + box[3] - box[1], left : left + box[2] - box[0]]
    depth = np.where(part[:, paint.COVER] >= 0.5, part[:, paint.DEPTH], np.float32(1)).min(axis=0)
    return np.round(np.clip(depth, 0, 1) * np.float32(65535)).astype(np.uint16)


@njit(cache=True, nogil=True)
def _encode(light: np.ndarray, gains: np.ndarray, noise: float, seed: int, x0: int, y0: int, top: int) -> np.ndarray:
    """Linear light to picture values 0..top, uint16: square root (a display gamma of 2), then noise.

    The noise is the sum of four even random numbers, close to normal; its standard deviation `noise` is a
    fraction of full scale. The square root is exactly rounded everywhere, unlike a power.
    """
    high, wide, _ = light.shape
    out = np.empty((high, wide, 3), np.uint16)
    for y in range(high):
        for x in range(wide):
            for c in range(3):
                value = np.sqrt(min(max(light[y, x, c] * gains[c], 0.0), 1.0))
                if noise > 0:
                    even = -2.0
                    for i in range(4):
                        even += chance(seed + c, 2 * (x0 + x) + (i & 1), 2 * (y0 + y) + (i >> 1))
                    value = min(max(value + noise * even * 1.7320508075688772, 0.0), 1.0)
                out[y, x, c] = int(value * top + 0.5)
    return out
