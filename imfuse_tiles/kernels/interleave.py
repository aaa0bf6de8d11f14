"""Interleaved samples, as most image files have them, in planes."""

from __future__ import annotations

import numpy as np

from imfuse_tiles.kernels.compiler import njit

#: Fewer samples than this are not worth loading a compiler for.
FEW = 1 << 13


def separate(pixels: np.ndarray, planes: np.ndarray, place: tuple[int, int] = (0, 0)) -> None:
    """Write the samples of pixels (y, x, n) into the first n of planes (c, Y, X), from a row and column of these on.

    Where there are fewer planes than samples the last samples are left out. Number types are converted as NumPy does.
    """
    rows, columns, count = pixels.shape
    count, (y, x) = min(count, len(planes)), place
    alike = pixels.dtype == planes.dtype and pixels.dtype.isnative and pixels.flags.writeable
    steps = pixels.itemsize * pixels.shape[2], pixels.itemsize
    if count == 3 and alike and pixels.size >= FEW and pixels.strides[1:] == steps and planes.flags.c_contiguous:
        flat = np.lib.stride_tricks.as_strided(pixels, (rows, columns * pixels.shape[2]), (pixels.strides[0], steps[1]))
        _separate(flat, pixels.shape[2], planes, y, x)
    else:
        planes[:count, y : y + rows, x : x + columns] = np.moveaxis(pixels, -1, 0)[:count]


@njit(cache=True, nogil=True, counted=False)
def _separate(rows, step, planes, top, left):  # type: ignore[no-untyped-def]
    """Three planes of pixels whose samples lie in rows, ``step`` of each; one loop for each step, which is faster."""
    width = rows.shape[1] // step
    for y in range(rows.shape[0]):
        row, a = rows[y], planes[0, top + y][left : left + width]
        b, c = planes[1, top + y][left : left + width], planes[2, top + y][left : left + width]
        if step == 3:
            for x in range(width):
                a[x] = row[3 * x]
                b[x] = row[3 * x + 1]
                c[x] = row[3 * x + 2]
        else:
            for x in range(width):
                a[x] = row[step * x]
                b[x] = row[step * x + 1]
                c[x] = row[step * x + 2]
