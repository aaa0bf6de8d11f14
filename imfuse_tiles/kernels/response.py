"""How strongly a Fourier mask lets each frequency pass: the shapes and their conversions.

A shape is a ramp v that is 1 in the middle (frequency 0) and 0 from the radius on; a conversion bends the ramp; a
sigmoid (`s`, with its midpoint `p`) may steepen or flatten it; `N` = 1 turns it round. Frequencies are counted in
units of 1 / size cycles per pixel, so size / 2 is Nyquist, and a radius of r percent is floor(size r / 200) of them.

The picture of a shape has an even number of pixels, so its middle lies half a frequency before zero. This belongs
to the definition: near zero the logarithms are so steep that half a frequency changes the whole mask, and their
stretch to 0..1 changes with it at every frequency. `gridded` has the offset; `centred` has the same stretch but is
even in both axes, which a small spatial kernel can follow; `clean` is the limit of both for an endless frame.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import convolve1d

Gain = NDArray[np.float64]

SHAPES = ("circle", "square", "rhombus", "cross", "xcross")
# What the conversions that take a number assume without one; the others take none.
AMOUNTS = {"log": 10.0, "inverselog": 10.0, "pow": 2.0, "cos": 0.5}
CONVERSIONS = ("gradient", "gaussian", "solid", *AMOUNTS)
# These are stretched to 0..1 over the whole shape; gradient and cos are taken as they are.
STRETCHED = ("gaussian", "log", "inverselog", "pow")


def parse_conversion(word: str) -> tuple[str, float]:
    """The name of a conversion and its number: "log1000" -> ("log", 1000.0), "log" -> ("log", 10.0).

    Names: gradient, gaussian, solid (their number is 0.0) and log, inverselog, pow, cos with a number above 0 or
    their default. Upper and lower case are the same. Raises ValueError for everything else.
    """
    found = re.fullmatch(r"([a-z]+)(\d+\.?\d*|\.\d+)?", word.lower())
    if not found or found[1] not in CONVERSIONS or (found[2] and found[1] not in AMOUNTS):
        names = ", ".join(f"{name}{AMOUNTS[name]:g}" if name in AMOUNTS else name for name in CONVERSIONS)
        raise ValueError(f"no frequency response is called {word!r}; there are {names} (any number)")
    amount = float(found[2]) if found[2] else AMOUNTS.get(found[1], 0.0)
    if found[1] in AMOUNTS and not amount > 0:
        raise ValueError(f"the number of {word!r} must be above 0")
    return found[1], amount


@dataclass(frozen=True)
class Response:
    """One frequency response as plain values.

    r: radius in percent of Nyquist. R: radius of a second response that the caller compares with, or None.
    s: strength of the sigmoid, 0 for none, negative for its inverse; with solid the sigma of a blur in frequencies.
    p: midpoint of the sigmoid in percent. N: 0 low pass, 1 high pass. conversion: a word of `parse_conversion`.
    shape: one of SHAPES. Raises ValueError for a value outside these.
    """

    r: float = 75.0
    R: float | None = None
    s: float = 0.0
    p: float = 50.0
    N: int = 0
    conversion: str = "gradient"
    shape: str = "circle"

    def __post_init__(self) -> None:
        parse_conversion(self.conversion)
        if self.shape not in SHAPES:
            raise ValueError(f"no frequency shape is called {self.shape!r}; there are {', '.join(SHAPES)}")
        for radius in (self.r, self.R):
            if radius is not None and not (radius > 0 and math.isfinite(radius)):
                raise ValueError(f"the radius of a frequency response must be above 0 %, not {radius:g}")
        if self.N not in (0, 1):
            raise ValueError(f"N is 0 (low pass) or 1 (high pass), not {self.N}")
        if not (math.isfinite(self.s) and math.isfinite(self.p)):
            raise ValueError("s and p of a frequency response must be finite numbers")

    @property
    def solid(self) -> bool:
        """Whether the response is 1 inside the radius and 0 outside, without a ramp."""
        return parse_conversion(self.conversion)[0] == "solid"

    def second(self) -> Response:
        """The same response with the second radius in place of the first. Raises ValueError without one."""
        if self.R is None:
            raise ValueError("this frequency response has no second radius R")
        return replace(self, r=self.R, R=None)


def gridded(
    response: Response, size: int, first: int, last: int, points: int | None = None, step: float = 1.0
) -> Gain:
    """Columns first..last-1 of the half plane that multiplies the rfft2 of a (size, size) plane.

    float64 (points, last - first): rows in the order of fftfreq, column k is frequency k. With u = |kx| - 1/2 and
    w = |ky - 1/2| (|ky + 1/2| in column 0) the ramp is 1 - hypot(u, w) / (R - 1/2) for a circle; the straight
    shapes run from 1 at distance 1/2 to 0 at R - 1/2. A solid shape lies exactly on frequency 0, is 1 up to R and
    falls by (1 - t)^2 within one frequency. `points` (default size) and `step` sample the same response on another
    grid: that many rows, frequencies `step` apart.
    """
    kx = np.arange(first, last) * step
    ky = _rows(points or size, step)
    if response.solid:
        return _turn(response, _solid(response, size, kx, ky))
    up = np.abs(np.where(kx == 0, ky + 0.5, ky - 0.5))
    return _turn(response, _ramp(response, size, np.abs(kx - 0.5), up))


def centred(response: Response, size: int, points: int) -> Gain:
    """The response of a (size, size) plane moved onto frequency 0, hence even in both axes.

    float64 (points, points // 2 + 1) in steps of size / points, ordered as by `gridded`, with the same stretch to
    0..1, so that both agree away from frequency 0. The blur `s` of a solid shape is left out: in a spatial kernel
    it is a factor.
    """
    kx = np.arange(points // 2 + 1) * (size / points)
    ky = np.abs(_rows(points, size / points))
    if response.solid:
        return _turn(response, _edge(response, size, kx, ky))
    return _turn(response, _ramp(response, size, kx, ky))


def clean(response: Response, fx: ArrayLike, fy: ArrayLike) -> Gain:
    """The response at frequencies in units of Nyquist, on an endless frame: no offset, no grid, no blur."""
    x, y = np.abs(np.asarray(fx, float)), np.abs(np.asarray(fy, float))
    outer = response.r / 100
    if response.solid:
        return _turn(response, (_distance(response.shape, x, y) <= outer).astype(float))
    corners = _distance(response.shape, np.array([1.0, 1.0]), np.array([0.0, 1.0]))
    low = np.clip(1 - corners / outer, 0, 1).min()
    return _turn(response, _bend(response, 1 - _distance(response.shape, x, y) / outer, float(low), 1.0))


def _rows(points: int, step: float) -> Gain:
    return np.fft.ifftshift(np.arange(points) - points // 2)[:, None] * step


def _turn(response: Response, gain: Gain) -> Gain:
    return 1 - gain if response.N else gain


def _distance(shape: str, x: Gain, y: Gain) -> Gain:
    """How far a frequency with |fx| = x, |fy| = y lies from the middle (circle, square, rhombus) or an arm."""
    if shape == "circle":
        # Several times faster than np.hypot, and nothing can overflow here.
        return np.asarray(np.sqrt(x * x + y * y))
    if shape == "square":
        return np.maximum(x, y)
    if shape == "cross":
        return np.minimum(x, y)
    return (x + y if shape == "rhombus" else np.abs(x - y)) / math.sqrt(2)


def _radius(response: Response, size: int) -> int:
    return max(1, math.floor(size * response.r / 200))


def _ramp(response: Response, size: int, x: Gain, y: Gain) -> Gain:
    """The bent ramp at distances x, y from the middle, stretched as it is over the picture of the shape."""
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
    """Conversion and sigmoid of a ramp whose values on the picture of the shape lie in low..high."""
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
        return 1 - np.log1p(amount * (1 - v)) / math.log1p(amount)
    if name == "inverselog":
        return 1 - (amount + 1) ** -v / amount
    if name == "pow":
        return np.asarray(v**amount)
    if name == "cos":
        return 0.5 - 0.5 * np.cos(2 * math.pi * amount * v)
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
    """The solid shape at columns kx and rows ky (fftfreq order), blurred by s frequencies."""
    if not response.s:
        return _edge(response, size, kx, ky)
    taps = _taps(abs(response.s))
    reach, step = len(taps) // 2, float(ky[1, 0])
    wide_x = kx[0] + step * np.arange(-reach, len(kx) + reach)
    wide_y = step * np.arange(-(len(ky) // 2) - reach, len(ky) - len(ky) // 2 + reach)[:, None]
    edge = _edge(response, size, wide_x, wide_y)
    edge = convolve1d(convolve1d(edge, taps, 1)[:, reach:-reach], taps, 0)[reach:-reach]
    return np.asarray(np.fft.ifftshift(edge, axes=0))


def _taps(sigma: float) -> Gain:
    """Gaussian of 2n + 1 taps, each the mean of three samples a third apart, up to 1/65535 of the largest sum."""
    reach = max(1, math.floor(sigma * math.sqrt(max(0.0, 2 * math.log(65535 / (sigma * math.sqrt(2 * math.pi)))))))
    thirds = np.exp(-0.5 * (np.arange(-3 * reach - 1, 3 * reach + 2) / (3 * sigma)) ** 2)
    taps = thirds.reshape(-1, 3).sum(1)
    return np.asarray(taps / taps.sum())
