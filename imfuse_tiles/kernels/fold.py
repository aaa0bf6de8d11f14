"""The montage, pixel by pixel: which slice is cut, and painting it over what lies behind.

Slices come from the back (last) to the front (first). State is kept in arrays that these kernels change in
place, so the memory of a tile does not depend on the number of slices.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def advance(mask, strongest, cut):  # type: ignore[no-untyped-def]
    """Take the pixels whose mask is at least the strongest so far: ``cut`` = 1 there, else 0.

    All float32 (y, x). A tie goes to the new slice, which is nearer to the front; a mask of 0 never paints.
    """
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            m, f = mask[y, x], strongest[y, x]
            taken = (m >= f) & (m > np.float32(0))
            strongest[y, x] = max(m, f)
            cut[y, x] = np.float32(1) if taken else np.float32(0)


@njit(cache=True, nogil=True)
def advance_less(mask, strongest, valley, rise, cut):  # type: ignore[no-untyped-def]
    """As :func:`advance`, and also take what rises by more than ``rise`` over its valley since the last cut.

    ``valley`` float32 (y, x), infinite where nothing was seen yet. Taking a weaker mask lowers ``strongest``.
    """
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            m, f, low = mask[y, x], strongest[y, x], valley[y, x]
            taken = (m >= f) & (m > np.float32(0))
            f = max(m, f)
            low = f if taken else low
            f = m if m > low + rise else f
            valley[y, x] = min(low, m)
            strongest[y, x] = f
            cut[y, x] = np.float32(1) if (m >= f) & (f > np.float32(0)) else np.float32(0)


@njit(cache=True, nogil=True)
def paint(samples, full, cut, place, picture):  # type: ignore[no-untyped-def]
    """Paint a slice over the picture with the cut (clamped to 0..1) as its opacity.

    ``samples`` (c, y, x) of any number type, ``full`` its value of full scale; ``picture`` float32
    (c + 2, y, x): the colours, the depth and the opacity so far, colours and depth times opacity.
    ``place`` is the slice's depth value. source over destination, premultiplied.
    """
    planes = samples.shape[0]
    for y in range(cut.shape[0]):
        for c in range(planes):
            for x in range(cut.shape[1]):
                a = min(max(cut[y, x], np.float32(0)), np.float32(1))
                value = np.float32(samples[c, y, x]) / full
                picture[c, y, x] = value * a + picture[c, y, x] * (np.float32(1) - a)
        for x in range(cut.shape[1]):
            a = min(max(cut[y, x], np.float32(0)), np.float32(1))
            rest = np.float32(1) - a
            picture[planes, y, x] = place * a + picture[planes, y, x] * rest
            picture[planes + 1, y, x] = a + picture[planes + 1, y, x] * rest


@njit(cache=True, nogil=True)
def unpremultiplied(picture):  # type: ignore[no-untyped-def]
    """Divide the colours and depth of a picture of :func:`paint` by its opacity, in place; clear stays 0."""
    last = picture.shape[0] - 1
    for y in range(picture.shape[1]):
        for c in range(last):
            for x in range(picture.shape[2]):
                a = picture[last, y, x]
                picture[c, y, x] = picture[c, y, x] / a if a > np.float32(0) else np.float32(0)


def over(top: np.ndarray, under: np.ndarray) -> np.ndarray:
    """One picture over another, both float32 (..., c + 1, y, x), the last plane the opacity, not premultiplied."""
    a, b = top[-1], under[-1]
    rest = b * (np.float32(1) - a)
    opacity = a + rest
    safe = np.where(opacity > 0, opacity, np.float32(1))
    colour = (top[:-1] * a + under[:-1] * rest) / safe
    return np.concatenate([colour, opacity[None]])
