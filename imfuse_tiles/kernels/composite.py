"""Pictures over each other by their opacity (the operator ``over`` of Porter and Duff), as float32 or 16-bit codes.

T. Porter and T. Duff, "Compositing digital images", ACM SIGGRAPH Computer Graphics 18 (1984). The last plane of a
picture is its opacity; its colours are not multiplied by it.
"""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.codes import encode, encode_row
from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.crop import uncropped_array


def over(top: np.ndarray, under: np.ndarray | None) -> np.ndarray:
    """One picture over another, both float32 (c + 1, y, x), the last plane the opacity, not premultiplied.

    Where the upper one is quite clear the lower one is taken as it is, to the bit. ``under``: None for zeros.
    """
    under = np.zeros_like(top) if under is None else under
    out = np.empty(np.broadcast_shapes(top.shape, under.shape), np.float32)
    _over(_plain(top, out.shape), _plain(under, out.shape), out)
    return out


def _plain(picture: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """In one piece of memory and writable, so that there is one kind of array to compile for."""
    return np.require(picture if picture.shape == shape else np.broadcast_to(picture, shape), np.float32, ["C", "W"])


@njit(cache=True, nogil=True)
def _over(top, under, out):  # type: ignore[no-untyped-def]
    last, height, width = out.shape[0] - 1, out.shape[1], out.shape[2]
    share, none = np.empty(width, np.float32), np.float32(0)
    for y in range(height):
        a, b, opacity = top[last, y], under[last, y], out[last, y]
        for x in range(width):
            share[x] = b[x] * (np.float32(1) - a[x])
            opacity[x] = a[x] + share[x]
        for c in range(last):
            upper, lower, colour = top[c, y], under[c, y], out[c, y]
            for x in range(width):
                whole = opacity[x] if opacity[x] > none else np.float32(1)
                mixed = (upper[x] * a[x] + lower[x] * share[x]) / whole
                colour[x] = lower[x] if a[x] == none else mixed


def over_blurred(
    colours: np.ndarray, share: np.ndarray, border: np.ndarray, image: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """A picture under a blurred one: ``over`` of ``colours`` / ``share`` with the opacity ``border`` * ``share``.

    ``colours`` (c, y, x) are blurred times what was painted, ``share`` (y, x) is how much of each was painted, and
    ``border`` (y, x) in 0..1 where the blur is to be seen; ``image`` (c + 1, y, x). All float32. Returns a new array
    or ``out``, which may be a crop.
    """
    out = np.empty(image.shape, np.float32) if out is None else out
    place = uncropped_array(out)
    _veiled(
        _plain(colours, colours.shape),
        _plain(share, share.shape),
        *uncropped_array(border),
        *uncropped_array(image),
        *place,
    )
    if not np.shares_memory(out, place[0]):
        out[:] = place[0]
    return out


@njit(cache=True, nogil=True)
def _veiled(colours, share, border, y0, x0, image, y1, x1, out, y2, x2):  # type: ignore[no-untyped-def]
    last, height, width = colours.shape
    upper, lower = np.empty(width, np.float32), np.empty(width, np.float32)
    none, one = np.float32(0), np.float32(1)
    for y in range(height):
        part, edge = share[y], border[y0 + y][x0 : x0 + width]
        below, opacity = image[last, y1 + y][x1 : x1 + width], out[last, y2 + y][x2 : x2 + width]
        for x in range(width):
            upper[x] = min(max(edge[x] * part[x], none), one)
            lower[x] = below[x] * (one - upper[x])
            opacity[x] = upper[x] + lower[x]
        for c in range(last):
            blurred, sharp = colours[c, y], image[c, y1 + y][x1 : x1 + width]
            colour = out[c, y2 + y][x2 : x2 + width]
            for x in range(width):
                top = blurred[x] / (part[x] if part[x] > none else one)
                whole = opacity[x] if opacity[x] > none else one
                mixed = (top * upper[x] + sharp[x] * lower[x]) / whole
                colour[x] = sharp[x] if upper[x] == none else mixed


def over_as_codes(top: np.ndarray, under: np.ndarray | None, codes: np.ndarray) -> None:
    """``over`` as 16-bit codes of 0..1, rounded to the nearest, into ``codes`` uint16 (c + 1, y, x), contiguous.

    ``under``: None for nothing, which is a picture of zeros.
    """
    below = (np.zeros((1, 1, 1), np.float32), 0, 0) if under is None else uncropped_array(under)
    _finished(*uncropped_array(top), *below, under is None, codes)


@njit(cache=True, nogil=True)
def _finished(top, y0, x0, under, y1, x1, alone, codes):  # type: ignore[no-untyped-def]
    last, height, width = codes.shape[0] - 1, codes.shape[1], codes.shape[2]
    share, opacity, none = np.zeros(width, np.float32), np.empty(width, np.float32), np.float32(0)
    for y in range(height):
        a = top[last, y0 + y][x0 : x0 + width]
        if not alone:
            b = under[last, y1 + y][x1 : x1 + width]
            for x in range(width):
                share[x] = b[x] * (np.float32(1) - a[x])
        for x in range(width):
            opacity[x] = a[x] + share[x]
        encode_row(opacity, codes[last, y])
        for c in range(last):
            upper, code = top[c, y0 + y][x0 : x0 + width], codes[c, y]
            if alone:
                for x in range(width):
                    whole = opacity[x] if opacity[x] > none else np.float32(1)
                    code[x] = encode(none if a[x] == none else upper[x] * a[x] / whole)
                continue
            lower = under[c, y1 + y][x1 : x1 + width]
            for x in range(width):
                whole = opacity[x] if opacity[x] > none else np.float32(1)
                mixed = (upper[x] * a[x] + lower[x] * share[x]) / whole
                code[x] = encode(lower[x] if a[x] == none else mixed)
