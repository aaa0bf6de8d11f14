"""The far part of a Fourier mask whose frame is too large to transform: one transform of the reduced frame.

What the near kernel leaves of a response acts on low frequencies only. So the frame is reduced to cells, they
are transformed at once and weighted by the rest of the response, and each tile adds its part of the result,
enlarged. The weight also makes up for what cell means and splines damp. It follows the response of the whole
frame down to its half frequency offset, which is where the offset counts.

Together, near and far differ from the transform of the whole plane by a few 1e-4 of the range for smooth
responses (`expected_error`). A solid shape rings further than any kernel: 2e-2 to 4e-2.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from imfuse_tiles.kernels.cells import EDGE, MARGIN, STEP, Plane, reduced_shape
from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.fft import Columns, collect, fft_size, filter_bytes, filter_square
from imfuse_tiles.kernels.gain import Gain, centred_response, gain_columns
from imfuse_tiles.kernels.nearfield import HALO, SAMPLES, near_kernel, transform
from imfuse_tiles.kernels.response import Response

# The weight ends softly between these frequencies (cycles per cell): at one half, the most that cells can
# carry, they and the splines hand over next to nothing, and making up for that would amplify what they
# fold.
FADE = (0.25, 0.5)


def far_gain(response: Response, height: int, width: int) -> Plane:
    """The weight that `far_plane` uses, for many planes of one frame size: float32 (n // 2 + 1, n)."""
    return collect(_weights(response, height, width), _points(height, width))


def far_plane(reduced: Plane, response: Response, height: int, width: int, gain: Plane | None = None) -> Plane:
    """What the near kernel leaves of a plane, on cells: float32 `reduced_shape` -> two more both ways.

    The result has MARGIN cells around those of the (height, width) frame, as `enlarge8` needs. `gain` is the
    `far_gain` of the same response and frame; without it the weight is computed on the way.
    Raises ValueError for another shape.
    """
    if reduced.shape != reduced_shape(height, width):
        raise ValueError(f"the reduced plane has shape {reduced.shape}, not {reduced_shape(height, width)}")
    padded = np.pad(reduced, MARGIN - EDGE, "edge")
    weights = _weights(response, height, width) if gain is None else gain
    return filter_square(padded, _points(height, width), weights)


def far_bytes(height: int, width: int, keep_gain: bool = False) -> int:
    """Peak bytes of `far_plane` beside its input, and those of its gain if keep_gain."""
    rows, columns = (edge + 2 * (MARGIN - EDGE) for edge in reduced_shape(height, width))
    points = _points(height, width)
    waves = 2 * 8 * points * (HALO + 1)
    sampled_kernel = 24 * SAMPLES * SAMPLES
    padded = 4 * rows * columns
    return padded + max(filter_bytes(rows, columns, points, keep_gain) + waves, sampled_kernel)


def expected_error(response: Response, height: int, width: int) -> float:
    """About the largest difference of near and far to the whole transform, for a frame in 0..1.

    Six standard deviations of what the two leave of the response on a picture whose spectrum falls as 1/f with
    a standard deviation of 1/4, and 1e-3 for what the reduction folds. Photographs and rough textures of 1500
    to 2000 pixels came to 0.2 to 1.5 of it, larger frames come to less. Not a bound.
    """
    lost = centred_response(response, fft_size(height, width), SAMPLES)
    lost -= transform(near_kernel(response, height, width), SAMPLES)
    frequency = np.hypot(np.fft.fftfreq(SAMPLES)[:, None], np.fft.rfftfreq(SAMPLES))
    frequency[0, 0] = np.inf
    lost *= 1 - _fade(frequency * STEP)
    power = np.where(np.arange(SAMPLES // 2 + 1) % (SAMPLES // 2), 2.0, 1.0) / frequency**2
    return float(1e-3 + 6 / 4 * np.sqrt((lost**2 * power).sum() / power.sum()))


def _points(height: int, width: int) -> int:
    """Side of the square of cells: the side of the whole frame's transform, rounded up to even."""
    cells = max(reduced_shape(height, width)) + 2 * (MARGIN - EDGE)
    return max(2 * -(-fft_size(height, width) // (2 * STEP)), cells + cells % 2)


def _weights(response: Response, height: int, width: int) -> Columns:
    """The function first, last -> rows of the weight, for `filter_square`."""
    size, points = fft_size(height, width), _points(height, width)
    quarter = near_kernel(response, height, width)[HALO:, HALO:].copy()
    quarter[1:] *= 2
    quarter[:, 1:] *= 2
    waves = np.cos(2 * np.pi / STEP * np.arange(HALO + 1)[:, None] * np.fft.fftfreq(points))
    return partial(_weight, response, size, waves, _product(np.ascontiguousarray(quarter.T), waves))


def _weight(response: Response, size: int, waves: Gain, partly: Gain, first: int, last: int) -> Plane:
    points = waves.shape[1]
    weight = np.ascontiguousarray(gain_columns(response, size, first, last, points, size / (STEP * points)).T)
    weight -= _product(np.ascontiguousarray(waves[:, first:last].T), partly)
    across, down = np.arange(first, last)[:, None] / points, np.fft.fftfreq(points)
    weight *= _fade(np.hypot(across, down)) / (_handed_over(across) * _handed_over(down))
    return weight.astype(np.float32)


def _fade(frequency: Gain) -> Gain:
    """From 1 to 0 between the frequencies FADE, in cycles per cell."""
    start, end = FADE
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.clip((frequency - start) / (end - start), 0, 1)))


def _handed_over(frequency: Gain) -> Gain:
    """What cell means (of STEP pixels a side) and splines leave of a frequency in cycles per cell."""
    wave = np.sinc(frequency)
    return np.asarray(wave / np.sinc(frequency / STEP) * wave**4)


@njit(cache=True, nogil=True)
def _product(left: Gain, right: Gain) -> Gain:
    """The matrix product, each sum in one order: that of a library may change with its number of threads."""
    product = np.zeros((left.shape[0], right.shape[1]))
    for i in range(left.shape[0]):
        for j in range(left.shape[1]):
            factor = left[i, j]
            for x in range(right.shape[1]):
                product[i, x] += factor * right[j, x]
    return product
