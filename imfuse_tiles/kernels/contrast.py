"""Contrast of a plane: Laplacians, differences of Gaussians, compass edges and comets.

All kernels are meant for true convolution and are quoted unturned.  ``bias`` is the grey of a flat
area: edges that darken fall below it, edges that brighten rise above it.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from .convolve import add_run, convolve
from .gaussian import blur_radius, gaussian_radius

Plane = NDArray[np.float32]
Kernel = NDArray[np.float64]

ROOT = 2**0.5
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
FREICHEN: dict[int, list[list[float]]] = {
    1: [[1, 0, -1], [ROOT, 0, -ROOT], [1, 0, -1]],
    2: [[1, ROOT, 0], [ROOT, 0, -ROOT], [0, -ROOT, -1]],
}
EDGES: dict[str, list[list[float]]] = {
    "sobel": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "prewitt": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
    "roberts": [[0, 0, 0], [1, -1, 0], [0, 0, 0]],
    "kirsch": [[5, -3, -3], [5, 0, -3], [5, -3, -3]],
    "compass": [[1, 1, -1], [1, -2, -1], [1, 1, -1]],
}
MODES = {"screen": 0, "lighten": 1, "darken": 2}


def bias(percent: float) -> np.float32:
    """The grey added to a response: percent/100 * 65536/65535."""
    return np.float32(percent / 100 * 65536 / 65535)


def halo(kernel: ArrayLike) -> int:
    """Pixels that a kernel (..., h, w) needs around the result: the larger of h // 2 and w // 2."""
    return max(np.shape(kernel)[-2:]) // 2


def normalised(kernel: ArrayLike) -> Kernel:
    """Scale to sum +-1 or, if the sum is zero, to a sum of 1 over the positive entries."""
    kernel = np.asarray(kernel, np.float64)
    total = abs(kernel.sum())
    return kernel / (total if total > 1e-9 else kernel[kernel > 0].sum())


def laplacian_kernel(n: int) -> Kernel:
    """Discrete Laplacian number ``n`` of LAPLACIANS, normalised; any other number means 0."""
    quarter = np.array(LAPLACIANS.get(n, LAPLACIANS[0]), np.float64)
    half = np.concatenate([quarter, quarter[-2::-1]])
    return normalised(np.concatenate([half, half[:, -2::-1]], axis=1))


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
    return biased(plane, laplacian_kernel(n))


def biased(plane: Plane, kernel: ArrayLike, percent: float = 50) -> Plane:
    """bias(percent) + plane convolved with ``kernel``, unclamped; float32 (y, x), valid convention.

    Raises ValueError if the kernel is larger than the plane.
    """
    out = convolve(plane, kernel)
    return np.add(out, bias(percent), out=out)


def edge_bank(name: str, n: int = 0) -> Plane:
    """Kernels of an edge detector in all its directions, float32 (directions, 3, 3).

    sobel, prewitt, freichen (n = 2 is the diagonal form), kirsch and compass turn by 90 degrees: four
    kernels; roberts turns the ring of a 3 x 3 kernel by 45 degrees: eight.  All but roberts are
    normalised, kirsch and compass then halved.  Raises ValueError for another name.
    """
    if name != "freichen" and name not in EDGES:
        raise ValueError(f"no edge detector is called {name!r}; there are freichen, {', '.join(EDGES)}")
    kernel = np.array(FREICHEN.get(n, FREICHEN[1]) if name == "freichen" else EDGES[name], np.float64)
    if name == "roberts":
        return np.array([_turned(kernel, eighths) for eighths in range(8)], np.float32)
    kernel = normalised(kernel) * (0.5 if name in ("kirsch", "compass") else 1)
    return np.array([np.rot90(kernel, -quarters) for quarters in range(4)], np.float32)


def _turned(kernel: Kernel, eighths: int) -> Kernel:
    """The ring around the middle of a 3 x 3 kernel moved clockwise."""
    y, x = [0, 0, 0, 1, 2, 2, 2, 1], [0, 1, 2, 2, 2, 1, 0, 0]
    turned = kernel.copy()
    turned[y, x] = np.roll(kernel[y, x], eighths)
    return turned


def edges(plane: Plane, bank: Plane, percent: float, mode: str = "screen") -> Plane:
    """Responses of all directions joined: "screen" 1 - prod(1 - E), "lighten" max E, "darken" min E.

    ``plane`` is float32 (y, x) with a halo of 1, ``bank`` float32 (directions, 3, 3).  E is
    bias(percent) + plane convolved with a kernel, clamped to 0..1.  Returns float32 (y - 2, x - 2) in
    0..1.  Raises KeyError for another mode (then join ``responses``).
    """
    out = np.empty((1, plane.shape[0] - 2, plane.shape[1] - 2), np.float32)
    _edges(plane, bank, bias(percent), MODES[mode], out)
    return out[0]


def responses(plane: Plane, bank: Plane, percent: float) -> Plane:
    """The responses E of ``edges`` one by one, float32 (directions, y - 2, x - 2) in 0..1."""
    out = np.empty((bank.shape[0], plane.shape[0] - 2, plane.shape[1] - 2), np.float32)
    _edges(plane, bank, bias(percent), -1, out)
    return out


