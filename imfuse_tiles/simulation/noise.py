"""Procedural patterns: every value is a function of the absolute pixel coordinate and the seed alone.

An integer hash takes the place of a random number generator, so any window of an endless plane can be
painted at any time, in any order, and always gets the same values.
"""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.compiler import njit

Plane = np.ndarray


@njit(cache=True, nogil=True)
def mix(x: np.uint32) -> np.uint32:
    """A 32-bit integer hash (xorshift-multiply): flips about half of the bits for any changed bit."""
    x ^= x >> np.uint32(16)
    x = np.uint32(x * np.uint32(0x7FEB352D))
    x ^= x >> np.uint32(15)
    x = np.uint32(x * np.uint32(0x846CA68B))
    return np.uint32(x ^ (x >> np.uint32(16)))


@njit(cache=True, nogil=True)
def chance(seed: int, x: int, y: int) -> float:
    """A number in 0..1 that belongs to the lattice point (x, y)."""
    row = mix(np.uint32(np.uint32(y) * np.uint32(0x85EBCA77) + np.uint32(seed)))
    return mix(np.uint32(np.uint32(np.uint32(x) * np.uint32(0x9E3779B1)) ^ row)) * (1.0 / 4294967296.0)


def chances(seed: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`chance` for whole arrays of lattice points, as float64 (the same numbers)."""

    def scramble(v: np.ndarray) -> np.ndarray:
        v = v ^ (v >> np.uint32(16))
        v = v * np.uint32(0x7FEB352D)
        v = v ^ (v >> np.uint32(15))
        v = v * np.uint32(0x846CA68B)
        return v ^ (v >> np.uint32(16))

    row = scramble(y.astype(np.uint32) * np.uint32(0x85EBCA77) + np.array(seed).astype(np.uint32))
    return scramble((x.astype(np.uint32) * np.uint32(0x9E3779B1)) ^ row) * (1.0 / 4294967296.0)


@njit(cache=True, nogil=True)
def octaves(x0: int, y0: int, height: int, width: int, seed: int, amplitudes: np.ndarray) -> Plane:
    """Value noise, float32 (height, width), mean 0: octave k has lattice cells of 2^k pixels.

    `amplitudes[k]` is the peak-to-peak strength of octave k (0 leaves it out). (x0, y0) is the absolute
    position of the window and may be negative.
    """
    out = np.zeros((height, width), np.float32)
    for k in range(len(amplitudes)):
        if amplitudes[k] == 0:
            continue
        cell = 1 << k
        ease = np.empty(cell, np.float32)
        for i in range(cell):
            t = i / cell
            ease[i] = t * t * t * (t * (6 * t - 15) + 10)
        first = x0 >> k
        count = ((x0 + width - 1) >> k) - first + 2
        row = np.empty(count, np.float32)
        for y in range(height):
            cy = (y0 + y) >> k
            fy = ease[(y0 + y) & (cell - 1)]
            for c in range(count):
                top = chance(seed + k, first + c, cy)
                below = chance(seed + k, first + c, cy + 1)
                row[c] = amplitudes[k] * (top + (below - top) * fy - 0.5)
            for x in range(width):
                c = ((x0 + x) >> k) - first
                out[y, x] += row[c] + (row[c + 1] - row[c]) * ease[(x0 + x) & (cell - 1)]
    return out


@njit(cache=True, nogil=True)
def cells(x0: int, y0: int, height: int, width: int, seed: int, pitch: int) -> tuple[Plane, Plane]:
    """A tissue of irregular cells about `pitch` pixels wide: (border, tone), float32 (height, width).

    border: the distance in pixels to the wall between the two nearest cells (distance to the second
    nearest cell centre minus that to the nearest); tone: a number 0..1 that belongs to the cell.
    """
    first_x = x0 // pitch - 1
    first_y = y0 // pitch - 1
    nx = (x0 + width - 1) // pitch + 2 - first_x
    ny = (y0 + height - 1) // pitch + 2 - first_y
    px = np.empty((ny, nx), np.float32)
    py = np.empty((ny, nx), np.float32)
    for j in range(ny):
        for i in range(nx):
            # centres on 1/64 pixel: exact in float32 wherever the window starts
            jump_x = 0.08 + 0.84 * chance(seed, first_x + i, first_y + j)
            jump_y = 0.08 + 0.84 * chance(seed + 1, first_x + i, first_y + j)
            px[j, i] = (first_x + i) * pitch - x0 + np.floor(jump_x * pitch * 64) / 64
            py[j, i] = (first_y + j) * pitch - y0 + np.floor(jump_y * pitch * 64) / 64
    border = np.empty((height, width), np.float32)
    tone = np.empty((height, width), np.float32)
    for y in range(height):
        cj = (y0 + y) // pitch - first_y
        for x in range(width):
            ci = (x0 + x) // pitch - first_x
            near = np.float32(1e12)
            second = np.float32(1e12)
            owner_i = ci
            owner_j = cj
            for j in range(cj - 1, cj + 2):
                for i in range(ci - 1, ci + 2):
                    dx = px[j, i] - np.float32(x)
                    dy = py[j, i] - np.float32(y)
                    d = dx * dx + dy * dy
                    if d < near:
                        second = near
                        near = d
                        owner_i = i
                        owner_j = j
                    elif d < second:
                        second = d
            border[y, x] = np.sqrt(second) - np.sqrt(near)
            tone[y, x] = chance(seed + 2, first_x + owner_i, first_y + owner_j)
    return border, tone
