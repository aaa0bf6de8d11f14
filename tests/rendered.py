"""Rendered stacks of tests: their size, and their pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

WIDTH, HEIGHT, SLICES = 420, 300, 6


def read(folder: Path, name: str) -> np.ndarray:
    """The samples of a picture of a stack by its name without ending."""
    return tifffile.imread(folder / f"{name}.tif")
