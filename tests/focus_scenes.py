"""Small stacks with a truth, for tests of the fusion by local energy."""

from __future__ import annotations

import cv2
import numpy as np


def focused(
    count: int = 6, size: tuple[int, int] = (150, 210), noise: float = 0.0, seed: int = 3, blur: float = 0.5
) -> tuple[np.ndarray, ...]:
    """Slices (z, planes, y, x) uint16 of a textured slope from front (left) to back, the truth, and its depth.

    ``blur``: deviation in pixels of what is half a slice out of focus.
    """
    random = np.random.default_rng(seed)
    truth = np.stack([cv2.GaussianBlur(random.random(size), (0, 0), 1) for _ in range(3)])
    truth = np.clip(0.5 + (truth - truth.mean()) / truth.std() * 0.13, 0.05, 0.95)
    depth = np.broadcast_to(np.linspace(0, count - 1, size[1]), size)
    blurs = np.stack([truth, *(np.stack([cv2.GaussianBlur(each, (0, 0), blur * step) for each in truth])
                               for step in range(1, 2 * count))])  # fmt: skip
    slices = []
    for z in range(count):
        away = np.abs(depth - z) * 2
        low, share = np.floor(away).astype(int), away % 1
        rows, columns = np.mgrid[: size[0], : size[1]]
        near, far = (np.stack([blurs[np.minimum(low + k, len(blurs) - 1), c, rows, columns] for c in range(3)])
                     for k in (0, 1))  # fmt: skip
        slices.append(near * (1 - share) + far * share + random.normal(0, noise, truth.shape))
    return np.rint(np.clip(slices, 0, 1) * 65535).astype(np.uint16), truth, depth


def glints(size: tuple[int, int] = (140, 180)) -> tuple[np.ndarray, np.ndarray]:
    """Slices (z, 1, y, x) uint16 of strong glints on a weak texture, the third in focus; and the truth."""
    random, light = np.random.default_rng(7), np.full((140, 180), 0.08)
    light += 0.02 * cv2.GaussianBlur(random.random(light.shape) - 0.5, (0, 0), 1) / 0.15
    for y, x in random.integers(15, 125, (25, 2)):
        light[y : y + 2, x : x + 2] = 4.0
    slices = [cv2.GaussianBlur(light, (0, 0), 0.5 + 1.2 * abs(z - 2)) for z in range(5)]
    stack, truth = (np.clip(each, 0, 1) ** (1 / 2.2) for each in (np.stack(slices)[:, None], slices[2]))
    return np.rint(stack * 65535).astype(np.uint16), truth
