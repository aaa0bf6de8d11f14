"""The picture of README.md: one slice, the fused result and its depth map, side by side, of a simulated stack.

    python -m benchmarks readme-picture [FILE] [--size 1080x720] [--slices 24] [--seed 4]

Everything in it is made by the program itself: the stack by ``simulate``, the result and the depth map by ``fuse``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from imfuse_tiles.cli.main import main as imfuse_tiles

#: Pixels: width of each picture, and of the white between them. Quality of the JPEG.
WIDTH, GAP, QUALITY = 400, 8, 84


def stack_and_results(folder: Path, size: str, slices: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A slice from the middle of a simulated stack, the result, and its coloured depth map, uint8 (y, x, 3)."""
    stack, result = folder / "stack", folder / "result.tif"
    images = [stack / f"slice_{number:04}.tif" for number in range(slices)]
    simulate = ["simulate", stack, "--size", size, "--slices", slices, "--seed", seed, "--bits", "8", "--quiet"]
    fuse = ["fuse", "--preset", "auto", "-X", "--quiet", "--store", folder / "store", "-o", result, *images]
    for words in (simulate, fuse):
        if imfuse_tiles([str(word) for word in words]) != 0:
            raise SystemExit("the program failed")
    paths = images[slices // 2], result, folder / "result.depthmap.tif"
    before, after, depth = (to_bytes(tifffile.imread(path)) for path in paths)
    return before, after, depth


def to_bytes(samples: np.ndarray) -> np.ndarray:
    """Colours as uint8, without opacity."""
    samples = samples[..., :3]
    return samples if samples.dtype == np.uint8 else (samples >> 8).astype(np.uint8)


def side_by_side(pictures: Sequence[np.ndarray]) -> Image.Image:
    """Pictures beside each other, each WIDTH pixels wide."""
    height = round(WIDTH * pictures[0].shape[0] / pictures[0].shape[1])
    whole = Image.new("RGB", (len(pictures) * (WIDTH + GAP) - GAP, height), "white")
    for number, picture in enumerate(pictures):
        small = Image.fromarray(picture).resize((WIDTH, height), Image.Resampling.LANCZOS)
        whole.paste(small, (number * (WIDTH + GAP), 0))
    return whole


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("file", nargs="?", type=Path, default=Path(".github/fused.jpg"))
    parser.add_argument("--size", default="1080x720")
    parser.add_argument("--slices", type=int, default=24)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="of a tiny stack, in a temporary folder")
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        if args.quick:
            args.file, args.size, args.slices = Path(folder) / "fused.jpg", "180x120", 4
        picture = side_by_side(stack_and_results(Path(folder), args.size, args.slices, args.seed))
        args.file.parent.mkdir(exist_ok=True)
        picture.save(args.file, quality=QUALITY, optimize=True)
        print(f"{args.file}: {picture.width} x {picture.height}, {args.file.stat().st_size} bytes")
    return 0
