"""The near part of a Fourier mask whose frame is too large to transform: a kernel of 64 pixels radius.

The spatial kernel of the response is cut off softly at HALO pixels (factor cos^2(pi d / (2 (HALO + 1))) at distance
d) and applied to blocks of the frame; what the cut removes acts on low frequencies only and is the far field.

The blocks lie on a grid fixed to the frame, BLOCK pixels apart, and each is filtered by one transform of its
BLOCK + 2 HALO square (overlap-save). So every pixel comes from the same transform of the same pixels, whatever
region is asked for, and tiles of any size are equal to the bit.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from imfuse_tiles.kernels.fft import fft_size
from imfuse_tiles.kernels.response import Gain, Response, centred

Plane = NDArray[np.float32]
Region = tuple[int, int, int, int]

HALO = 64
# A larger block costs less a pixel (512: 11 ns, 256: 15 ns), but a region that is off the grid by a halo, as most
# regions in a chain of filters are, then computes more pixels in vain.
BLOCK = 256
SQUARE = BLOCK + 2 * HALO
# Side of the transform that samples the kernel: far longer than the kernel, so that its repetition is nearly
# constant under it, and the far field makes up for a constant.
SAMPLES = 1024


def near_source(region: Region) -> Region:
    """The pixels that `near` reads for a region (top, left, bottom, right) of the frame: its blocks and their halo.

    It reaches up to BLOCK - 1 + HALO pixels beyond the region and may leave the frame, where the caller
    replicates the edge.
    """
    top, left, bottom, right = region
    return (
        top // BLOCK * BLOCK - HALO,
        left // BLOCK * BLOCK - HALO,
        -(-bottom // BLOCK) * BLOCK + HALO,
        -(-right // BLOCK) * BLOCK + HALO,
    )


def near_kernel(response: Response, height: int, width: int) -> Gain:
    """The softly cut spatial kernel for a (height, width) frame: float64 (2 HALO + 1, 2 HALO + 1), even."""
    size = fft_size(height, width)
    kernel = scipy.fft.irfft2(centred(response, size, SAMPLES), s=(SAMPLES, SAMPLES), workers=1)
    reach = np.arange(-HALO, HALO + 1)
    kernel = kernel[np.ix_(reach, reach)]
    distance = np.hypot(reach[:, None], reach)
    window = np.where(distance <= HALO, np.cos(np.pi * distance / (2 * (HALO + 1))) ** 2, 0.0)
    if response.solid and response.s:
        # A blur over frequencies is a factor in space.
        window *= np.exp(-2 * (np.pi * response.s * distance / size) ** 2)
    return np.asarray(kernel * window)


def near_gain(kernel: Gain) -> Plane:
    """The transform of a kernel for `near`: float32 (SQUARE, SQUARE // 2 + 1), real because the kernel is even."""
    around = np.zeros((SQUARE, SQUARE))
    around[: 2 * HALO + 1, : 2 * HALO + 1] = kernel
    around = np.roll(around, (-HALO, -HALO), (0, 1))
    return np.ascontiguousarray(scipy.fft.rfft2(around, workers=1).real, np.float32)


def near(window: Plane, region: Region, gain: Plane) -> Plane:
    """The region filtered by the kernel of `gain`: float32, the window of `near_source(region)` -> the region.

    Raises ValueError if the window has another shape.
    """
    top, left, bottom, right = region
    above, before, below, behind = near_source(region)
    if window.shape != (below - above, behind - before):
        raise ValueError(f"region {region} needs a window of {(below - above, behind - before)}, not {window.shape}")
    plane = np.empty((bottom - top, right - left), np.float32)
    for y in range(above + HALO, below - HALO, BLOCK):
        rows = slice(max(y, top), min(y + BLOCK, bottom))
        for x in range(before + HALO, behind - HALO, BLOCK):
            columns = slice(max(x, left), min(x + BLOCK, right))
            block = _block(window, y - HALO - above, x - HALO - before, gain)
            plane[_shift(rows, top), _shift(columns, left)] = block[_shift(rows, y), _shift(columns, x)]
    return plane


def _block(window: Plane, y: int, x: int, gain: Plane) -> Plane:
    # Always a new contiguous square: the transform sees the same numbers in the same layout for every window.
    square = np.array(window[y : y + SQUARE, x : x + SQUARE], np.float32, order="C")
    spectrum = scipy.fft.rfft2(square, workers=1)
    spectrum *= gain
    square = scipy.fft.irfft2(spectrum, s=square.shape, overwrite_x=True, workers=1)
    return square[HALO:-HALO, HALO:-HALO]


def _shift(span: slice, origin: int) -> slice:
    return slice(span.start - origin, span.stop - origin)
