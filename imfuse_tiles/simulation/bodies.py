"""Painting solid bodies: domes with wing cases or compound eyes, pollen grains and dew drops.

A material is a function of the place on the body and answers (tilt along u, tilt along v, darkening,
roughness, gloss, red, green, blue): the tilt adds to the slope of the dome and catches the light.
"""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.simulation.noise import chance
from imfuse_tiles.simulation.paint import BASE, BLUE, COVER, DEPTH, GREEN, RED, Plane, blend

Material = tuple[float, float, float, float, float, float, float, float]


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
def _wing_case(u: float, v: float, a: float, b: float, up: float, tint: float) -> Material:
    """Metallic wing cases with rows of pits, a seam between them and a dark neck shield in front."""
    stretch = 1 + 0.30 * (u * u + v * v)
    lu, lv, ll = _lens(u * a * stretch / 15.0, v * b * stretch / 15.0)
    pit = max(0.0, 1 - ll * 14)
    dark = 1 - 0.55 * pit
    rough = 1.0
    neck = (u - 0.52 - 0.10 * v * v) * a
    if neck > 0:
        pit = 0.0
        dark = 0.34
        rough = 1.6
        seam = neck
    else:
        seam = min(-neck, abs(v) * b)
    dark *= min(1.0, 0.2 + seam * 0.25)
    hue = 0.9 - up * 0.95 + 0.1 * u
    if tint < 0.42:
        red, green, blue = blend(hue, 0.55, 0.40, 0.14), blend(hue, 0.30, 0.055, 0.02), blend(hue, 0.04, 0.03, 0.12)
    elif tint < 0.62:
        red, green, blue = blend(hue, 0.05, 0.03, 0.16), blend(hue, 0.34, 0.17, 0.03), blend(hue, 0.30, 0.36, 0.30)
    elif tint < 0.82:
        red, green, blue = blend(hue, 0.62, 0.42, 0.12), blend(hue, 0.13, 0.02, 0.02), blend(hue, 0.05, 0.05, 0.10)
    else:
        red, green, blue = blend(hue, 0.40, 0.22, 0.05), blend(hue, 0.12, 0.05, 0.12), blend(hue, 0.46, 0.40, 0.36)
    return -4.4 * pit * lu, -4.4 * pit * lv, dark, rough, 1.0, red, green, blue


@njit(cache=True, nogil=True)
def _eye(u: float, v: float, a: float, b: float, up: float) -> Material:
    """A compound eye: a small lens on every facet, bands of interference colour across."""
    stretch = 1 + 0.30 * (u * u + v * v)
    lu, lv, ll = _lens(u * a * stretch / 10.0, v * b * stretch / 10.0)
    dark = min(1.0, max(0.12, (0.31 - ll) * 7))
    band = v * 1.9 + 0.25 * u + 10
    hue = abs(band - 2 * np.floor(band / 2) - 1) * 0.75 + 0.35 * (1 - up)
    red, green, blue = blend(hue, 0.42, 0.50, 0.10), blend(hue, 0.05, 0.20, 0.30), blend(hue, 0.05, 0.02, 0.22)
    return 0.55 * lu, 0.55 * lv, dark, 1.0, 1.6, red, green, blue


@njit(cache=True, nogil=True)
def _pollen(u: float, v: float, a: float, b: float, tint: float) -> Material:
    """A mat yellow grain with a knobbly coat."""
    stretch = 1 + 0.30 * (u * u + v * v)
    lu, lv, ll = _lens(u * a * stretch / 6.5, v * b * stretch / 6.5)
    dark = min(1.0, max(0.35, (0.36 - ll) * 5))
    return 0.9 * lu, 0.9 * lv, dark, 1.0, 0.25, 0.72, 0.30 + 0.22 * tint, 0.03 + 0.05 * tint


@njit(cache=True, nogil=True)
def _drop(dx: float, dy: float, a: float) -> Material:
    """A dew drop: it gathers the light on the side away from the lamp."""
    low = 0.5 + 0.5 * (0.5 * dx + 0.85 * dy) / a
    low = low * low * low
    return 0.0, 0.0, 1.0, 0.0, 3.0, 0.02 + 0.30 * low, 0.06 + 0.50 * low, 0.07 + 0.36 * low


@njit(cache=True, nogil=True)
def _lit(ix: float, iy: float, up: float) -> tuple[float, float]:
    """How far a slope faces the lamp at the upper left, and its highlight seen from straight above."""
    length = np.sqrt(ix * ix + iy * iy + up * up + 1e-3)
    facing = (-0.42 * ix - 0.55 * iy + 0.72 * up) / length
    half = max(0.0, (-0.24 * ix - 0.31 * iy + 0.92 * up) / length)
    broad = half * half
    broad *= broad
    broad *= broad
    broad *= broad
    narrow = broad * broad
    narrow *= narrow
    return facing, 1.3 * narrow + 0.07 * broad


@njit(cache=True, nogil=True)
def bodies(deck: np.ndarray, rows: np.ndarray, x0: int, y0: int, fine: Plane) -> None:
    """Paint bodies (columns `scene.BODY`) into a deck; later rows cover earlier ones.

    fine: small noise with one more row and column at the top and left.
    """
    _, height, width = deck.shape
    for n in range(len(rows)):
        bx, by, a = rows[n, :3]
        reach = a + 2
        for py in range(max(int(by - reach) - y0, 0), min(int(by + reach) + 2 - y0, height)):
            for px in range(max(int(bx - reach) - x0, 0), min(int(bx + reach) + 2 - x0, width)):
                grain = fine[py + 1, px + 1] - fine[py, px]
                _paint(deck[:, py, px], rows[n], px + x0, py + y0, grain)


@njit(cache=True, nogil=True)
def _paint(sample: np.ndarray, body: np.ndarray, x: int, y: int, grain: float) -> None:
    """Paint what a body shows at x, y into that sample of the deck, if it is there at all."""
    bx, by, a, b, c, s, rim, tall, kind, tint, number = body
    dx = x - bx
    dy = y - by
    u = (dx * c + dy * s) / a
    v = (dy * c - dx * s) / b
    q = u * u + v * v
    cover = 0.5 + (1 - np.sqrt(q)) * b
    if cover <= 0:
        return
    cover = min(cover, 1.0)
    up = np.sqrt(max(1 - q, 0.0))
    if kind == 0:
        tu, tv, dark, rough, gloss, red, green, blue = _wing_case(u, v, a, b, up, tint)
    elif kind == 1:
        tu, tv, dark, rough, gloss, red, green, blue = _eye(u, v, a, b, up)
    elif kind == 2:
        tu, tv, dark, rough, gloss, red, green, blue = _pollen(u, v, a, b, tint)
    else:
        tu, tv, dark, rough, gloss, red, green, blue = _drop(dx, dy, a)
    tu += u * b / a
    tv += v
    facing, highlight = _lit(tu * c - tv * s, tu * s + tv * c, up)
    diffuse = 1.0 if kind == 3 else max(0.0, facing) * 0.95 + 0.16 + 0.12 * (1 - up)
    shine = gloss * highlight
    if kind < 2 and chance(int(number), x, y) > 0.9985:
        # dust that glints
        shine += 1.2
    shade = diffuse * dark * min(max(1 + 0.77 * rough * grain, 0.2), 2.0)
    sample[RED] = min(red * shade + shine, 3.5) * cover
    sample[GREEN] = min(green * shade + shine * 0.96, 3.5) * cover
    sample[BLUE] = min(blue * shade + shine * 0.88, 3.5) * cover
    sample[COVER] = cover
    sample[DEPTH] = rim - tall * up
    sample[BASE] = rim
