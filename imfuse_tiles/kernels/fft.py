"""The Fourier mask of a whole plane: a frequency response applied to all of it at once.

The plane is laid into a square of `fft_size` pixels, its edges replicated all round, and the square is
filtered as one period. The side follows the definition of the mask: another side, or a rectangle, is
another filter.

Only rows and columns that matter are transformed: the replicated rows above and below are copies of two
spectra, and of the filtered square only the rows of the plane are transformed back. Columns pass in narrow
blocks, so that no full square is ever held: the peak is one half spectrum of the plane's own rows. float32
carries the transform as far as a mask needs (errors near 1e-7); the response is computed in float64,
because it is steep near zero.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from imfuse_tiles.kernels.gain import gain_columns
from imfuse_tiles.kernels.response import Response

Plane = NDArray[np.float32]
Columns = Callable[[int, int], Plane]

# Columns and rows transformed together: their buffers stay within the caches for planes of usual size.
COLUMNS = 32
ROWS = 64
# Gains that are held for the next plane, and the largest of them: for frames of about 16 megapixels.
GAINS, KEPT = 2, 40 << 20


def fft_size(height: int, width: int) -> int:
    """Side of the square a plane is filtered in: int(1.1 max(height, width)), made even."""
    size = 11 * max(height, width) // 10
    return size + size % 2


def bytes_needed(height: int, width: int, keep_gain: bool = False) -> int:
    """Peak bytes of `filter_plane` beside its input, and those of its gain if keep_gain."""
    return filter_bytes(height, width, fft_size(height, width), keep_gain)


def filter_bytes(height: int, width: int, size: int, keep_gain: bool = False) -> int:
    """Peak bytes of `filter_square` beside its input, and those of its gain if keep_gain."""
    half = size // 2 + 1
    # Spectrum and result; then either the row buffers, or the column buffers and the float64 arrays from
    # which a block of the gain is computed.
    blocks = size * max(20 * ROWS, 56 * COLUMNS)
    return 8 * height * half + 4 * height * width + blocks + (gain_bytes(size) if keep_gain else 0)


def gain_bytes(size: int) -> int:
    """Bytes of a whole gain."""
    return 4 * size * (size // 2 + 1)


def kept_bytes(height: int, width: int) -> int:
    """Bytes of what ``kept_gain`` holds for planes of a size."""
    whole = gain_bytes(fft_size(height, width))
    return GAINS * whole if whole <= KEPT else 0


@lru_cache(maxsize=GAINS)
def kept_gain(response: Response, height: int, width: int) -> Plane | None:
    """`gain_plane`, computed once for all planes of a size; None where it is too large to be held."""
    return gain_plane(response, height, width) if kept_bytes(height, width) else None


def gain_plane(response: Response, height: int, width: int) -> Plane:
    """The whole response for `filter_plane`: float32 (F // 2 + 1, F), one row per horizontal frequency.

    Worth its 2 F^2 bytes when many planes of one size pass the same response; values are 0..1.
    """
    size = fft_size(height, width)
    return collect(partial(_gain, response, size), size)


def filter_plane(plane: Plane, response: Response, gain: Plane | None = None) -> Plane:
    """The plane with each frequency weighted by the response. float32 (y, x) -> the same shape, a new array.

    The border replicates the edge. Nothing is clamped: a high pass is negative where the plane is darker
    than its surroundings. `response.R` is not looked at: filter with `response.second()` too and compare.
    `gain` is the `gain_plane` of the same response and shape; without it the response is computed on the
    way. The result does not depend on `gain` being given, nor on threads: a transform uses one. Raises
    ValueError if gain has another shape.
    """
    size = fft_size(*plane.shape)
    return filter_square(plane, size, partial(_gain, response, size) if gain is None else gain)


def collect(columns: Columns, size: int) -> Plane:
    """A whole gain, float32 (size // 2 + 1, size), from the function that computes its rows."""
    gain = np.empty((size // 2 + 1, size), np.float32)
    for first in range(0, len(gain), COLUMNS):
        last = min(first + COLUMNS, len(gain))
        gain[first:last] = columns(first, last)
    return gain


def filter_square(plane: Plane, size: int, gain: Plane | Columns) -> Plane:
    """The plane, replicated around to (size, size) and filtered by `gain`; the same shape as the plane.

    gain: float32 (size // 2 + 1, size), row kx, vertical frequencies in the order of fftfreq, or a function
    of first, last that returns these rows of it. Raises ValueError for a gain of another shape or too small
    a size.
    """
    height, width = plane.shape
    half = size // 2 + 1
    if size < max(height, width):
        raise ValueError(f"a plane of {plane.shape} does not fit into a square of {size}")
    if not callable(gain) and gain.shape != (half, size):
        raise ValueError(f"gain has shape {gain.shape}, a plane of {plane.shape} needs {(half, size)}")
    top, left = (size - height) // 2, (size - width) // 2
    spectrum = _rows(plane, size, left)
    for first in range(0, half, COLUMNS):
        last = min(first + COLUMNS, half)
        _columns(spectrum[:, first:last], gain(first, last) if callable(gain) else gain[first:last], top)
    return _back(spectrum, size, left, width)


def _gain(response: Response, size: int, first: int, last: int) -> Plane:
    return np.ascontiguousarray(gain_columns(response, size, first, last).T, np.float32)


def _rows(plane: Plane, size: int, left: int) -> NDArray[np.complex64]:
    """Spectra of the rows, each extended by its end pixels to `size`."""
    height, width = plane.shape
    spectrum = np.empty((height, size // 2 + 1), np.complex64)
    for y in range(0, height, ROWS):
        rows = np.pad(plane[y : y + ROWS], ((0, 0), (left, size - width - left)), "edge")
        spectrum[y : y + ROWS] = scipy.fft.rfft(rows, axis=1, workers=1)
    return spectrum


def _columns(spectra: NDArray[np.complex64], gain: Plane, top: int) -> None:
    """Extend columns (y, n) to the length of gain (n, F), filter, and put their own rows back in place."""
    height = len(spectra)
    block = np.empty(gain.shape, np.complex64)
    block[:, :top] = spectra[0][:, None]
    block[:, top : top + height] = spectra.T
    block[:, top + height :] = spectra[-1][:, None]
    block = scipy.fft.fft(block, axis=1, overwrite_x=True, workers=1)
    block *= gain
    block = scipy.fft.ifft(block, axis=1, overwrite_x=True, workers=1)
    spectra[:] = block[:, top : top + height].T


def _back(spectrum: NDArray[np.complex64], size: int, left: int, width: int) -> Plane:
    plane = np.empty((len(spectrum), width), np.float32)
    for y in range(0, len(spectrum), ROWS):
        rows = scipy.fft.irfft(spectrum[y : y + ROWS], size, axis=1, workers=1)
        plane[y : y + ROWS] = rows[:, left : left + width]
    return plane
