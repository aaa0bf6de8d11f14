"""Simulated frames that do not lie over each other, and how far transforms are from the known ones."""

from __future__ import annotations

from functools import cache

import numpy as np

from imfuse_tiles.kernels.registration import Registration
from imfuse_tiles.kernels.registration_matrices import corners, moved
from imfuse_tiles.kernels.registration_pyramid import pyramid
from imfuse_tiles.kernels.registration_result import Result
from imfuse_tiles.simulation.stack import Stack

Matrix = np.ndarray


@cache
def simulated(width: int, height: int, count: int, seed: int, misalign: bool = True, noise: float = 0.005
              ) -> tuple[list[np.ndarray], list[Matrix]]:  # fmt: skip
    """Grey frames, float32 (y, x) in 0..1, and the true transforms from the middle frame to each."""
    stack = Stack(width, height, count, seed, 16, noise, misalign)
    frames = {n: pixels for n, pixels in stack.window((0, 0, width, height)) if isinstance(n, int)}
    grey = [frames[n].mean(axis=2, dtype=np.float32) / np.float32(65535) for n in range(count)]
    truth = [np.linalg.inv(np.vstack([move.matrix(width, height), [0, 0, 1]])) for move in stack.transforms]
    return grey, [matrix @ np.linalg.inv(truth[count // 2]) for matrix in truth]


def registered(frames: list[np.ndarray], model: str = "similarity") -> Result:
    """The transforms from the middle frame."""
    height, width = frames[0].shape
    registration = Registration(width, height, len(frames), model)
    for frame in frames:
        registration.add(pyramid(np.ascontiguousarray(frame * frame, np.float32)))  # the light of what is coded
    return registration.result(len(frames) // 2)


def corner_errors(found: list[Matrix], truth: list[Matrix], width: int, height: int) -> np.ndarray:
    """By how much a corner of each frame is put beside its true place at most, in pixels."""
    at = corners(width, height)
    return np.array([np.hypot(*(moved(a, at) - moved(b, at))).max() for a, b in zip(found, truth, strict=True)])
