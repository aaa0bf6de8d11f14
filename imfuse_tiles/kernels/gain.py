"""How much of each frequency a response lets pass.

Frequencies are counted in units of 1 / size cycles per pixel, so that size / 2 is Nyquist and a radius of r
percent is floor(size r / 200) of them.

The picture of a shape has an even number of pixels, so its middle lies half a frequency before zero. This
belongs to the definition: near zero the logarithms are so steep that half a frequency changes the whole
mask, and the stretch to 0..1 over the picture carries it to every frequency. `gain_columns` has the offset;
`centred_response` has the same stretch but is even in both axes, which a small spatial kernel can follow;
`continuous_response` is the limit of both for an endless frame.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import convolve1d

from imfuse_tiles.kernels.response import Response, parse_conversion

Gain = NDArray[np.floating[Any]]

# These are stretched to 0..1 over the whole shape; gradient and cos are taken as they are.
STRETCHED = ("gaussian", "log", "inverselog", "pow")


def gain_columns(
    response: Response, size: int, first: int, last: int, points: int | None = None, step: float = 1.0
) -> Gain:
    """Columns first..last-1 of the half plane that multiplies the rfft2 of a (size, size) plane.

    float64 (size, last - first): rows in the order of fftfreq, column k is frequency k. With x = |kx - 1/2|
    and y = |ky - 1/2| (|ky + 1/2| in column 0) the ramp of a circle is 1 - hypot(x, y) / (R - 1/2); the
    straight shapes fall from 1 at distance 1/2 to 0 at R - 1/2. A solid shape lies exactly on frequency 0,
    is 1 up to R and falls by (1 - t)^2 within one frequency. `points` and `step` sample the same response
    on another grid: so many rows, frequencies `step` apart.
    """
    kx = np.arange(first, last) * step
    ky = _rows(points or size, step)
    if response.solid:
        return _turn(response, _solid(response, size, kx, ky))
    y = np.abs(np.where(kx == 0, ky + 0.5, ky - 0.5))
    return _turn(response, _ramp(response, size, np.abs(kx - 0.5), y))


def centred_response(response: Response, size: int, points: int) -> Gain:
    """The response of a (size, size) plane moved onto frequency 0, hence even in both axes.

    float64 (points, points // 2 + 1) in steps of size / points, ordered as by `gain_columns`, with the same
    stretch, so that both agree away from frequency 0. The blur `s` of a solid shape is left out: in a
    spatial kernel it is a factor.
    """
    kx = np.arange(points // 2 + 1) * (size / points)
    ky = np.abs(_rows(points, size / points))
    if response.solid:
        return _turn(response, _edge(response, size, kx, ky))
    return _turn(response, _ramp(response, size, kx, ky))


def continuous_response(response: Response, fx: ArrayLike, fy: ArrayLike) -> Gain:
    """The response at frequencies in units of Nyquist, on an endless frame: no offset, no grid, no blur."""
    x, y = np.abs(np.asarray(fx, float)), np.abs(np.asarray(fy, float))
    outer = response.r / 100
    distance = _distance(response.shape, x, y)
    if response.solid:
        return _turn(response, (distance <= outer).astype(float))
    corners = _distance(response.shape, np.array([1.0, 1.0]), np.array([0.0, 1.0]))
    low = np.clip(1 - corners / outer, 0, 1).min()
    return _turn(response, _bend(response, 1 - distance / outer, float(low), 1.0))


def _rows(points: int, step: float) -> Gain:
    return np.fft.ifftshift(np.arange(points) - points // 2)[:, None] * step


def _turn(response: Response, gain: Gain) -> Gain:
    return np.asarray(1 - gain) if response.N else gain


def _distance(shape: str, x: Gain, y: Gain) -> Gain:
    """How far the frequency |fx| = x, |fy| = y lies from the middle (circle, square, rhombus) or an arm."""
    if shape == "circle":
        # Several times faster than np.hypot, and nothing can overflow here.
        return np.asarray(np.sqrt(x * x + y * y))
    if shape == "square":
        return np.maximum(x, y)
    if shape == "cross":
        return np.minimum(x, y)
    return np.asarray((x + y if shape == "rhombus" else np.abs(x - y)) / math.sqrt(2))


def _radius(response: Response, size: int) -> int:
    return max(1, math.floor(size * response.r / 200))


def _ramp(response: Response, size: int, x: Gain, y: Gain) -> Gain:
    """The bent ramp at distances x, y from the middle, stretched as over the picture of the shape."""
    inner = 0.0 if response.shape == "circle" else 0.5
    width = max(_radius(response, size) - 0.5 - inner, 0.5)
    far = size / 2 - 0.5
    places = _distance(response.shape, np.array([0.5, far, far]), np.array([0.5, 0.5, far]))
    high, *low = np.clip(1 - (places - inner) / width, 0, 1)
    ramp = _distance(response.shape, x, y)
    ramp -= inner
    ramp /= -width
    ramp += 1
    return _bend(response, ramp, float(min(low)), float(high))


def _bend(response: Response, ramp: Gain, low: float, high: float) -> Gain:
    """Conversion, then sigmoid, of a ramp whose values on the picture of the shape lie in low..high."""
    name, amount = parse_conversion(response.conversion)
    bent = _convert(name, amount, np.clip(ramp, 0, 1))
    if name in STRETCHED and high > low:
        bottom, top = _convert(name, amount, np.array([low, high]))
        bent -= bottom
        bent /= top - bottom
    return _sigmoid(bent, response.s, response.p / 100) if response.s else bent


def _convert(name: str, amount: float, v: Gain) -> Gain:
    if name == "gaussian":
        return np.exp((1 - v) ** 2 / -math.sqrt(2 * math.pi))
    if name == "log":
        return np.asarray(1 - np.log1p(amount * (1 - v)) / math.log1p(amount))
    if name == "inverselog":
        return np.asarray(1 - (amount + 1) ** -v / amount)
    if name == "pow":
        return np.asarray(v**amount)
    if name == "cos":
        return np.asarray(0.5 - 0.5 * np.cos(2 * math.pi * amount * v))
    return v


def _sigmoid(v: Gain, s: float, middle: float) -> Gain:
    """Logistic contrast of strength |s| around the middle that keeps 0 and 1; its inverse for negative s."""
    strength = abs(s)
    start, end = (1 / (1 + math.exp(-strength * (edge - middle))) for edge in (0, 1))
    if s > 0:
        return np.asarray((1 / (1 + np.exp(-strength * (v - middle))) - start) / (end - start))
    logistic = start + np.clip(v, 0, 1) * (end - start)
    return np.asarray(middle - np.log(1 / logistic - 1) / strength)


def _edge(response: Response, size: int, x: Gain, y: Gain) -> Gain:
    t = np.clip(_distance(response.shape, np.abs(x), np.abs(y)) - _radius(response, size), 0, 1)
    return np.asarray((1 - t) ** 2)


def _solid(response: Response, size: int, kx: Gain, ky: Gain) -> Gain:
    """The solid shape at columns kx and rows ky (order of fftfreq), blurred by s frequencies."""
    if not response.s:
        return _edge(response, size, kx, ky)
    taps = _taps(abs(response.s))
    reach, step, half = len(taps) // 2, float(ky[1, 0]), len(ky) // 2
    wide_x = kx[0] + step * np.arange(-reach, len(kx) + reach)
    wide_y = step * np.arange(-half - reach, len(ky) - half + reach)[:, None]
    edge = _edge(response, size, wide_x, wide_y)
    edge = convolve1d(convolve1d(edge, taps, 1)[:, reach:-reach], taps, 0)[reach:-reach]
    return np.fft.ifftshift(edge, axes=0)


def _taps(sigma: float) -> Gain:
    """Gaussian, each tap the mean of three samples a third apart, as far as it exceeds 1/65535 of its sum."""
    span = 2 * math.log(65535 / (sigma * math.sqrt(2 * math.pi)))
    reach = max(1, math.floor(sigma * math.sqrt(max(0.0, span))))
    thirds = np.exp(-0.5 * (np.arange(-3 * reach - 1, 3 * reach + 2) / (3 * sigma)) ** 2)
    taps = thirds.reshape(-1, 3).sum(1)
    return np.asarray(taps / taps.sum())
