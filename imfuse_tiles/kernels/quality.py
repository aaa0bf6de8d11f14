"""How much a pixel of a slice is worth to a fusion: local contrast, good exposure, saturation.

The measures of T. Mertens, J. Kautz and F. Van Reeth, "Exposure Fusion", Pacific Graphics (2007), with the
details that the manual of enfuse describes: contrast is the sample standard deviation over 5 x 5 pixels of the
mean of the colours, in steps of 1/65535; without a whole window around it a pixel has none.

Samples are 16-bit codes; all sums of a contrast are whole numbers, so a tile gives the same as the frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit

Plane = NDArray[np.float32]
Codes = NDArray[np.uint16]

#: Reach of the contrast window: 2 pixels to each side.
REACH = 2
#: The brightness that is exposed best, and how fast others lose.
OPTIMUM, SPREAD = 0.5, 0.2


def codes(samples: NDArray[np.generic]) -> Codes:
    """Samples (planes, y, x) as 16-bit codes: uint8 times 257, uint16 as they are, float32 in 0..1 rounded."""
    if samples.dtype == np.uint8:
        return samples.astype(np.uint16) * np.uint16(257)
    if samples.dtype == np.uint16:
        return samples  # type: ignore[return-value]
    return (np.clip(samples, 0, 1) * np.float32(65535) + np.float32(0.5)).astype(np.uint16)


def grey(samples: NDArray[np.generic]) -> Codes:
    """The mean of the colours (1 or 3 planes) of samples as of :func:`codes`, rounded: uint16 (y, x)."""
    if samples.dtype not in (np.uint8, np.uint16):
        samples = codes(samples)
    out = np.empty(samples.shape[1:], np.uint16)
    _grey(np.ascontiguousarray(samples), np.int32(257 if samples.dtype == np.uint8 else 1), out)
    return out


def contrast(plane: Codes, made: tuple[int, int, int, int], scale: float = 1.0) -> Plane:
    """Standard deviation of 16-bit codes (y, x) over 5 x 5 pixels, in whole codes times ``scale``: float32 from 0 on.

    Pixels without a whole window around them have 0; they are kept only as many as ``made`` says: 0 to 2 rows at
    the top and bottom, columns at the left and right.
    """
    top, bottom, left, right = made
    height, width = plane.shape
    out = np.zeros((height + top + bottom - 4, width + left + right - 4), np.float32)
    if height > 4 and width > 4:
        _contrast(np.ascontiguousarray(plane), np.float32(scale), top, left, out)
    return out


def exposure(plane: Codes) -> Plane:
    """Closeness of 16-bit codes to the middle of the range: exp(-((v - 1/2) / 0.2)^2 / 2), float32 0..1."""
    table = np.exp(-0.5 * ((np.arange(65536) / 65535 - OPTIMUM) / SPREAD) ** 2).astype(np.float32)
    return table[plane]


def saturation(samples: NDArray[np.generic]) -> Plane:
    """Saturation as in HSL of samples (planes, y, x): float32 (y, x) 0..1; a grey frame has none."""
    value = codes(samples).astype(np.float32) / np.float32(65535)
    high, low = value.max(axis=0), value.min(axis=0)
    room = np.float32(1) - np.abs(high + low - np.float32(1))
    return np.divide(high - low, room, out=np.zeros_like(high), where=(high > low) & (room > 0))


@njit(cache=True, nogil=True)
def hard_mask(index, z, total, share):  # type: ignore[no-untyped-def]
    """The hard mask of slice ``z``, float32 (y, x): 1 where ``index`` names it, ``share`` where it is ``total``."""
    mask = np.empty(index.shape, np.float32)
    for y in range(index.shape[0]):
        row, target = index[y], mask[y]
        for x in range(row.size):
            none = share if row[x] == total else np.float32(0)
            target[x] = np.float32(1) if row[x] == z else none
    return mask


@njit(cache=True, nogil=True)
def note_strongest(weight, z, best, index):  # type: ignore[no-untyped-def]
    """Note slice ``z`` where its weight exceeds the best so far: ``best`` float32, ``index`` unsigned, (y, x)."""
    for y in range(weight.shape[0]):
        new, old, row = weight[y], best[y], index[y]
        for x in range(new.size):
            row[x] = z if new[x] > old[x] else row[x]
            old[x] = max(new[x], old[x])


@njit(cache=True, nogil=True)
def _grey(samples, scale, out):  # type: ignore[no-untyped-def]
    for y in range(out.shape[0]):
        target = out[y]
        if samples.shape[0] == 1:
            for x in range(target.size):
                target[x] = np.uint16(np.int32(samples[0, y, x]) * scale)
        else:
            red, green, blue = samples[0, y], samples[1, y], samples[2, y]
            for x in range(target.size):
                total = np.int32(red[x]) + np.int32(green[x]) + np.int32(blue[x])
                target[x] = np.uint16((np.int32(2) * scale * total + np.int32(3)) // np.int32(6))


@njit(cache=True, nogil=True)
def _contrast(plane, scale, top, left, out):  # type: ignore[no-untyped-def]
    """Sums over the window are whole numbers below 2^53, so that adding and taking away rows loses nothing."""
    width = plane.shape[1]
    total, square = np.zeros(width), np.zeros(width)
    for y in range(plane.shape[0]):
        row = plane[y]
        gone = plane[max(y - 5, 0)]
        kept = 1.0 if y >= 5 else 0.0
        for x in range(width):
            new, old = np.float64(row[x]), np.float64(gone[x]) * kept
            total[x] += new - old
            square[x] += new * new - old * old
        if y < 4:
            continue
        target = out[y - 4 + top][left:]
        for x in range(width - 4):
            s = (total[x] + total[x + 1]) + (total[x + 2] + total[x + 3]) + total[x + 4]
            q = (square[x] + square[x + 1]) + (square[x + 2] + square[x + 3]) + square[x + 4]
            target[x] = np.float32(np.floor(np.sqrt((25.0 * q - s * s) / 600.0) + 0.5)) * scale
