"""Which frames are told to be in doubt in long sweeps whose ends are blurred by a quarter of the picture.

Layers of a simulated scene are blurred by discs that grow with their distance from the focus, laid over each other from
the back to the front, and moved by known transforms. A frame is bad if a corner is put more than half a pixel beside
its true place; it is named if the registration says so. Per sweep: the radius at a whole depth range of distance and by
how much of the range the focus moves beyond both ends of the scene; then the sum.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from benchmarks.alignment import Matrices, errors
from imfuse_tiles.kernels.registration import Registration
from imfuse_tiles.kernels.registration_pyramid import pyramid
from imfuse_tiles.simulation.stack import Stack

WIDTH, HEIGHT, COUNT, MARGIN, LAYERS, NOISE = 600, 400, 100, 40, 10, 0.005
BAD = 0.5
#: Seed, radius in pixels, share of the range of depths.
SWEEPS = [(14, 62.0, 0.5), (1, 100.0, 0.5), (2, 62.0, 0.0), (3, 100.0, 0.5), (4, 62.0, 0.5), (5, 100.0, 0.0),
          (21, 80.0, 0.5), (22, 80.0, 0.2), (23, 120.0, 0.5), (24, 50.0, 1.0)]  # fmt: skip


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks blurred-ends", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one sweep of few frames")
    args = parser.parse_args(words)
    total = np.zeros(3, int)
    print("seed radius beyond   median   worst    bad   not named   named though good")
    for about in SWEEPS[:1] if args.quick else SWEEPS:
        error, named = judged(*about, 6 if args.quick else COUNT)
        bad = error > BAD
        counts = np.array([bad.sum(), (bad & ~named).sum(), (~bad & named).sum()])
        total += counts
        print(f"{about[0]:4} {about[1]:6g} {about[2]:6g} {np.median(error):8.3f} {error.max():7.2f} "
              f"{counts[0]:6} {counts[1]:11} {counts[2]:19}", flush=True)  # fmt: skip
    print(f"in all {total[0]} bad, {total[1]} of them not named, {total[2]} named though good")


def judged(seed: int, radius: float, beyond: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the frames' corners in pixels, and whether each is named."""
    moves = transforms(seed, count)
    registration = Registration(WIDTH, HEIGHT, count, "similarity")
    for light in frames(seed, radius, beyond, moves):
        registration.add(pyramid(light))
    found = registration.result(count // 2)
    truth = [np.linalg.inv(matrix) for matrix in moves]
    truth = [matrix @ np.linalg.inv(truth[count // 2]) for matrix in truth]
    named = [bool(found.trouble(n)) or found.vague(n) or n in found.in_doubt for n in range(count)]
    return errors(found.transforms, truth, WIDTH, HEIGHT), np.array(named)


def transforms(seed: int, count: int) -> Matrices:
    """From each frame to the scene."""
    moves = Stack(WIDTH, HEIGHT, count, seed, 16, 0.0, True).transforms
    return [np.vstack([move.matrix(WIDTH, HEIGHT), [0, 0, 1]]) for move in moves]


def frames(seed: int, radius: float, beyond: float, moves: Matrices) -> Iterator[np.ndarray]:
    """Grey light of the frames, float32 (y, x) in 0..1."""
    light, depth = scene(seed)
    edges = np.quantile(depth, np.linspace(0, 1, LAYERS + 1))[1:-1]
    layer = np.searchsorted(edges, depth, side="right")
    chance = np.random.default_rng(seed)
    for n, move in enumerate(moves):
        focus = -beyond + (1 + 2 * beyond) * n / (len(moves) - 1)
        blurred = exposure(light, depth, layer, lambda at, focus=focus: radius * abs(at - focus))
        shift = np.array([[1, 0, MARGIN], [0, 1, MARGIN], [0, 0, 1.0]])
        moved = cv2.warpAffine(blurred, (shift @ move)[:2], (WIDTH, HEIGHT),
                               flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP)  # fmt: skip
        coded = np.sqrt(np.clip(moved, 0, 1)) + chance.normal(0, NOISE, moved.shape)
        yield np.square(np.clip(coded, 0, 1)).astype(np.float32)


def scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Light, and depth of 0 (near) to 1, of a scene with a margin round the frame."""
    wide, high = WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN
    pictures = dict(Stack(wide, high, 2, seed, 16, 0.0, False).window((0, 0, wide, high)))
    light = np.square(pictures["truth"].mean(axis=2, dtype=np.float32) / np.float32(65535))
    return light, np.float32(pictures["depth"].reshape(high, wide) / 65535)


def exposure(light: np.ndarray, depth: np.ndarray, layer: np.ndarray, radius_at) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The layers, each blurred by its radius, from the back to the front."""
    out = np.zeros_like(light)
    for number in sorted(set(layer.ravel()), reverse=True):
        within = np.float32(layer == number)
        kernel = disc(radius_at(float(depth[layer == number].mean())))
        cover, own = (
            cv2.filter2D(plane, -1, kernel, borderType=cv2.BORDER_REFLECT) for plane in (within, within * light)
        )
        out = own / np.maximum(cover, 1e-6) if not out.any() else out * (1 - cover) + own
    return out


def disc(radius: float) -> np.ndarray:
    reach = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    weights = np.clip(max(radius, 0.4) + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return weights / weights.sum()


if __name__ == "__main__":
    main()