@njit(cache=True, nogil=True)
def _respond(above: Plane, centre: Plane, below: Plane, kernel: Plane, bias: np.float32, out: Plane) -> None:
    """out = clamped bias + convolution of three rows with a 3 x 3 kernel."""
    a, b, c = kernel[2, 2], kernel[2, 1], kernel[2, 0]
    d, e, f = kernel[1, 2], kernel[1, 1], kernel[1, 0]
    g, h, i = kernel[0, 2], kernel[0, 1], kernel[0, 0]
    for x in range(out.size):
        top = (a * above[x] + b * above[x + 1]) + c * above[x + 2]
        middle = (d * centre[x] + e * centre[x + 1]) + f * centre[x + 2]
        bottom = (g * below[x] + h * below[x + 1]) + i * below[x + 2]
        value = ((top + bottom) + middle) + bias
        out[x] = max(np.float32(0), min(np.float32(1), value))


@njit(cache=True, nogil=True)
def _join(row: Plane, first: bool, last: bool, mode: int, out: Plane) -> None:
    """Join one more row to ``out`` (see MODES); screen keeps the product of 1 - row until the last."""
    one = np.float32(1)
    if first:
        for x in range(row.size):
            out[x] = row[x] if mode else one - row[x]
    elif mode == 0:
        for x in range(row.size):
            out[x] *= one - row[x]
    elif mode == 1:
        for x in range(row.size):
            out[x] = max(out[x], row[x])
    else:
        for x in range(row.size):
            out[x] = min(out[x], row[x])
    if last and mode == 0:
        for x in range(row.size):
            out[x] = one - out[x]


@njit(cache=True, nogil=True)
def _edges(plane: Plane, bank: Plane, bias: np.float32, mode: int, out: Plane) -> None:
    """All responses into ``out[direction]`` (mode -1), or joined into ``out[0]``."""
    response = np.empty(out.shape[2], np.float32)
    last = bank.shape[0] - 1
    for y in range(out.shape[1]):
        for direction in range(bank.shape[0]):
            row = response if mode >= 0 else out[direction, y]
            _respond(plane[y], plane[y + 1], plane[y + 2], bank[direction], bias, row)
            if mode >= 0:
                _join(row, direction == 0, direction == last, mode, out[0, y])


def comet_length(sigma: float, radius: int = 0) -> int:
    """Taps of a comet: blur_radius(sigma) + 1, or ``radius`` if that is given.  Its halo is one less."""
    return radius or blur_radius(sigma) + 1


def comet_taps(sigma: float, radius: int = 0) -> Plane:
    """The tail of a comet, float32 (length,), sum 1: half a Gaussian, brightest first.

    Tap i sums exp(-u^2/(2 (3s)^2)) over thirds of a pixel, u = 3i .. 3i + 2.
    """
    thirds = np.arange(3 * comet_length(sigma, radius))
    taps = np.exp(-(thirds**2) / (2 * (3 * sigma) ** 2)).reshape(-1, 3).sum(1)
    return (taps / taps.sum()).astype(np.float32)


def comet_copies(plane: Plane, taps: Plane) -> Plane:
    """The plane smeared to the right, down, to the left and up by the tail ``taps``.

    ``plane`` is float32 (y, x) with a halo of len(taps) - 1.  Returns float32 (4, y, x) without it, in
    the range of the plane.  Raises ValueError if the plane is smaller than the halo.
    """
    margin = 2 * (taps.size - 1)
    out = np.empty((4, plane.shape[0] - margin, plane.shape[1] - margin), np.float32)
    _smear(plane, taps, np.ascontiguousarray(taps[::-1]), -1, out)
    return out


def comet(plane: Plane, taps: Plane, mode: str = "lighten") -> Plane:
    """The copies of ``comet_copies`` joined: their largest ("lighten"), smallest ("darken") or "screen".

    Returns float32 (y, x) without the halo, in 0..1 for a plane in 0..1.  Raises KeyError for another mode.
    """
    margin = 2 * (taps.size - 1)
    out = np.empty((1, plane.shape[0] - margin, plane.shape[1] - margin), np.float32)
    _smear(plane, taps, np.ascontiguousarray(taps[::-1]), MODES[mode], out)
    return out[0]


@njit(cache=True, nogil=True)
def _add_rows(plane: Plane, first: int, step: int, left: int, taps: Plane, out: Plane) -> None:
    """out[x] += sum over i of taps[i] * plane[first + i * step, left + x]."""
    size, y, i = out.size, first, 0
    while i + 4 <= taps.size:
        near, next_ = plane[y][left : left + size], plane[y + step][left : left + size]
        after, far = plane[y + 2 * step][left : left + size], plane[y + 3 * step][left : left + size]
        a, b, c, d = taps[i], taps[i + 1], taps[i + 2], taps[i + 3]
        for x in range(size):
            out[x] = (((out[x] + a * near[x]) + b * next_[x]) + c * after[x]) + d * far[x]
        y, i = y + 4 * step, i + 4
    while i < taps.size:
        near, a = plane[y][left : left + size], taps[i]
        for x in range(size):
            out[x] += a * near[x]
        y, i = y + step, i + 1


@njit(cache=True, nogil=True)
def _smear(plane: Plane, taps: Plane, turned: Plane, mode: int, out: Plane) -> None:
    """Copies into ``out[direction]`` (mode -1), or joined into ``out[0]``; ``turned`` is taps[::-1]."""
    halo, cols = taps.size - 1, out.shape[2]
    copy = np.empty(cols, np.float32)
    for y in range(out.shape[1]):
        row = plane[y + halo]
        for direction in range(4):
            smear = copy if mode >= 0 else out[direction, y]
            smear.fill(0)
            if direction == 0:
                add_run(row[: cols + halo], turned, smear)
            elif direction == 2:
                add_run(row[halo:], taps, smear)
            else:
                _add_rows(plane, y + halo, direction - 2, halo, taps, smear)
            if mode >= 0:
                _join(smear, direction == 0, direction == 3, mode, out[0, y])
