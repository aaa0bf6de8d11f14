"""The montage, pixel by pixel: which slice is cut, and painting it over what lies behind.

Slices come from the back (last) to the front (first). State is kept in arrays that these kernels change in
place, so the memory of a tile does not depend on the number of slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.codes import unit_factors
from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.crop import uncropped_array


@njit(cache=True, nogil=True)
def cut_where_strongest(mask, strongest, cut):  # type: ignore[no-untyped-def]
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
    """As :func:`cut_where_strongest`; also take what rises by more than ``rise`` over its valley since the last cut.

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


def paint(
    slices: NDArray[Any], full: float, cuts: Sequence[Sequence[np.ndarray]], places: np.ndarray, pictures: np.ndarray
) -> None:
    """Paint slices one after the other over each picture, with that picture's cut as their opacity.

    ``slices`` (k or more, c, y, x) of any number type, ``full`` their value of full scale; ``cuts`` k times n of
    float32 (y, x), which may be crops, seen as in 0..1; ``places`` float32 (k,), the depth value of each; ``pictures``
    float32 (n, c + 2, y, x): the colours, the depth and the opacity so far, colours and depth times opacity;
    (n, c + 1, y, x) has no depth.
    source over destination, premultiplied. Memory is what painting waits for, so several slices are painted before
    a row is put back.
    """
    count, width = len(slices) * len(pictures), slices.shape[-1]
    found = [uncropped_array(cut) for each in cuts for cut in each]
    found += found[-1:] * (count - len(found))  # always as many, so that there is one kernel to compile
    planes, tops, lefts = zip(*found, strict=True)
    rows, some = np.empty((len(pictures), width), np.float32), np.empty(len(pictures), np.bool_)
    _paint(slices, *unit_factors(full), planes, np.array([tops, lefts]).T, places, pictures, rows, some)


@njit(cache=True, nogil=True, counted=False)
def _paint(slices, high, low, cuts, at, places, pictures, rows, some):  # type: ignore[no-untyped-def]
    """``rows``, ``some``: room for a row of a slice's cuts, and whether a cut has any."""
    planes, height, width = slices.shape[1:]
    last, layers = pictures.shape[1] - 1, pictures.shape[0]
    for y in range(height):
        for k in range(places.size):
            seen = 0
            for n in range(layers):
                top, left = at[k * layers + n]
                some[n] = _take(cuts[k * layers + n][top + y][left : left + width], rows[n])
                seen += some[n]
            if seen == 0:
                continue
            for c in range(planes):
                if seen == layers == 2:
                    _mix_both(slices[k, c, y], high, low, rows[0], rows[1], pictures[0, c, y], pictures[1, c, y])
                    continue
                for n in range(layers):
                    if some[n]:
                        _mix(slices[k, c, y], high, low, rows[n], pictures[n, c, y])
            for n in range(layers):
                if some[n]:
                    if last > planes:
                        _mix_plain(places[k], rows[n], pictures[n, planes, y])
                    _mix_plain(np.float32(1), rows[n], pictures[n, last, y])


@njit(cache=True, nogil=True, counted=False)
def _take(cut, row):  # type: ignore[no-untyped-def]
    """A row of a cut in 0..1; whether any of it is above 0."""
    some = False
    for x in range(row.size):
        value = min(max(cut[x], np.float32(0)), np.float32(1))
        row[x] = value
        some |= value > np.float32(0)
    return some


@njit(cache=True, nogil=True, counted=False)
def _mix(samples, high, low, cut, row):  # type: ignore[no-untyped-def]
    for x in range(row.size):
        value = np.float32(samples[x]) * high + np.float32(samples[x]) * low
        row[x] = value * cut[x] + row[x] * (np.float32(1) - cut[x])


@njit(cache=True, nogil=True, counted=False)
def _mix_both(samples, high, low, cut, other_cut, row, other_row):  # type: ignore[no-untyped-def]
    """:func:`_mix` of two pictures: samples are looked at once."""
    for x in range(row.size):
        value = np.float32(samples[x]) * high + np.float32(samples[x]) * low
        row[x] = value * cut[x] + row[x] * (np.float32(1) - cut[x])
        other_row[x] = value * other_cut[x] + other_row[x] * (np.float32(1) - other_cut[x])


@njit(cache=True, nogil=True, counted=False)
def _mix_plain(value, cut, row):  # type: ignore[no-untyped-def]
    for x in range(row.size):
        row[x] = value * cut[x] + row[x] * (np.float32(1) - cut[x])


@njit(cache=True, nogil=True, counted=False)
def unpremultiply(picture):  # type: ignore[no-untyped-def]
    """A picture of :func:`paint`, float32, is divided by its opacity, the last plane; what is clear becomes 0."""
    last = picture.shape[0] - 1
    for y in range(picture.shape[1]):
        opacity = picture[last, y]
        for plane in range(last):
            row = picture[plane, y]
            for x in range(row.size):
                row[x] = row[x] / opacity[x] if opacity[x] > np.float32(0) else np.float32(0)


@njit(cache=True, nogil=True)
def fill(image, picture, colours):  # type: ignore[no-untyped-def]
    """``over`` of ``image``, which is unpremultiplied, and a picture of :func:`paint` as this made it, into ``image``.

    Both float32 (n, y, x): so many colours first, the opacity last, and what is between left alone.
    """
    last, width, none = image.shape[0] - 1, image.shape[2], np.float32(0)
    a, share, lower = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(image.shape[1]):
        opacity, b = image[last, y], picture[last, y]
        for x in range(width):
            a[x] = opacity[x]
            share[x] = b[x] * (np.float32(1) - a[x])
            opacity[x] = a[x] + share[x]
        for c in range(colours):
            colour, under = image[c, y], picture[c, y]
            for x in range(width):
                lower[x] = under[x] / b[x] if b[x] > none else none
                whole = opacity[x] if opacity[x] > none else np.float32(1)
                mixed = (colour[x] * a[x] + lower[x] * share[x]) / whole
                colour[x] = lower[x] if a[x] == none else mixed
