"""Rows of interleaved samples read from a file straight into planes, without the interpreter between them.

Threads that read rows one by one, or a few at a time, spend more time on handing the interpreter's lock to each other
than on the samples. Here the system's ``pread`` is called by compiled code.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

import numpy as np

from imfuse_tiles.kernels.compiler import njit, ready
from imfuse_tiles.kernels.interleave import FEW, _separate

#: Whether there is a ``pread`` whose places have 64 bits.
_HAS_PREAD = hasattr(os, "pread") and sys.maxsize > 1 << 32
#: The system's ``pread``, once Numba is loaded.
_pread: Any = None


def can_read(pixel: int, dtype: np.dtype, planes: np.ndarray, count: int) -> bool:
    """Whether ``count`` pixels of ``pixel`` samples of a type can be read into planes (c, y, x): colours whose type is
    that of the planes, on systems of 64 bits with ``pread``, and so many that loading compiled code is worth it."""
    alike = dtype == planes.dtype and dtype.isnative and planes.flags.c_contiguous
    return alike and pixel in (3, 4) and len(planes) == 3 and count * pixel >= FEW and _HAS_PREAD


def read_rows(file: int, start: int, row_bytes: int, columns: int, pixel: int, planes: np.ndarray,
              place: tuple[int, int], rows: int) -> int:  # fmt: skip
    """Read so many rows of ``columns`` pixels, ``pixel`` samples of each, from a descriptor into three planes
    (3, Y, X) from a row and column (``place``) on; ``row_bytes`` from one to the next. How many could be read.
    """
    _load()
    line = np.empty((1, columns * pixel), planes.dtype)
    return int(_read(file, start, row_bytes, line, line.ctypes.data, pixel, planes, *place, rows))


@cache
def _load() -> None:
    global _pread
    ready()
    from numba.core import types

    signature = types.intp(types.int32, types.uintp, types.uintp, types.int64)
    _pread = types.ExternalFunction("pread", signature)


@njit(cache=True, nogil=True, counted=False)
def _read(file, start, row_bytes, line, address, pixel, planes, top, left, rows):  # type: ignore[no-untyped-def]
    size = line.size * line.itemsize
    for y in range(rows):
        done = 0
        while done < size:
            count = _pread(np.int32(file), np.uintp(address + done), np.uintp(size - done),
                           np.int64(start + y * row_bytes + done))  # fmt: skip
            if count <= 0:
                return y
            done += count
        _separate(line, pixel, planes, top + y, left)
    return rows
