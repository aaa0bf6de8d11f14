"""Painting: shapes to fragments. A deck is float32 (6, height, width): linear light red, green, blue
(premultiplied, highlights up to about 3), coverage 0..1, depth 0..1, and the depth down to which the thing
is solid. Nothing here depends on where a window lies: positions are absolute, taken relative to the thing.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .noise import chance

Plane = np.ndarray
RED, GREEN, BLUE, COVER, DEPTH, BASE = range(6)


@njit(cache=True, nogil=True)
def _lens(u: float, v: float) -> tuple[float, float, float]:
    """Offset from the nearest point of a hexagonal lattice (pitch 1 along u) and that distance, squared."""
    row = 1.7320508075688772
    au = u - np.floor(u + 0.5)
    av = (v / row - np.floor(v / row + 0.5)) * row
    bu = u - np.floor(u) - 0.5
    bv = (v / row - np.floor(v / row) - 0.5) * row
    a = au * au + av * av
    b = bu * bu + bv * bv
    if a < b:
        return au, av, a
    return bu, bv, b


@njit(cache=True, nogil=True)
def _blend(t: float, low: float, middle: float, high: float) -> float:
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
def ground(deck: np.ndarray, x0: int, y0: int, tilt: np.ndarray, swell: Plane, fine: Plane, vein: Plane,
           border: Plane, tone: Plane, light: Plane) -> None:
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
            red = _blend(hue, 0.012, 0.050, 0.34) + 0.16 * rib
            green = _blend(hue, 0.075, 0.200, 0.36) + 0.20 * rib
            blue = _blend(hue, 0.090, 0.055, 0.035) + 0.07 * rib
            deck[RED, y, x] = red * shade
            deck[GREEN, y, x] = green * shade
            deck[BLUE, y, x] = blue * shade
            deck[COVER, y, x] = 1
            deck[DEPTH, y, x] = min(max(tilt[y] - 0.16 * s - 0.012 * rib, 0.0), 1.0)
            deck[BASE, y, x] = 1


@njit(cache=True, nogil=True)
def bodies(deck: np.ndarray, rows: np.ndarray, x0: int, y0: int, fine: Plane) -> None:
    """Paint domes, grains and drops (columns `scene.BODY`); later rows cover earlier ones."""
    _, height, width = deck.shape
    for n in range(len(rows)):
        bx, by, a, b, c, s, rim, tall, kind, tint, number = rows[n]
        reach = a + 2
        for py in range(max(int(by - reach) - y0, 0), min(int(by + reach) + 2 - y0, height)):
            for px in range(max(int(bx - reach) - x0, 0), min(int(bx + reach) + 2 - x0, width)):
                dx = px + x0 - bx
                dy = py + y0 - by
                u = (dx * c + dy * s) / a
                v = (dy * c - dx * s) / b
                q = u * u + v * v
                cover = 0.5 + (1 - np.sqrt(q)) * b
                if cover <= 0:
                    continue
                cover = min(cover, 1.0)
                up = np.sqrt(max(1 - q, 0.0))
                # the slope of the dome in its own frame, then small lenses, pits and grain on it
                nu = u * b / a
                nv = v
                grain = fine[py + 1, px + 1] - fine[py, px]
                emboss = 0.35 * grain
                gloss = 1.0
                dark = 1.0
                bend = 1 + 0.30 * q
                red = green = blue = 0.0
                if kind == 1:
                    lu, lv, ll = _lens(u * a * bend / 10.0, v * b * bend / 10.0)
                    nu += 0.55 * lu
                    nv += 0.55 * lv
                    dark = min(1.0, max(0.12, (0.31 - ll) * 7))
                    band = v * 1.9 + 0.25 * u + 10
                    band = abs(band - 2 * np.floor(band / 2) - 1)
                    hue = band * 0.75 + 0.35 * (1 - up)
                    red = _blend(hue, 0.42, 0.50, 0.10)
                    green = _blend(hue, 0.05, 0.20, 0.30)
                    blue = _blend(hue, 0.05, 0.02, 0.22)
                    gloss = 1.6
                elif kind == 0:
                    lu, lv, ll = _lens(u * a * bend / 15.0, v * b * bend / 15.0)
                    pit = max(0.0, 1 - ll * 14)
                    nu -= 1.1 * pit * lu * 4
                    nv -= 1.1 * pit * lv * 4
                    dark = 1 - 0.55 * pit
                    neck = (u - 0.52 - 0.10 * v * v) * a
                    if neck > 0:
                        nu -= 1.1 * pit * lu * -4
                        nv -= 1.1 * pit * lv * -4
                        dark = 0.34
                        emboss *= 1.6
                    seam = abs(neck)
                    if neck < 0:
                        seam = min(seam, abs(v) * b)
                    dark *= min(1.0, 0.2 + seam * 0.25)
                    hue = 0.9 - up * 0.95 + 0.25 * (tint - 0.5) + 0.1 * u
                    if tint < 0.5:
                        red = _blend(hue, 0.55, 0.40, 0.14)
                        green = _blend(hue, 0.30, 0.055, 0.02)
                        blue = _blend(hue, 0.04, 0.03, 0.12)
                    elif tint < 0.8:
                        red = _blend(hue, 0.05, 0.03, 0.16)
                        green = _blend(hue, 0.34, 0.17, 0.03)
                        blue = _blend(hue, 0.30, 0.36, 0.30)
                    else:
                        red = _blend(hue, 0.62, 0.52, 0.20)
                        green = _blend(hue, 0.44, 0.22, 0.04)
                        blue = _blend(hue, 0.10, 0.04, 0.02)
                elif kind == 2:
                    lu, lv, ll = _lens(u * a * bend / 6.5, v * b * bend / 6.5)
                    nu += 0.9 * lu
                    nv += 0.9 * lv
                    dark = min(1.0, max(0.35, (0.36 - ll) * 5))
                    red = 0.72
                    green = 0.30 + 0.22 * tint
                    blue = 0.03 + 0.05 * tint
                    gloss = 0.25
                else:
                    emboss = 0.0
                    low = 0.5 + 0.5 * (0.5 * dx + 0.85 * dy) / a
                    red = 0.02 + 0.30 * low * low * low
                    green = 0.06 + 0.50 * low * low * low
                    blue = 0.07 + 0.36 * low * low * low
                    gloss = 3.0
                # light from the upper left
                ix = nu * c - nv * s
                iy = nu * s + nv * c
                length = np.sqrt(ix * ix + iy * iy + up * up + 1e-3)
                facing = (-0.42 * ix - 0.55 * iy + 0.72 * up) / length
                half = (-0.24 * ix - 0.31 * iy + 0.92 * up) / length
                diffuse = max(0.0, facing) * 0.95 + 0.16 + 0.12 * (1 - up)
                if kind == 3:
                    diffuse = 1.0
                shine = max(0.0, half) ** 2
                shine = shine * shine
                shine = shine * shine
                shine = shine * shine
                broad = shine
                shine = shine * shine
                shine = shine * shine
                shine = gloss * (1.3 * shine + 0.07 * broad)
                shade = diffuse * dark * min(max(1 + emboss * 2.2, 0.2), 2.0)
                speck = chance(int(number), px + x0, py + y0)
                if speck > 0.9985 and kind < 2:
                    shine += 1.2
                deck[RED, py, px] = min(red * shade + shine, 3.5) * cover
                deck[GREEN, py, px] = min(green * shade + shine * 0.96, 3.5) * cover
                deck[BLUE, py, px] = min(blue * shade + shine * 0.88, 3.5) * cover
                deck[COVER, py, px] = cover
                deck[DEPTH, py, px] = rim - tall * up
                deck[BASE, py, px] = rim


@njit(cache=True, nogil=True)
def hairs(deck: np.ndarray, pieces: np.ndarray, x0: int, y0: int) -> None:
    """Paint bristles (columns `scene.HAIR`); where they cross, the nearer one is kept."""
    _, height, width = deck.shape
    for n in range(len(pieces)):
        ax, ay, bx, by, w0, w1, d0, d1, t0, t1, tint = pieces[n]
        ex = bx - ax
        ey = by - ay
        square = ex * ex + ey * ey + 1e-9
        long = np.sqrt(square)
        reach = w0 + 1
        for py in range(max(int(min(ay, by) - reach) - y0, 0), min(int(max(ay, by) + reach) + 2 - y0, height)):
            for px in range(max(int(min(ax, bx) - reach) - x0, 0),
                            min(int(max(ax, bx) + reach) + 2 - x0, width)):
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
                lit = (lit + 1.1 * lit ** 8) * (0.35 + 0.75 * tip)
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
                # a hair reaches a little way back, so that its pieces overlap between depth layers
                deck[BASE, py, px] = depth + 0.045
