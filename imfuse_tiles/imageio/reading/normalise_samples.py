"""Samples as they are stored in a file become those of a stack: white at full scale, opacity all or nothing."""

from __future__ import annotations

import numpy as np

from imfuse_tiles.imageio.reading.header import Header, refuse_frame

#: Floating-point samples so many times brighter than white are no highlights.
_OTHER_RANGE = 16.0
#: What stands for 1.
FULL = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}


def scale_to_white(header: Header, colours: np.ndarray) -> None:
    """Colours in place, so that the white level becomes full scale. Refusal for floats of quite another range."""
    if header.dtype == "float32":
        if header.white:
            np.divide(colours, np.float32(header.white), out=colours)
        highest = float(colours.max())
        if highest > _OTHER_RANGE:
            white = header.white or 1.0
            sample = f"samples up to {highest * white:.6g}, but {white:g} is taken as white"
            raise refuse_frame(header, f"has {sample}; say --white={highest * white:.6g} or what else is white")
    elif header.white:
        full = np.iinfo(colours.dtype).max
        table = np.minimum(np.arange(full + 1) / header.white, 1) * full + 0.5
        colours[:] = table.astype(colours.dtype)[colours]


def take_coverage(header: Header, colours: np.ndarray, alpha: np.ndarray) -> None:
    """Opacity (y, x) to full scale or 0, in place; colours to 0 where it is that, and no more times the opacity."""
    full = FULL[header.dtype]
    covered = alpha >= header.coverage
    colours[:, ~covered] = 0
    if header.premultiplied:
        part = covered & (alpha < full)
        plain = colours[:, part] * (np.float64(full) / alpha[part])
        colours[:, part] = np.minimum(plain + 0.5, full) if colours.dtype.kind == "u" else plain
    alpha[:] = np.where(covered, full, 0)


def check_finite(header: Header, y0: int, y1: int, band: np.ndarray) -> None:
    """Refusal of samples of rows y0 to y1 that are no numbers."""
    bad = band.size - np.count_nonzero(np.isfinite(band))
    if bad:
        raise refuse_frame(header, f"has {bad} NaN or infinite samples in rows {y0}..{y1 - 1}")
