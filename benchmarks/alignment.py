"""Alignment beside known transforms and beside OpenCV's findTransformECC: error of corners and CPU time.

The other aligner is a chain of neighbours, affine, on frames of at most 2048 pixels, from the identity, with the
function's own criteria (50 steps, 0.001) and a Gaussian of 5 pixels. Both read the same files and use one thread; CPU
includes decoding. Medians of ``--repeat`` runs. ``--large`` aligns three frames of another size by themselves, and
counts the pixels that are compared at full size, in per cent of the frames', and the peak memory of a process.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import tifffile

from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.kernels import registration_pairs
from imfuse_tiles.kernels.registration_matrices import corners, moved
from imfuse_tiles.simulation import render
from imfuse_tiles.simulation.stack import Stack as Simulated
from imfuse_tiles.stages.estimate_alignment import estimate

#: Width, height, frames, seed, noise.
STACKS = [(900, 600, 12, 11, 0.0), (900, 600, 12, 21, 0.005), (1200, 900, 24, 13, 0.0), (600, 400, 100, 14, 0.0)]
QUICK = [(240, 180, 3, 11, 0.0)]
LONGEST = 2048
Matrices = list[np.ndarray]


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks alignment", description=__doc__)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, of which the median counts (3)")
    parser.add_argument("--quick", action="store_true", help="one tiny stack")
    parser.add_argument("--large", metavar="WIDTHxHEIGHT", help="three large frames instead, such as 8000x6000")
    args = parser.parse_args(words)
    if args.large:
        width, height = (int(side) for side in args.large.split("x"))
        print(large((width, height, 3, 11, 0.005)))
        return
    print(f"{'stack':<18} {'imfuse-tiles: median worst px':>30} {'CPU s':>7} {'ECC: median worst px':>22} {'CPU s':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for number, about in enumerate(QUICK if args.quick else STACKS):
            print(row(Path(folder) / str(number), about, 1 if args.quick else args.repeat), flush=True)


def row(folder: Path, about: tuple[int, int, int, int, float], repeat: int) -> str:
    """One line of the table."""
    width, height, count, seed, noise = about
    render(folder, width, height, count, seed, noise=noise, misalign=True, workers=1)
    truth = true_transforms(about)
    images = sorted(folder.glob("slice_*.tif"))
    ours, cpu = timed(lambda: own_transforms(images), repeat)
    theirs, other = timed(lambda: ecc_transforms(images), repeat)
    one, two = (np.delete(errors(found, truth, width, height), count // 2) for found in (ours, theirs))
    return (f"{f'{count} x {width}x{height}':<18} {np.median(one):>22.3f} {one.max():>7.3f} {cpu:>7.2f} "
            f"{np.median(two):>14.3f} {two.max():>7.3f} {other:>7.2f}")  # fmt: skip


def large(about: tuple[int, int, int, int, float]) -> str:
    """Errors, pixels read at full size, seconds and memory of large frames."""
    width, height, count, seed, noise = about
    with tempfile.TemporaryDirectory() as name:
        render(Path(name), width, height, count, seed, noise=noise, misalign=True)
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            found, read, seconds, peak = pool.submit(counted_transforms, sorted(Path(name).glob("slice_*"))).result()
    error = np.delete(errors(found, true_transforms(about), width, height), count // 2)
    return (f"{count} x {width}x{height}: median {np.median(error):.3f}, worst {error.max():.3f} pixels; "
            f"{100 * read / (width * height * count):.2f} % compared at full size; "
            f"{seconds:.1f} s of CPU, at most {peak >> 20} MB")  # fmt: skip


def counted_transforms(images: Sequence[Path]) -> tuple[Matrices, int, float, int]:
    """Transforms, pixels of the windows that were read for them, CPU seconds and bytes of memory at most."""
    read, kernels = 0, registration_pairs
    smoothed = kernels.smoothed

    def counted(plane: np.ndarray) -> np.ndarray:
        nonlocal read
        read += plane.size
        return smoothed(plane)

    kernels.smoothed = counted
    began = time.process_time()
    found = own_transforms(images)
    return found, read, time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def timed(work: Callable[[], Matrices], repeat: int) -> tuple[Matrices, float]:
    """What a function returns and the median of its CPU seconds, after a run that does not count."""
    found, seconds = work(), []
    for _ in range(repeat):
        began = time.process_time()
        found = work()
        seconds.append(time.process_time() - began)
    return found, statistics.median(seconds)


def own_transforms(images: Sequence[Path]) -> Matrices:
    """Transforms from the middle frame to each, as a run finds them."""
    found = estimate(open_stack(images), "similarity", len(images) // 2, "no")
    return [np.array(frame.matrix).reshape(3, 3) for frame in found.frames]


def ecc_transforms(images: Sequence[Path]) -> Matrices:
    """The same by a chain of findTransformECC."""
    cv2.setNumThreads(1)
    frames, chain = [reduced(path) for path in images], [np.eye(3)]
    factor = frames[0][1]
    for (one, _), (other, _) in pairwise(frames):
        criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 50, 1e-3)
        _, matrix = cv2.findTransformECC(
            one, other, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, criteria, None, 5
        )
        chain.append(np.vstack([matrix, [0, 0, 1]]) @ chain[-1])
    grid = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]])
    back = np.linalg.inv(grid @ chain[len(images) // 2])
    return [grid @ matrix @ back for matrix in chain]


def reduced(path: Path) -> tuple[np.ndarray, int]:
    """A grey frame of at most so many pixels a side, float32, and by how much it is reduced."""
    samples = tifffile.imread(path)
    grey = samples.mean(axis=2, dtype=np.float32) / np.float32(np.iinfo(samples.dtype).max)
    factor = -(-max(grey.shape) // LONGEST)
    size = grey.shape[1] // factor, grey.shape[0] // factor
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA) if factor > 1 else grey, factor


def true_transforms(about: tuple[int, int, int, int, float]) -> Matrices:
    width, height, count, seed, noise = about
    moves = Simulated(width, height, count, seed, 16, noise, True).transforms
    matrices = [np.linalg.inv(np.vstack([move.matrix(width, height), [0, 0, 1]])) for move in moves]
    return [matrix @ np.linalg.inv(matrices[count // 2]) for matrix in matrices]


def errors(found: Matrices, truth: Matrices, width: int, height: int) -> np.ndarray:
    """By how much a corner of each frame is put beside its true place at most, in pixels."""
    at = corners(width, height)
    return np.array([np.hypot(*(moved(a, at) - moved(b, at))).max() for a, b in zip(found, truth, strict=True)])


if __name__ == "__main__":
    main()
