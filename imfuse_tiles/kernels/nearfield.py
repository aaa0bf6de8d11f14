"""The near part of a Fourier mask whose frame is too large to transform: a kernel of 64 pixels radius.

The spatial kernel of the response is cut off softly: whole up to half of HALO pixels, then falling as cos^2 to
nothing. What the cut removes acts on low frequencies only and is the far field. (A fall over the whole radius
gives larger errors, up to 1.8 times, for every response that was measured.)

The blocks lie on a grid fixed to the frame, BLOCK pixels apart, and each is filtered by one transform of its
square of BLOCK + 2 HALO (overlap-save). So every pixel comes from the same transform of the same pixels,
whatever region is asked for, and tiles of any size are equal to the bit.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from imfuse_tiles.kernels.fft import fft_size
from imfuse_tiles.kernels.gain import Gain, centred_response
from imfuse_tiles.kernels.response import Response

Plane = NDArray[np.float32]
Region = tuple[int, int, int, int]

HALO = 64
# A larger block costs less a pixel (512: 11 ns, 256: 15 ns), but a region that is off the grid by a halo, as
# most regions in a chain of filters are, then computes more pixels in vain.
BLOCK = 256
SQUARE = BLOCK + 2 * HALO
# Side of the transform that samples the kernel: far longer than the kernel, so that its repetition is nearly
# constant under it, and the far field makes up for a constant.
SAMPLES = 1024


def near_source(region: Region) -> Region:
    """The pixels that `near` reads for a region of the frame: its blocks and their halo.

    Regions are (top, left, bottom, right). The source reaches up to BLOCK - 1 + HALO pixels beyond the region
    and may leave the frame, where the caller replicates the edge.
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
    kernel = scipy.fft.irfft2(centred_response(response, size, SAMPLES), s=(SAMPLES, SAMPLES), workers=1)
    reach = np.arange(-HALO, HALO + 1)
    distance = np.hypot(reach[:, None], reach)
    window = np.cos(np.pi / 2 * np.clip(2 * distance / (HALO + 1) - 1, 0, 1)) ** 2
    if response.solid and response.s:
        # A blur over frequencies is a factor in space.
        window *= np.exp(-2 * (np.pi * response.s * distance / size) ** 2)
    return np.asarray(kernel[np.ix_(reach, reach)] * window)


def transform(kernel: Gain, side: int) -> Gain:
    """Half the transform of an even kernel in a (side, side) square: float64 (side, side // 2 + 1)."""
    reach = len(kernel) // 2
    square = np.zeros((side, side))
    square[: len(kernel), : len(kernel)] = kernel
    spectrum = scipy.fft.rfft2(np.roll(square, (-reach, -reach), (0, 1)), workers=1)
    return np.asarray(spectrum.real)


def near_gain(response: Response, height: int, width: int) -> Plane:
    """What `near` multiplies with, once for all tiles of a frame: float32 (SQUARE, SQUARE // 2 + 1)."""
    return np.ascontiguousarray(transform(near_kernel(response, height, width), SQUARE), np.float32)


def near(window: Plane, region: Region, gain: Plane) -> Plane:
    """The near part of a region: float32, the window of `near_source(region)` -> the region. Any range.

    Raises ValueError if the window has another shape.
    """
    top, left, bottom, right = region
    above, before, below, behind = near_source(region)
    if window.shape != (below - above, behind - before):
        needed = (below - above, behind - before)
        raise ValueError(f"region {region} needs a window of {needed}, not {window.shape}")
    plane = np.empty((bottom - top, right - left), np.float32)
    for y in range(above + HALO, below - HALO, BLOCK):
        rows = slice(max(y, top), min(y + BLOCK, bottom))
        for x in range(before + HALO, behind - HALO, BLOCK):
            columns = slice(max(x, left), min(x + BLOCK, right))
            block = _block(window, y - HALO - above, x - HALO - before, gain)
            plane[_from(rows, top), _from(columns, left)] = block[_from(rows, y), _from(columns, x)]
    return plane


def _block(window: Plane, y: int, x: int, gain: Plane) -> Plane:
    # Always a new contiguous square: the transform sees the same numbers in the same layout for every window.
    square = np.array(window[y : y + SQUARE, x : x + SQUARE], np.float32, order="C")
    spectrum = scipy.fft.rfft2(square, workers=1)
    spectrum *= gain
    spectrum = scipy.fft.ifft(spectrum, axis=0, overwrite_x=True, workers=1)[HALO:-HALO]
    return np.asarray(scipy.fft.irfft(spectrum, SQUARE, axis=1, workers=1)[:, HALO:-HALO])


def _from(span: slice, origin: int) -> slice:
    return slice(span.start - origin, span.stop - origin)
