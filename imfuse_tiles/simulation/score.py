"""How good a stacked picture is, where the truth is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_BAND = 256
_LUMA = np.array([0.299, 0.587, 0.114])


def score(result: Any, truth: Any) -> dict[str, float]:
    """Compare a stacked picture with the truth, in bands: arrays that are only sliced by rows will do.

    Both are (height, width) or (height, width, channels), uint8, uint16 or float in 0..1, of one height and
    width; grey and colour do not mix. Pixels where the result has an alpha of 0 are left out.

    Returns `psnr` in dB (infinite for equal pictures); `sharpness`, the gradient energy of the result over
    that of the truth (1: as sharp, below: blurred, above: noise, seams or ghosts); `coverage`, the share
    of the pixels compared. Raises ValueError for shapes that do not fit.
    """
    if result.shape[:2] != truth.shape[:2] or _colours(result) != _colours(truth):
        raise ValueError(f"shapes {result.shape} and {truth.shape} cannot be compared")
    height, width = truth.shape[:2]
    error = energy = true_energy = 0.0
    pixels = 0
    for y in range(0, height, _BAND):
        # one row more than the band, for its downward gradients
        rows = slice(y, min(y + _BAND + 1, height))
        a, solid = _read(result, rows)
        b, _ = _read(truth, rows)
        inside = solid[:_BAND]
        error += float((((a - b) ** 2).mean(axis=2)[:_BAND] * inside).sum())
        pixels += int(inside.sum())
        energy += _gradient_energy(a, solid)
        true_energy += _gradient_energy(b, solid)
    mean = error / max(pixels, 1)
    psnr = math.nan if not pixels else math.inf if mean == 0 else -10 * math.log10(mean)
    sharpness = energy / true_energy if true_energy else (1.0 if energy == 0 else math.inf)
    return {"psnr": psnr, "sharpness": sharpness, "coverage": pixels / (height * width)}


def _colours(picture: Any) -> int:
    """1 for grey, 3 for colour; alpha is not counted."""
    channels = picture.shape[2] if len(picture.shape) == 3 else 1
    return channels - 1 if channels in (2, 4) else channels


def _read(picture: Any, rows: slice) -> tuple[np.ndarray, np.ndarray]:
    """A band as float64 (rows, width, colours) in 0..1, and where it is not wholly transparent."""
    band = np.asarray(picture[rows])
    if band.ndim == 2:
        band = band[:, :, None]
    scale = np.iinfo(band.dtype).max if band.dtype.kind == "u" else 1
    colours = _colours(band)
    solid = np.ones(band.shape[:2], bool) if colours == band.shape[2] else band[:, :, -1] > 0
    return band[:, :, :colours].astype(np.float64) / scale, solid


def _gradient_energy(band: np.ndarray, solid: np.ndarray) -> float:
    """Sum of the squared differences of neighbouring luma values; the last row belongs to the next band."""
    luma = band @ _LUMA if band.shape[2] == 3 else band.mean(axis=2)
    across = np.diff(luma, axis=1) * (solid[:, 1:] & solid[:, :-1])
    down = np.diff(luma, axis=0) * (solid[1:] & solid[:-1])
    return float((across[:_BAND] ** 2).sum() + (down**2).sum())
