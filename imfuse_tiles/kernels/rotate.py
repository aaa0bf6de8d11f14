"""Frames turned by any angle, any window of them, in step with the whole frame.

As ImageMagick describes its -distort SRT, which its -rotate is (https://legacy.imagemagick.org/Usage/distorts/): the
frame turns about its middle onto a canvas that holds all of it; a pixel of the canvas is the weighted mean of the
source pixels within two pixels of its place, by the cubic of N. Robidoux (B = 0.3782, C = 0.3109) of their distance.
What lies outside the frame is transparent and takes part with its opacity, not with its colour.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit

Planes = NDArray[np.float32]
Size = tuple[int, int]
Box = tuple[int, int, int, int]
#: Pixels that the kernel reaches, and entries of its table for each squared pixel of distance.
RADIUS, STEPS = 2, 256


def canvas(frame: Size, degrees: float) -> tuple[int, int, int, int]:
    """Height and width of the canvas, and the row and column of the unturned frame's plane that it begins at."""
    sine, cosine = sine_cosine(degrees)
    height, width = frame
    reach_x = (abs(cosine) * width + abs(sine) * height) / 2
    reach_y = (abs(sine) * width + abs(cosine) * height) / 2
    left, top = math.floor(width / 2 - reach_x - 0.5), math.floor(height / 2 - reach_y - 0.5)
    right, bottom = width / 2 + reach_x + 0.5, height / 2 + reach_y + 0.5
    return math.ceil(bottom - top), math.ceil(right - left), top, left


def sine_cosine(degrees: float) -> tuple[float, float]:
    """Sine and cosine of an angle in degrees."""
    return math.sin(math.radians(degrees)), math.cos(math.radians(degrees))


def source_region(region: Box, frame: Size, degrees: float) -> Box:
    """The pixels y0, y1, x0, x1 of the frame that a region of the canvas needs; at least one."""
    xs, ys = zip(*(_place(x, y, frame, degrees) for x in (region[2], region[3] - 1)
                   for y in (region[0], region[1] - 1)), strict=True)  # fmt: skip
    y0, y1 = _span(min(ys), max(ys), frame[0])
    x0, x1 = _span(min(xs), max(xs), frame[1])
    return y0, y1, x0, x1


def _span(low: float, high: float, side: int) -> tuple[int, int]:
    first = min(max(math.floor(low) - RADIUS - 1, 0), side - 1)
    return first, max(min(math.ceil(high) + RADIUS + 2, side), first + 1)


def _place(x: int, y: int, frame: Size, degrees: float) -> tuple[float, float]:
    """Where the middle of a pixel of the canvas lies in the frame, the middle of whose first pixel is 0, 0."""
    sine, cosine = sine_cosine(degrees)
    _, _, top, left = canvas(frame, degrees)
    u, v = x + left + 0.5 - frame[1] / 2, y + top + 0.5 - frame[0] / 2
    return cosine * u + sine * v + frame[1] / 2 - 0.5, cosine * v - sine * u + frame[0] / 2 - 0.5


def rotate(planes: Planes, origin: Size, frame: Size, degrees: float, region: Box) -> Planes:
    """A region y0, y1, x0, x1 of the canvas: float32 (planes, y, x), the last plane opacity 0..1, not clamped.

    ``planes`` float32 (planes, y, x), the last one opacity, begin at ``origin`` (y, x) of a frame (height, width) and
    cover ``source_region``. ``degrees`` clockwise. Colours are 0 where nothing is seen.
    """
    out = np.empty((len(planes), region[1] - region[0], region[3] - region[2]), np.float32)
    corner = canvas(frame, degrees)[2:]
    _rotate(np.ascontiguousarray(planes, np.float32), *origin, *frame, *corner, *sine_cosine(degrees), region[0],
            region[2], table(), out)  # fmt: skip
    return out


@cache
def table() -> NDArray[np.float64]:
    """Weights for squared distances of 0, 1/256 ... 4 pixels: float64 (1025,). As coarse as the program's own."""
    b, c = 0.37821575509399867, 0.31089212245300067
    x = np.sqrt(np.arange(STEPS * RADIUS**2 + 1) / STEPS)
    near = ((12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + 6 - 2 * b) / 6
    far = ((-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + 8 * b + 24 * c) / 6
    return np.where(x < 1, near, far)


@njit(cache=True, nogil=True)
def _rotate(planes, y_origin, x_origin, height, width, top, left, sine, cosine, y0, x0, table, out):  # type: ignore[no-untyped-def]
    count = out.shape[0] - 1
    sums = np.empty(count, np.float64)
    for y in range(out.shape[1]):
        v0 = y0 + y + top + 0.5 - height / 2
        for x in range(out.shape[2]):
            u0 = x0 + x + left + 0.5 - width / 2
            u = cosine * u0 + sine * v0 + width / 2 - 0.5
            v = cosine * v0 - sine * u0 + height / 2 - 0.5
            sums[:] = 0.0
            total, seen = 0.0, 0.0
            for row in range(int(np.ceil(v - 2)), int(np.floor(v + 2)) + 1):
                for column in range(int(np.ceil(u - 2)), int(np.floor(u + 2)) + 1):
                    far = (row - v) * (row - v) + (column - u) * (column - u)
                    if far >= 4:
                        continue
                    weight = table[int(far * 256)]
                    total += weight
                    if 0 <= row < height and 0 <= column < width:
                        j, i = row - y_origin, column - x_origin
                        weight *= planes[count, j, i]
                        seen += weight
                        for n in range(count):
                            sums[n] += weight * planes[n, j, i]
            if seen <= 1e-12:  # the kernel's lobes leave nothing: straight lines between the four pixels around
                total, seen = 1.0, 0.0
                sums[:] = 0.0
                j, i = int(np.floor(v)), int(np.floor(u))
                for row in range(j, j + 2):
                    for column in range(i, i + 2):
                        if 0 <= row < height and 0 <= column < width:
                            weight = (1 - abs(row - v)) * (1 - abs(column - u))
                            weight *= planes[count, row - y_origin, column - x_origin]
                            seen += weight
                            for n in range(count):
                                sums[n] += weight * planes[n, row - y_origin, column - x_origin]
            # Opacity in whole 16-bit steps: what is next to nothing is nothing, and takes no part in a further turn.
            out[count, y, x] = np.floor(seen / total * 65535 + 0.5) / 65535
            for n in range(count):
                out[n, y, x] = sums[n] / seen if seen > 1e-12 else 0.0
