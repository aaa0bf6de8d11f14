"""Runs of frames that do not lie over each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from imfuse_tiles.cli.main import main

#: Width and height of the frames, and how they are fused.
SIZE = (480, 320)
ALIGN_OPTIONS = ("--wavelet", "--cutwave", "--quiet", "--force")


def frames_of(folder: Path) -> list[str]:
    return [str(path) for path in sorted(folder.glob("slice_*.tif"))]


def fused(place: Path, images: list[str], *words: str) -> np.ndarray:
    """The result of a run of its own."""
    place.mkdir(exist_ok=True)
    words = (*ALIGN_OPTIONS, *words, *(() if "--store" in words else ("--store", str(place / "store"))))
    assert main(["fuse", *words, "-o", str(place / "r.tif"), *images]) == 0
    return tifffile.imread(place / "r.tif")


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = (one.astype(float) - other) / 65535
    return float(-10 * np.log10((error**2).mean()))
