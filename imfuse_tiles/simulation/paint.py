"""Painting ground and hairs: shapes to fragments.

A deck is float32 (6, height, width): linear light red, green, blue
(premultiplied, highlights up to about 3), coverage 0..1, depth 0..1, and the depth down to which the thing
is solid. Nothing here depends on where a window lies: positions are absolute, taken relative to the thing.
"""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.compiler import njit

Plane = np.ndarray
RED, GREEN, BLUE, COVER, DEPTH, BASE = range(6)


@njit(cache=True, nogil=True)
def blend(t: float, low: float, middle: float, high: float) -> float:
    """A ramp through three values for t = 0, 0.5, 1."""
    t = min(max(t, 0.0), 1.0)
    if t < 0.5:
        return low + (middle - low) * 2 * t
    return middle + (high - middle) * (2 * t - 1)


@njit(cache=True, nogil=True)
def shadows(bodies: np.ndarray, x0: int, y0: int, height: int, width: int) -> Plane:
    """The light that reaches the ground, 0..1: each body darkens the ground beside and below it."""
    light = np.ones((height, width), np.float32)
    for n in range(len(bodies)):
        x, y, a, b, c, s = bodies[n, :6]
        x += 0.10 * a
        y += 0.16 * a
        reach = 1.25 * a
        for py in range(max(int(y - reach) - y0, 0), min(int(y + reach) + 2 - y0, height)):
            for px in range(max(int(x - reach) - x0, 0), min(int(x + reach) + 2 - x0, width)):
                dx = px + x0 - x
                dy = py + y0 - y
                u = (dx * c + dy * s) / (1.25 * a)
                v = (dy * c - dx * s) / (1.25 * b)
                near = 1 - (u * u + v * v)
                if near > 0:
                    light[py, px] *= np.float32(1 - 0.75 * min(1.0, near * 2.0))
    return light


@njit(cache=True, nogil=True)
def ground(
    deck: np.ndarray,
    tilt: np.ndarray,
    swell: Plane,
    fine: Plane,
    vein: Plane,
    border: Plane,
    tone: Plane,
    light: Plane,
) -> None:
    """A leaf-like tissue, the deck behind everything.

    tilt: depth of each row; swell, fine: noise of large and of small scale; vein: distance to the walls of
    large cells; border, tone: of the small cells; light: `shadows`. Planes carry one more row and column
    at the top and left, so that a slope can be taken.
    """
    height, width = light.shape
    for y in range(height):
        for x in range(width):
            s = float(swell[y + 1, x + 1])
            crisp = min(max(0.5 + 2.6 * s, 0.06), 1.0)
            wall = min(float(border[y + 1, x + 1]), 6.0) / 6.0
            wall = wall * (2 - wall)
            rib = max(0.0, 1 - vein[y + 1, x + 1] / 9.0)
            slope = (swell[y + 1, x + 1] - swell[y, x]) * 38.0
            slope += crisp * (min(border[y + 1, x + 1], np.float32(5)) - min(border[y, x], np.float32(5))) * 0.2
            slope -= (min(vein[y + 1, x + 1], np.float32(9)) - min(vein[y, x], np.float32(9))) * 0.16
            slope += crisp * (fine[y + 1, x + 1] - fine[y, x]) * 0.55
            shade = min(max(0.62 + 0.42 * slope, 0.08), 1.7) * light[y, x]
            shade *= 1 - 0.55 * crisp * (1 - wall)
            shade *= 1 + 0.55 * crisp * (tone[y + 1, x + 1] - 0.5)
            hue = 0.5 + 1.05 * s + 0.10 * (tone[y + 1, x + 1] - 0.5) * crisp
            red = blend(hue, 0.012, 0.050, 0.34) + 0.16 * rib
            green = blend(hue, 0.075, 0.200, 0.36) + 0.20 * rib
            blue = blend(hue, 0.090, 0.055, 0.035) + 0.07 * rib
            deck[RED, y, x] = red * shade
            deck[GREEN, y, x] = green * shade
            deck[BLUE, y, x] = blue * shade
            deck[COVER, y, x] = 1
            deck[DEPTH, y, x] = min(max(tilt[y] - 0.16 * s - 0.012 * rib, 0.0), 1.0)
            deck[BASE, y, x] = 1


@njit(cache=True, nogil=True)
def hairs(deck: np.ndarray, pieces: np.ndarray, x0: int, y0: int) -> None:
    """Paint bristles (columns `hairs.HAIR`); where they cross, the nearer one is kept."""
    _, height, width = deck.shape
    for n in range(len(pieces)):
        ax, ay, bx, by, w0, w1, d0, d1, t0, t1, tint = pieces[n]
        ex = bx - ax
        ey = by - ay
        square = ex * ex + ey * ey + 1e-9
        long = np.sqrt(square)
        reach = w0 + 1
        for py in range(max(int(min(ay, by) - reach) - y0, 0), min(int(max(ay, by) + reach) + 2 - y0, height)):
            for px in range(max(int(min(ax, bx) - reach) - x0, 0), min(int(max(ax, bx) + reach) + 2 - x0, width)):
                dx = px + x0 - ax
                dy = py + y0 - ay
                t = min(max((dx * ex + dy * ey) / square, 0.0), 1.0)
                rx = dx - t * ex
                ry = dy - t * ey
                w = w0 + (w1 - w0) * t
                cover = min(w + 0.5 - np.sqrt(rx * rx + ry * ry), min(2 * w, 1.0))
                depth = d0 + (d1 - d0) * t
                if cover <= 0.02:
                    continue
                old = deck[COVER, py, px]
                if cover < old and (cover < 0.5 or depth > deck[DEPTH, py, px]):
                    continue
                if cover == old and depth > deck[DEPTH, py, px]:
                    continue
                side = (dx * ey - dy * ex) / (long * (w + 0.4))
                if ex + 0.6 * ey < 0:
                    side = -side
                lit = max(0.10, 1 - 1.5 * (side + 0.3) * (side + 0.3))
                tip = t0 + (t1 - t0) * t
                lit = (lit + 1.1 * lit**8) * (0.35 + 0.75 * tip)
                if tint < 0:
                    deck[RED, py, px] = (0.10 * lit + 0.02) * cover
                    deck[GREEN, py, px] = (0.055 * lit + 0.012) * cover
                    deck[BLUE, py, px] = (0.04 * lit + 0.012) * cover
                else:
                    deck[RED, py, px] = (0.50 + 0.20 * tint) * lit * cover
                    deck[GREEN, py, px] = (0.26 + 0.22 * tint) * lit * cover
                    deck[BLUE, py, px] = (0.09 + 0.22 * tint) * lit * cover
                deck[COVER, py, px] = cover
                deck[DEPTH, py, px] = depth
                deck[BASE, py, px] = depth
