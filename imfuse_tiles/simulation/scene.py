"""What is in the picture and where: the bodies and hairs of an endless macro scene, asked for by window.

Depth runs from 0 (front) to 1 (back). The ground rises towards the lower edge; on it lie beetle-like
domes, pollen and dew; bristles rise from everything and cross in front. Things stand in jittered
lattice cells, so their number follows the area; three large bodies follow the size of the frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from imfuse_tiles.simulation.hairs import limbs, straight_pieces, touching_pieces
from imfuse_tiles.simulation.noise import chances

#: columns of a body: centre, semi-axes and direction in pixels, depth of rim, height, kind, tint, seed
BODY = ("x", "y", "a", "b", "cos", "sin", "rim", "height", "kind", "tint", "seed")
Dice = Callable[[int], np.ndarray]
ELYTRA, EYE, POLLEN, DEW = 0, 1, 2, 3

_LARGE_CELL, _SMALL_CELL, _HAIR_CELL = 330, 118, 44
_HAIR_REACH = 300
_HEROES = ((0.31, 0.45, 0.225, EYE), (0.71, 0.63, 0.185, ELYTRA), (0.64, 0.17, 0.12, ELYTRA))


@dataclass(frozen=True)
class Scene:
    """The scene behind a frame of `width` x `height` pixels; the same seed and size give the same scene."""

    width: int
    height: int
    seed: int

    def ground_depth(self, y: np.ndarray) -> np.ndarray:
        """Depth of the even ground at row y, between 0.95 (top edge) and 0.60 (bottom edge)."""
        return 0.95 - 0.35 * np.clip(np.asarray(y, float) / max(self.height - 1, 1), 0, 1)

    def large_bodies(self, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
        """Domes that may touch the window x0..x1, y0..y1 (float64, one row each, columns `BODY`)."""
        heroes = self._heroes()
        cell = _LARGE_CELL
        i, j = _lattice(x0, y0, x1, y1, cell, cell)
        rand = self._dice(1, i, j)
        radius = 48 + 82 * rand(0) ** 1.5
        room = np.maximum(cell / 2 - radius - 8, 0)
        x = np.floor((i + 0.5) * cell + (2 * rand(1) - 1) * room)
        y = np.floor((j + 0.5) * cell + (2 * rand(2) - 1) * room)
        free = rand(3) < 0.7
        for hero in heroes:
            free &= np.hypot(x - hero[0], y - hero[1]) > hero[2] + radius + 10
        kind = np.where(rand(4) < 0.3, EYE, ELYTRA)
        lattice = self._bodies(rand, x, y, radius, kind)[free]
        return _touching(np.vstack([heroes, lattice]), x0, y0, x1, y1)

    def small_bodies(self, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
        """Pollen grains and dew drops that may touch the window (columns `BODY`)."""
        i, j = _lattice(x0, y0, x1, y1, _SMALL_CELL, 0)
        rand = self._dice(2, i, j)
        radius = 7 + 25 * rand(0) ** 2
        room = _SMALL_CELL / 2 - radius - 4
        x = np.floor((i + 0.5) * _SMALL_CELL + (2 * rand(1) - 1) * room)
        y = np.floor((j + 0.5) * _SMALL_CELL + (2 * rand(2) - 1) * room)
        kind = np.where(rand(4) < 0.5, POLLEN, DEW)
        bodies = self._bodies(rand, x, y, radius, kind)
        # what meets a dome sits on it, so that surfaces never cut through each other
        under, _ = self._on_domes(x, y, radius + 2)
        rim, tall = BODY.index("rim"), BODY.index("height")
        bodies[:, rim] = np.clip(under - 0.02, 0.01, bodies[:, rim])
        bodies[:, tall] = np.minimum(bodies[:, tall], bodies[:, rim])
        return _touching(bodies[rand(3) < 0.62], x0, y0, x1, y1)

    def hairs(self, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
        """Pieces of bristles that may touch the window (float64, one row each, columns `HAIR`)."""
        i, j = _lattice(x0, y0, x1, y1, _HAIR_CELL, _HAIR_REACH)
        rand = self._dice(3, i, j)
        x = (i + rand(0)) * _HAIR_CELL
        y = (j + rand(1)) * _HAIR_CELL
        depth, lean = self._on_domes(x, y, np.zeros_like(x))
        on_body = depth < 2
        depth = np.where(on_body, depth + 0.015, self.ground_depth(y) + 0.02)
        keep = rand(2) < np.where(on_body, 0.55, 0.055)
        wild = (rand(3) - 0.5) * 2.6 + 4.4
        angle = np.where(on_body, lean + (rand(3) - 0.5) * 1.2, wild)
        long = 40 + np.where(on_body, 70, 230) * rand(4) ** 1.4
        tip = np.maximum(depth - np.where(on_body, 0.12 + 0.3 * rand(5), 0.25 + 0.65 * rand(5)), 0.01)
        thick = 0.9 + 1.7 * rand(6) * long / 270 + 0.5 * rand(7)
        bend = (rand(8) - 0.5) * 1.5
        curves = np.stack([x, y, depth, tip, angle, bend, long, thick, rand(9)], axis=1)[keep]
        domes = self.large_bodies(x0 - _HAIR_REACH, y0 - _HAIR_REACH, x1 + _HAIR_REACH, y1 + _HAIR_REACH)
        beetles = domes[(domes[:, BODY.index("kind")] == ELYTRA) & (domes[:, BODY.index("a")] < 300)]
        legs = limbs(beetles, self.ground_depth(beetles[:, BODY.index("y")]))
        return touching_pieces(straight_pieces(np.vstack([legs, curves])), x0, y0, x1, y1)

    def _dice(self, salt: int, i: np.ndarray, j: np.ndarray) -> Dice:
        """Even random numbers 0..1 for lattice cells: `dice(n)` is the n-th number of every cell."""
        return lambda n: chances((self.seed * 7919 + salt * 1009 + n * 31 + 5) & 0xFFFFFFFF, i, j)

    def _bodies(self, rand: Dice, x: np.ndarray, y: np.ndarray, radius: np.ndarray, kind: np.ndarray) -> np.ndarray:
        small = kind >= POLLEN
        slim = np.where(small, 0.94 + 0.06 * rand(5), 0.68 + 0.25 * rand(5))
        angle = rand(6) * 6.283185307179586
        ground = self.ground_depth(y)
        rim = np.where(small, ground - rand(7) ** 2 * (ground - 0.16), ground + 0.02 - 0.12 * rand(7))
        height = np.where(small, 0.03 + radius / 320, 0.16 + radius / 310)
        height = np.minimum(height, rim - 0.04)
        number = np.floor(rand(8) * 2**20)
        columns = (x, y, radius, radius * slim, np.cos(angle), np.sin(angle), rim, height, kind, rand(9), number)
        return np.stack([np.broadcast_to(np.asarray(c, float), np.shape(x)) for c in columns], axis=1)

    def _heroes(self) -> np.ndarray:
        at = np.arange(len(_HEROES))
        rand = self._dice(4, at, at)
        fx, fy, fr, kind = (np.array(c) for c in zip(*_HEROES, strict=True))
        x = np.floor(self.width * (fx + 0.05 * (rand(0) - 0.5)))
        y = np.floor(self.height * (fy + 0.05 * (rand(1) - 0.5)))
        radius = np.maximum(fr * min(self.width, self.height), 6.0)
        bodies = self._bodies(rand, x, y, radius, kind)
        bodies[:, BODY.index("height")] = bodies[:, BODY.index("rim")] - (0.04, 0.15, 0.3)
        return bodies

    def _on_domes(self, x: np.ndarray, y: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, ...]:
        """Where discs of `radius` around x, y lie on large bodies: depth of the foremost point of the body
        under the disc (2 where there is none) and the direction away from the middle of the body."""
        depth = np.full(x.shape, 2.0)
        lean = np.zeros(x.shape)
        if not x.size:
            return depth, lean
        reach = int(radius.max()) + 2
        bounds = (int(x.min()) - reach, int(y.min()) - reach, int(x.max()) + reach, int(y.max()) + reach)
        for bx, by, a, b, c, s, rim, height, *_ in self.large_bodies(*bounds):
            dx, dy = x - bx, y - by
            inward = np.maximum(1 - radius / np.maximum(np.sqrt(dx * dx + dy * dy), 1e-6), 0)
            q = (((dx * c + dy * s) / a) ** 2 + ((dy * c - dx * s) / b) ** 2) * inward * inward
            inside = q < 0.98
            depth = np.where(inside, rim - height * np.sqrt(np.maximum(1 - q, 0)), depth)
            lean = np.where(inside, np.arctan2(dy, dx), lean)
        return depth, lean


def _lattice(x0: int, y0: int, x1: int, y1: int, cell: int, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Lattice cells, row by row, whose contents may come into the window."""
    i = np.arange((x0 - reach) // cell - 1, (x1 + reach) // cell + 2)
    j = np.arange((y0 - reach) // cell - 1, (y1 + reach) // cell + 2)
    jj, ii = np.meshgrid(j, i, indexing="ij")
    return ii.ravel(), jj.ravel()


def _touching(bodies: np.ndarray, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """Keep the bodies whose surroundings (half a radius: their shadow) meet the window."""
    x, y, reach = bodies[:, 0], bodies[:, 1], 1.5 * bodies[:, 2] + 4
    keep = (x + reach >= x0) & (x - reach < x1) & (y + reach >= y0) & (y - reach < y1)
    return np.ascontiguousarray(bodies[keep])
