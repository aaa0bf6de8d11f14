"""A crop of an array, for kernels that are compiled for contiguous arrays only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]


def uncropped_array(view: Planes) -> tuple[Planes, int, int]:
    """The contiguous array (..., y, x) that a crop was cut from, and the crop's first row and column in it.

    Nothing is copied if there is such an array: planes from the first to the last of the crop, in full. Otherwise
    it is a contiguous copy of the crop, at 0, 0.
    """
    base = view.base
    if not view.flags.c_contiguous and isinstance(base, np.ndarray) and _of(view, base):
        offset = (view.ctypes.data - base.ctypes.data) // view.itemsize
        height, width = base.shape[-2:]
        first, (y, x) = offset // (height * width), divmod(offset % (height * width), width)
        if y + view.shape[-2] <= height and x + view.shape[-1] <= width:
            planes = base.reshape(-1, height, width)
            return (planes[first] if view.ndim == 2 else planes[first : first + len(view)]), y, x
    return np.require(view, np.float32, ["C", "W"]), 0, 0


def _of(view: Planes, base: Planes) -> bool:
    """Whether an array is writable and contiguous, and a crop of 2 or 3 dimensions has its rows and planes."""
    steps = (base.shape[-2] * base.shape[-1] * 4, base.shape[-1] * 4, 4) if base.ndim >= 2 else ()
    return (
        base.flags.c_contiguous and base.flags.writeable and base.dtype == view.dtype == np.float32
        and base.ndim >= 2 and view.ndim in (2, 3) and view.size > 0
        and view.strides == steps[-view.ndim :]
    )  # fmt: skip
