"""Arithmetic in whole 16-bit steps, where equal differences must give equal masks.

A sample of a 16-bit or 8-bit picture is a whole number of steps, which float32 in 0..1 holds only nearly: then
200 - 100 and 300 - 200 steps are not the same number, and a tie between two slices falls to the wrong one. So these
kernels count steps again, whose sums and differences float32 holds exactly, and divide by full scale at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from imfuse_tiles.kernels.compiler import njit

Planes = NDArray[np.float32]

FULL = np.float32(65535)
STEP = np.float32(1 / 65535)
_NEAR, _HALF = np.float32(1 / 128), np.float32(0.5)  # near: more than float32 can miss a whole step by


@njit(cache=True, nogil=True, inline="always")
def steps(x):  # type: ignore[no-untyped-def]
    """A sample in 16-bit steps: a whole number if it is one but for float32's rounding, else as it is."""
    exact = x * FULL
    whole = np.floor(exact + _HALF)
    return whole if abs(exact - whole) < _NEAR else exact


@njit(cache=True, nogil=True, inline="always")
def decode_double(x):  # type: ignore[no-untyped-def]
    """The same in double precision, for sums of weighted samples."""
    exact = np.float64(x) * 65535.0
    whole = np.floor(exact + 0.5)
    return whole if abs(exact - whole) < 1 / 256 else exact


def full_scale(dtype: DTypeLike) -> int:
    """The sample that means 1: 255 for uint8, 65535 for uint16, 1 for float32."""
    kind = np.dtype(dtype)
    return int(np.iinfo(kind).max) if kind.kind == "u" else 1


def unit_factors(full: float) -> tuple[np.float32, np.float32]:
    """Two factors whose products with a sample add up to the sample / ``full``, to the last bit of float32.

    For samples of 8 and 16 bits, where ``full`` is 255 or 65535, or ``full`` 1. The first factor has so few bits that
    nothing is rounded when it is multiplied; dividing takes a processor five times as long.
    """
    bits = {255: 16, 65535: 8}.get(int(full), 0)
    if not bits:
        return np.float32(1 / full), np.float32(0)
    _, exponent = np.frexp(1 / full)
    unit = 2.0 ** (bits - int(exponent))
    high = np.floor(1 / full * unit) / unit
    return np.float32(high), np.float32(1 / full - high)


def scale_to_unit(samples: NDArray[Any], full: float) -> Planes:
    """Samples (c, y, x) of any number type as float32 in 0..1 of full scale."""
    if samples.dtype == np.float32 and full == 1:
        return samples
    out = np.empty(samples.shape, np.float32)
    scale(np.ascontiguousarray(samples).reshape(-1), *unit_factors(full), out.reshape(-1))
    return out


@njit(cache=True, nogil=True)
def scale(samples, high, low, out):  # type: ignore[no-untyped-def]
    """A row of samples divided by their value of full scale, into float32 ``out``: by its :func:`unit_factors`."""
    for i in range(out.size):
        out[i] = np.float32(samples[i]) * high + np.float32(samples[i]) * low


def to_codes(values: np.ndarray, codes: np.ndarray | None = None) -> np.ndarray:
    """Values in 0..1 as 16-bit codes, rounded to the nearest: a new array, or ``codes``, uint16 of the same shape."""
    codes = np.empty(values.shape, np.uint16) if codes is None else codes
    encode_row(np.require(values, np.float32, ["C", "W"]).reshape(-1), codes.reshape(-1))
    return codes


@njit(cache=True, nogil=True)
def encode_row(values, codes):  # type: ignore[no-untyped-def]
    """A row of float32 in 0..1 as 16-bit codes, into uint16 ``codes``."""
    for x in range(values.size):
        codes[x] = encode(values[x])


@njit(cache=True, nogil=True, inline="always")
def encode(value):  # type: ignore[no-untyped-def]
    """The 16-bit code nearest to a float32 value, which is clipped to 0..1."""
    return np.uint16(np.int32(min(max(value, np.float32(0)), np.float32(1)) * np.float32(65535) + np.float32(0.5)))


def similarity(frame: Planes, image: Planes) -> Planes:
    """1 - |frame - image|, the difference at most 1; float32 of equal shapes."""
    out = np.empty(frame.shape, np.float32)
    _alike(np.ascontiguousarray(frame).reshape(-1), np.ascontiguousarray(image).reshape(-1), out.reshape(-1))
    return out


@njit(cache=True, nogil=True)
def _alike(frame, image, out):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        out[i] = (FULL - min(abs(steps(frame[i]) - steps(image[i])), FULL)) * STEP


def quarter_sum(planes: Planes, negated: bool, out: Planes) -> None:
    """The sum of the planes (c, y, x), each 1 less itself if ``negated``, divided by four; one counts three times.

    Written to ``out``, float32 (y, x).
    """
    _quarter(np.ascontiguousarray(planes), negated, out)


@njit(cache=True, nogil=True)
def _quarter(planes, negated, out):  # type: ignore[no-untyped-def]
    count = planes.shape[0]
    share = STEP * (np.float32(0.75) if count == 1 else np.float32(0.25))
    total = np.empty(out.shape[1], np.float32)
    for y in range(out.shape[0]):
        total.fill(0)
        for c in range(count):
            row = planes[c, y]
            for x in range(total.size):
                total[x] += FULL - steps(row[x]) if negated else steps(row[x])
        for x in range(total.size):
            out[y, x] = total[x] * share


def mean_similarity(frame: Planes, image: Planes, negated: bool, out: Planes) -> None:
    """``quarter_sum`` of ``similarity`` in one pass: frame and image float32 (c, y, x), ``out`` (y, x)."""
    _likeness(np.ascontiguousarray(frame), np.ascontiguousarray(image), negated, out)


@njit(cache=True, nogil=True)
def _likeness(frame, image, negated, out):  # type: ignore[no-untyped-def]
    count = frame.shape[0]
    share = STEP * (np.float32(0.75) if count == 1 else np.float32(0.25))
    most = np.float32(count) * FULL
    apart = np.empty(out.shape[1], np.float32)
    for y in range(out.shape[0]):
        apart.fill(0)
        for c in range(count):
            a, b = frame[c, y], image[c, y]
            for x in range(apart.size):
                apart[x] += min(abs(steps(a[x]) - steps(b[x])), FULL)
        for x in range(apart.size):
            out[y, x] = (apart[x] if negated else most - apart[x]) * share
