"""Edge detectors: a kernel of 3 x 3 pixels turned into all directions, the answers joined.

All kernels are meant for true convolution and are quoted unturned.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.kernels.contrast import bias, normalise

Plane = NDArray[np.float32]
Kernel = NDArray[np.float64]

ROOT = 2**0.5
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
    kernel = normalise(kernel) * (0.5 if name in ("kirsch", "compass") else 1)
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
def _edges(plane: Plane, bank: Plane, bias: np.float32, mode: int, out: Plane) -> None:
    """All responses into ``out[direction]`` (mode -1), or joined into ``out[0]``."""
    response = np.empty(out.shape[2], np.float32)
    last = bank.shape[0] - 1
    for y in range(out.shape[1]):
        for direction in range(bank.shape[0]):
            row = response if mode >= 0 else out[direction, y]
            _respond(plane[y], plane[y + 1], plane[y + 2], bank[direction], bias, row)
            if mode >= 0:
                join(row, direction == 0, direction == last, mode, out[0, y])


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
def join(row: Plane, first: bool, last: bool, mode: int, out: Plane) -> None:
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
