"""Known misalignment: how each slice was moved, turned, scaled and exposed, and resampling by it.

A transform is a 2 x 3 matrix M over pixel positions (x to the right, y down, the middle of the first pixel
is 0, 0): position (x, y) in the slice shows what lies at M @ (x, y, 1) in `truth.tif`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from imfuse_tiles.kernels.compiler import njit
from imfuse_tiles.simulation.noise import chances

#: pixels of picture needed around a resampled position
TAPS = 3
_PHASES = 1024


@dataclass(frozen=True)
class Transform:
    """Scale and turn (degrees, clockwise on the screen) about the middle of the frame, shift in pixels, gain of the
    light and of its red, green and blue beside that: truth = middle + scale * turn * (slice - middle) + shift."""

    scale: float = 1.0
    degrees: float = 0.0
    dx: float = 0.0
    dy: float = 0.0
    gain: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def is_still(self) -> bool:
        """Whether nothing but the light differs."""
        return (self.scale, self.degrees, self.dx, self.dy) == (1, 0, 0, 0)

    @property
    def gains(self) -> np.ndarray:
        """Gains of the light in red, green and blue, float64 (3,)."""
        return self.gain * np.array(self.tint)

    def matrix(self, width: int, height: int) -> np.ndarray:
        """float64 (2, 3), slice to truth, for a frame of width x height."""
        cx, cy = (width - 1) / 2, (height - 1) / 2
        c = self.scale * math.cos(math.radians(self.degrees))
        s = self.scale * math.sin(math.radians(self.degrees))
        return np.array([[c, -s, cx - c * cx + s * cy + self.dx], [s, c, cy - s * cx - c * cy + self.dy]])


def wander(slices: int, seed: int, width: int, height: int) -> list[Transform]:
    """A hand-held rack with focus breathing: the middle slice stays as it is, the others drift away from it.

    Over the whole stack the scale changes by 3 %, the frame drifts by up to 0.4 % of its width and turns by
    up to 0.6 degrees; every slice jumps by up to 2 pixels, 0.05 % of scale and 0.05 degrees; the light
    drifts by up to 8 % and jumps by up to 2 %.
    """
    number = np.arange(slices)
    dice = [2 * chances(seed * 7919 + 90001 + n, number, number) - 1 for n in range(9)]
    middle = slices // 2
    moves = []
    for i in range(slices):
        if i == middle:
            moves.append(Transform())
            continue
        far = (i - middle) / max(slices - 1, 1)
        moves.append(
            Transform(
                scale=1 - 0.03 * far + 0.0005 * float(dice[0][i]),
                degrees=0.6 * far * float(dice[5][0]) + 0.05 * float(dice[1][i]),
                dx=0.004 * width * far * float(dice[6][0]) + 2 * float(dice[2][i]),
                dy=0.004 * height * far * float(dice[7][0]) + 2 * float(dice[3][i]),
                gain=1 + 0.08 * far * float(dice[8][0]) + 0.02 * float(dice[4][i]),
            )
        )
    return moves


def drifted(moves: list[Transform], drift: float) -> list[Transform]:
    """The transforms with light that changes by a share ``drift`` over the stack, and from blue to red by as much.

    The middle slice stays as it is.
    """
    if drift == 0:
        return moves
    changed = []
    for number, move in enumerate(moves):
        share = drift * (number - len(moves) // 2) / max(len(moves) - 1, 1)
        changed.append(replace(move, gain=move.gain * (1 + share), tint=(1 + share / 2, 1.0, 1 - share / 2)))
    return changed


def alignment_record(files: list[str], moves: list[Transform], width: int, height: int) -> dict[str, object]:
    """The transforms from the middle slice as a file of transforms has them, which ``--transforms`` takes.

    A matrix maps a point of the middle slice to the same point of the scene in its slice. Gains make the samples of a
    slice, which are square roots of light, those of the middle one.
    """
    middle = np.vstack([moves[len(moves) // 2].matrix(width, height), [0, 0, 1]])
    frames = []
    for number, (file, move) in enumerate(zip(files, moves, strict=True)):
        matrix = np.linalg.inv(np.vstack([move.matrix(width, height), [0, 0, 1]])) @ middle
        gains = np.sqrt(moves[len(moves) // 2].gains / move.gains)
        frames.append({"file": file, "matrix": matrix.ravel().tolist(), "residual": 0.0, "warnings": [],
                       "gains": [] if (gains == 1).all() else gains.tolist(), "bad": "", "focus": number})  # fmt: skip
    return {"model": "similarity", "reference": files[len(files) // 2], "size": [width, height], "frames": frames}


def record(move: Transform, width: int, height: int) -> dict[str, object]:
    """What `transforms.json` says of one slice."""
    matrix = move.matrix(width, height)
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    return {
        "scale": move.scale,
        "degrees": move.degrees,
        "shift": [move.dx, move.dy],
        "gain": move.gain,
        "tint": list(move.tint),
        "slice_to_truth": matrix.tolist(),
        "truth_to_slice": back.tolist(),
    }


def source_box(matrix: np.ndarray, x0: int, y0: int, x1: int, y1: int) -> tuple[int, int, int, int]:
    """The truth pixels (x0, y0, x1, y1) that a window of a slice needs, the resampling taps included."""
    corners = matrix @ np.array([[x0, x1 - 1, x0, x1 - 1], [y0, y0, y1 - 1, y1 - 1], [1, 1, 1, 1]], float)
    low, high = np.floor(corners.min(axis=1)), np.floor(corners.max(axis=1))
    return int(low[0]) - TAPS, int(low[1]) - TAPS, int(high[0]) + TAPS + 2, int(high[1]) + TAPS + 2


@cache
def lanczos() -> np.ndarray:
    """Weights of the Lanczos kernel with three lobes, float32 (1025, 6): row i for a fraction of i / 1024."""
    at = np.arange(_PHASES + 1)[:, None] / _PHASES - np.arange(-TAPS + 1, TAPS + 1)[None, :]
    weights = np.sinc(at) * np.sinc(at / TAPS) * (np.abs(at) < TAPS)
    weights[np.abs(weights) < 1e-12] = 0
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@njit(cache=True, nogil=True)
def resample(
    picture: np.ndarray,
    px0: int,
    py0: int,
    matrix: np.ndarray,
    weights: np.ndarray,
    x0: int,
    y0: int,
    height: int,
    width: int,
) -> np.ndarray:
    """A window of a slice, float32 (height, width, 3), from a picture of the truth that starts at px0, py0."""
    out = np.empty((height, width, 3), np.float32)
    for y in range(height):
        for x in range(width):
            sx = matrix[0, 0] * (x0 + x) + matrix[0, 1] * (y0 + y) + matrix[0, 2]
            sy = matrix[1, 0] * (x0 + x) + matrix[1, 1] * (y0 + y) + matrix[1, 2]
            ix = int(np.floor(sx))
            iy = int(np.floor(sy))
            wx = weights[int((sx - ix) * 1024 + 0.5)]
            wy = weights[int((sy - iy) * 1024 + 0.5)]
            red = green = blue = np.float32(0)
            for j in range(6):
                r = g = b = np.float32(0)
                for i in range(6):
                    pixel = picture[iy - py0 + j - 2, ix - px0 + i - 2]
                    r += wx[i] * pixel[0]
                    g += wx[i] * pixel[1]
                    b += wx[i] * pixel[2]
                red += wy[j] * r
                green += wy[j] * g
                blue += wy[j] * b
            out[y, x, 0] = red
            out[y, x, 1] = green
            out[y, x, 2] = blue
    return out
