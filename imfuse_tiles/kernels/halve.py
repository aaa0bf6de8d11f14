"""A picture at half its size: what image pyramids are made of, level by level."""

from __future__ import annotations

import numpy as np

#: In what sums of four samples have room.
WIDER = {"uint8": np.uint16, "uint16": np.uint32, "float32": np.float32}


def halve(samples: np.ndarray) -> np.ndarray:
    """Samples (..., y, x) at half the size, rounded up: the mean of every 2 x 2 samples, in their own number type.

    Integers (uint8, uint16) are rounded to the nearest, halves up. Where a side is odd its last row or column counts
    twice. A region that begins at even places of an image gives exactly that part of the halved image.

    >>> halved(np.array([[1, 2, 9], [3, 4, 9]], np.uint8))
    array([[3, 9]], dtype=uint8)
    """
    wide = WIDER[samples.dtype.name]
    rows = _pair_sums(samples, -2, wide)
    total = _pair_sums(rows, -1, wide)
    if wide is np.float32:
        return np.multiply(total, np.float32(0.25), order="C")
    total += 2
    total >>= 2
    return total.astype(samples.dtype, order="C")


def _pair_sums(samples: np.ndarray, axis: int, wide: type) -> np.ndarray:
    """Sums of neighbours along one of the last two axes; an odd last one is added to itself."""
    moved = samples if axis == -2 else samples.swapaxes(-1, -2)
    total: np.ndarray = moved[..., ::2, :].astype(wide)
    pairs = moved.shape[-2] // 2
    total[..., :pairs, :] += moved[..., 1::2, :]
    total[..., pairs:, :] *= wide(2)
    return total if axis == -2 else total.swapaxes(-1, -2)
