"""What is compared: our presets and the program enfuse, each on the files of a stack."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tifffile

from benchmarks.fusion import ENFUSE
from benchmarks.quality.scenes import Sample

Program = Callable[[Sequence[Path], Path], np.ndarray]


def written(sample: Sample, folder: Path) -> list[Path]:
    """The slices of a sample as TIFF files, front first."""
    top, kind = 2**sample.bits - 1, np.uint8 if sample.bits == 8 else np.uint16
    files = [folder / f"slice_{number:04}.tif" for number in range(len(sample.slices))]
    for file, picture in zip(files, sample.slices, strict=True):
        tifffile.imwrite(file, np.rint(picture * top).astype(kind), photometric="rgb")
    return files


def read(file: Path) -> np.ndarray:
    """A 16-bit picture as float32 in 0..1, its opacity left out."""
    picture = tifffile.imread(file)
    return np.float32(picture if picture.ndim == 2 else picture[..., :3]) / 65535


def enfuse(files: Sequence[Path], folder: Path) -> np.ndarray:
    """The picture of enfuse with a hard mask by contrast."""
    out = folder / "enfuse.tif"
    subprocess.run([*map(str, ENFUSE), "-o", str(out), *map(str, files)], check=True, capture_output=True)
    return read(out)


def enfuse_aligned(files: Sequence[Path], folder: Path) -> np.ndarray:
    """The picture of enfuse from frames that we have aligned."""
    moved = folder / "aligned"
    shutil.rmtree(moved, ignore_errors=True)
    command = [sys.executable, "-m", "imfuse_tiles", "align", "--align-keep-size", "--quiet", "-o", str(moved)]
    done = subprocess.run([*command, *map(str, files)], check=False, capture_output=True, text=True)
    if not moved.is_dir():
        raise SystemExit(f"align: {done.stderr.strip()}")
    return enfuse(sorted(moved.glob("*.tif")), folder)


def ours(*options: str) -> Program:
    """The picture that we make with options; NAME.depth.tif lies beside it where there is a depth.

    Frames are aligned as for every user, only that none is cropped.
    """

    def fuse(files: Sequence[Path], folder: Path) -> np.ndarray:
        out = folder / "ours.tif"
        shutil.rmtree(folder / "store", ignore_errors=True)
        command = [sys.executable, "-m", "imfuse_tiles", "fuse", "--align-keep-size", *options, "-X", "--force",
                   "--quiet", "--store", str(folder / "store"), "-o", str(out), *map(str, files)]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        return read(out)

    return fuse


def depth(folder: Path, slices: int) -> np.ndarray:
    """The depth beside our picture, in slices from the first."""
    value = read(folder / "ours.depth.tif")
    return slices - 1 - (value if value.ndim == 2 else value[..., 0]) * slices


def programs(*options: str, moved: bool = False) -> dict[str, Program]:
    """All that can be run here, ours with options; ``moved``: frames are out of place, aligning shows."""
    presets = {"auto": (), "default": ("--preset=default",), "bg=enfuse": ("--bg=enfuse",)}
    found: dict[str, Program] = {name: ours(*options, *preset) for name, preset in presets.items()}
    if moved:
        found["auto, not aligned"] = ours("--align=no", *options)
    if shutil.which("enfuse"):
        found["enfuse"] = enfuse
        if moved:
            found["enfuse, aligned"] = enfuse_aligned
    return found


def programs_for_pairs() -> dict[str, Program]:
    """The same on pairs that lie over each other: measures compare the result with both frames as they are."""
    return programs("--align=no")
