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


def ours(*options: str) -> Program:
    """The picture that we make with options; NAME.depth.tif lies beside it where there is a depth."""

    def fuse(files: Sequence[Path], folder: Path) -> np.ndarray:
        out = folder / "ours.tif"
        shutil.rmtree(folder / "store", ignore_errors=True)
        command = [sys.executable, "-m", "imfuse_tiles", "fuse", *options, "--align=no", "-X", "--force", "--quiet",
                   "--store", str(folder / "store"), "-o", str(out), *map(str, files)]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        return read(out)

    return fuse


def depth(folder: Path, slices: int) -> np.ndarray:
    """The depth beside our picture, in slices from the first."""
    return slices - 1 - read(folder / "ours.depth.tif") * slices


def programs() -> dict[str, Program]:
    """All that can be run here."""
    found: dict[str, Program] = {"auto": ours(), "default": ours("--preset=default"), "bg=enfuse": ours("--bg=enfuse")}
    if shutil.which("enfuse"):
        found["enfuse"] = enfuse
    return found
