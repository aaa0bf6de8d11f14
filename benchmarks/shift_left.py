"""Shift that alignment leaves between neighbouring frames of photographed stacks, by a check of its own.

    python -m benchmarks shift-left --stacks FOLDER [--models NAME ...] [--quick]

Both frames of a pair are resampled as a run would and cut into patches of 64 pixels. Of those that are sharp in both,
the shift is the place of the largest cross-correlation (bands of 1 to 4 pixels), which is not how the estimate is made.
A patch counts if its shift is known to a tenth of a pixel by the Cramer-Rao bound, which leaves out stripes and what
only grows with blur; and if it does not look the same in all frames as they lie, which is dust before the sensor. A
pair has the median length of the shifts of its patches, a stack the median and the largest of its pairs. ``common``:
what the shifts of all patches, also of blurred ones, have in common (``benchmarks.common_shift``), the median of the
pairs and of their standard errors; stacks that are sharp nowhere have it alone. Frames of more than 2048 pixels a side
are reduced, and their shifts are in pixels of the reduced frames.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np

from benchmarks.alignment import Matrices
from benchmarks.common_shift import Common, common_shift
from benchmarks.fusion import photographed
from benchmarks.patch_shift import between, shifts_at
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import open_frame
from imfuse_tiles.imageio.stack import FULL, Stack
from imfuse_tiles.kernels.registration_area import common_area
from imfuse_tiles.kernels.registration_pairs import at_level
from imfuse_tiles.kernels.warp import warp
from imfuse_tiles.simulation import render
from imfuse_tiles.stages.estimate_alignment import estimate

LONGEST, PATCH, MARGIN = 2048, 64, 8
#: A patch is sharp with this share of the ratio of fine to coarse detail that the sharpest patches have.
SHARP = 0.5
#: Its shift is known to so many pixels; two patches show the same from this correlation; a pair counts with so many.
SURE, SAME, LEAST = 0.1, 0.85, 8
#: Contrast below which a patch is empty (mean square of what is between 1 and 4 pixels large).
EMPTY = 6e-6


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks shift-left", description=__doc__)
    parser.add_argument("--stacks", type=Path, help="folder of folders of frames")
    parser.add_argument("--models", nargs="+", default=["no", "auto"], help="values of --align (no auto)")
    parser.add_argument("--quick", action="store_true", help="a tiny simulated stack")
    args = parser.parse_args(words)
    print(
        f"{'stack':<10} {'align':<11} {'median':>7} {'worst':>7} {'pairs':>6} {'common':>14}  "
        "shifts of pairs (patches), in common"
    )
    with tempfile.TemporaryDirectory() as name:
        simulated = [("simulated", sorted(render(Path(name), 800, 600, 4, 11, misalign=True).glob("slice_*.tif")))]
        for stack, files in [] if args.stacks and not args.quick else simulated:
            print("\n".join(lines(stack, files, args.models)), flush=True)
    for stack, files in photographed(args.stacks) if args.stacks else ():
        print("\n".join(lines(stack, files, args.models)), flush=True)


def lines(name: str, files: Sequence[Path], models: Sequence[str]) -> Iterator[str]:
    """The table's lines of a stack."""
    stack = open_stack(files)
    frames, factor = zip(*[reduced(stack, number) for number in range(len(stack))], strict=True)
    still = unmoving(frames)
    for model in models:
        found = estimate(stack, model, len(stack) // 2, "no")
        matrices = [at_level(np.array(frame.matrix).reshape(3, 3), factor[0]) for frame in found.frames]
        pairs, common = shifts_of_pairs(frames, matrices, still)
        known = [shift for shift, count in pairs if count >= LEAST] or [np.nan]
        every = " ".join(f"{shift:.2f} ({count})" if count >= LEAST else f"- ({count})" for shift, count in pairs)
        label = model if model == found.model else f"{model}: {found.model}"
        whole = " ".join(f"{pair.length:.2f}" for pair in common)
        sure = [pair for pair in common if pair.patches] or common
        mean = f"{np.median([pair.length for pair in sure]):.3f} +- {np.median([pair.error for pair in sure]):.3f}"
        yield (f"{name:<10} {label:<11} {np.median(known):>7.3f} {max(known):>7.3f} {len(known):>6} {mean:>14}  "
               f"{every}, {whole}")  # fmt: skip


def reduced(stack: Stack, number: int) -> tuple[np.ndarray, int]:
    """A grey frame in 0..1, reduced by areas to at most so many pixels a side, and by how much it was."""
    header = stack.headers[number]
    with open_frame(header) as frame:
        rows = frame.rows(0, header.height)[: header.channels]
    grey = rows.mean(axis=0, dtype=np.float32) / np.float32(FULL[header.dtype])
    factor = -(-max(grey.shape) // LONGEST)
    size = grey.shape[1] // factor, grey.shape[0] // factor
    grey = grey[: size[1] * factor, : size[0] * factor]
    return (cv2.resize(grey, size, interpolation=cv2.INTER_AREA) if factor > 1 else grey), factor


def shifts_of_pairs(
    frames: Sequence[np.ndarray], matrices: Matrices, still: np.ndarray
) -> tuple[list[tuple[float, int]], list[Common]]:
    """Of neighbouring frames the median length of the shifts of sharp patches and how many these are; and what all
    patches have in common."""
    high, wide = frames[0].shape
    area = common_area(matrices, wide, high)
    aligned = [warp(frame[None], (0, 0), (high, wide), matrix, area)[0][0]
               for frame, matrix in zip(frames, matrices, strict=True)]  # fmt: skip
    pairs, common = [], []
    for (one, other), matrix in zip(pairwise(aligned), matrices, strict=False):
        corner = np.array([[1, 0, area[2]], [0, 1, area[0]], [0, 0, 1.0]])
        flat = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        dust = cv2.warpPerspective(still.astype(np.uint8), matrix @ corner, one.shape[::-1], flags=flat) > 0
        patches = patch_shifts(one, other)
        x, y = patches[:, :2].astype(int).T
        length = np.hypot(*patches[~dust[y, x], 2:].T)
        pairs.append((float(np.median(length)) if len(length) else np.nan, len(length)))
        common.append(common_shift(one, other, dust))
    return pairs, common


def unmoving(frames: Sequence[np.ndarray]) -> np.ndarray:
    """Where first, middle and last frame look the same as they lie, bool (y, x)."""
    bands = [between(frames[number], 1, 4) for number in (0, len(frames) // 2, -1)]
    same = np.ones(frames[0].shape, bool)
    for one, other in combinations(bands, 2):
        a, b, product = (cv2.boxFilter(part, -1, (33, 33)) for part in (one * one, other * other, one * other))
        same &= product > 0.8 * np.sqrt(np.maximum(a * b, 0))
    return same


def patch_shifts(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Patches sharp in both: x and y of their middle, and their shift (n, 4)."""
    coarse = [between(plane, 1, 4) for plane in (one, other)]
    return shifts_at(coarse, sharp_patches(one, other, coarse), PATCH, SAME, SURE)


def sharp_patches(one: np.ndarray, other: np.ndarray, coarse: Sequence[np.ndarray]) -> np.ndarray:
    """First row and column of patches with fine detail in both planes (n, 2)."""
    high, wide = one.shape
    grid = np.s_[MARGIN : high - PATCH - MARGIN : PATCH // 2, MARGIN : wide - PATCH - MARGIN : PATCH // 2]
    fine, rough = ([cv2.boxFilter(band * band, -1, (PATCH, PATCH), anchor=(0, 0))[grid] for band in bands]
                   for bands in ([between(plane, 0.7, 1.4) for plane in (one, other)], coarse))  # fmt: skip
    if not fine[0].size:
        return np.empty((0, 2), int)
    noise = [float(np.quantile(part, 0.05)) for part in fine]
    ratio = [np.sqrt(np.maximum(a - n, 0) / np.maximum(b, 1e-12)) for a, b, n in zip(fine, rough, noise, strict=True)]
    least = np.minimum(*rough)
    good = (least >= max(EMPTY, np.quantile(least, 0.3))) & (np.minimum(*fine) > 2 * max(noise))
    if good.any():
        good &= np.minimum(*ratio) > SHARP * max(np.quantile(part[good], 0.95) for part in ratio)
    return MARGIN + PATCH // 2 * np.argwhere(good)


if __name__ == "__main__":
    main()
