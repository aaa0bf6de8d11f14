"""Contrast of a plane: Laplacians and differences of Gaussians.

All kernels are meant for true convolution and are quoted unturned.  ``bias`` is the grey of a flat
area: edges that darken fall below it, edges that brighten rise above it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imfuse_tiles.kernels.convolve import convolve
from imfuse_tiles.kernels.gaussian import gaussian_radius

Plane = NDArray[np.float32]
Kernel = NDArray[np.float64]

# Upper left quarters, middle row and column included; the rest mirrors them.
LAPLACIANS: dict[int, list[list[float]]] = {
    0: [[-1, -1], [-1, 8]],
    1: [[0, -1], [-1, 4]],
    2: [[-2, 1], [1, 4]],
    3: [[1, -2], [-2, 4]],
    5: [[-4, -1, 0], [-1, 2, 3], [0, 3, 4]],
    7: [[-10, -5, -2, -1], [-5, 0, 3, 4], [-2, 3, 6, 7], [-1, 4, 7, 8]],
    15: [[0, 0, -1], [0, -1, -2], [-1, -2, 16]],
    19: [
        [0, -1, -1, -2, -2],
        [-1, -2, -4, -5, -5],
        [-1, -4, -5, -3, 0],
        [-2, -5, -3, 12, 24],
        [-2, -5, 0, 24, 40],
    ],
}


def bias(percent: float) -> np.float32:
    """The grey added to a response: percent/100 * 65536/65535."""
    return np.float32(percent / 100 * 65536 / 65535)


def halo(kernel: ArrayLike) -> int:
    """Pixels that a kernel (..., h, w) needs around the result: the larger of h // 2 and w // 2."""
    return max(np.shape(kernel)[-2:]) // 2


def normalise(kernel: ArrayLike) -> Kernel:
    """Scale to sum +-1 or, if the sum is zero, to a sum of 1 over the positive entries."""
    kernel = np.asarray(kernel, np.float64)
    total = abs(kernel.sum())
    return kernel / (total if total > 1e-9 else kernel[kernel > 0].sum())


def laplacian_kernel(n: int) -> Kernel:
    """Discrete Laplacian number ``n`` of LAPLACIANS, normalised; any other number means 0."""
    quarter = np.array(LAPLACIANS.get(n, LAPLACIANS[0]), np.float64)
    half = np.concatenate([quarter, quarter[-2::-1]])
    return normalise(np.concatenate([half, half[:, -2::-1]], axis=1))


def dog_kernel(narrow: float, wide: float, radius: int = 0) -> Kernel:
    """Difference of two Gaussians, exp(-(u^2 + v^2)/2s^2)/(2 pi s^2) each, parts balanced to +1 and -1.

    The square window is that of the larger sigma, or ``radius`` if that is given.
    """
    squares = _squares(radius or gaussian_radius(max(narrow, wide)))
    first, second = (np.exp(-squares / (2 * s * s)) / (2 * np.pi * s * s) for s in (narrow, wide))
    return _balanced(first - second)


def log_kernel(sigma: float, radius: int = 0) -> Kernel:
    """Laplacian of a Gaussian, (1 - q) exp(-q) with q = (u^2 + v^2)/2s^2, parts balanced to +1 and -1."""
    q = _squares(radius or gaussian_radius(sigma)) / (2 * sigma * sigma)
    return _balanced((1 - q) * np.exp(-q))


def surround_kernel(radius: int) -> Kernel:
    """A pixel against its surround: -1 everywhere, in the middle so much that the sum is 0."""
    kernel = np.full((2 * radius + 1, 2 * radius + 1), -1.0)
    kernel[radius, radius] = kernel.size - 1
    return kernel


def _squares(radius: int) -> Kernel:
    steps = np.arange(-radius, radius + 1.0) ** 2
    return steps[:, None] + steps


def _balanced(kernel: Kernel) -> Kernel:
    """Positive entries to sum +1 and negative ones to sum -1, so that a flat area answers 0."""
    bright, dark = kernel[kernel > 0].sum(), -kernel[kernel < 0].sum()
    return np.where(kernel > 0, kernel / (bright or 1), kernel / (dark or 1))


def laplacian(plane: Plane, n: int) -> Plane:
    """bias(50) + plane convolved with ``laplacian_kernel(n)``, unclamped.

    ``plane`` is float32 (y, x) with a halo of 1, or 2 (n = 5, 15), 3 (7), 4 (19), which the result lacks.
    Raises ValueError if the kernel is larger than the plane.
    """
    return convolve_biased(plane, laplacian_kernel(n))


def convolve_biased(plane: Plane, kernel: ArrayLike, percent: float = 50) -> Plane:
    """bias(percent) + plane convolved with ``kernel``, unclamped; float32 (y, x), valid convention.

    Raises ValueError if the kernel is larger than the plane.
    """
    return convolve(plane, kernel, float(bias(percent)))
