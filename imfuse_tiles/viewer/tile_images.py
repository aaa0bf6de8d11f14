"""Tiles as a browser shows them: 8-bit values coloured, laid over grey where they are clear, and encoded."""

from __future__ import annotations

import numpy as np

from imfuse_tiles import kernels
from imfuse_tiles.imageio.writing.encode_tile import encode_jpeg, encode_png
from imfuse_tiles.viewer.layers import ViewLayer

#: What lies behind clear pixels.
BACKDROP = 48


def colours_of(layer: ViewLayer, values: np.ndarray) -> np.ndarray:
    """The pixels (y, x, 3 or 1) uint8 of a tile's planes (n, y, x) uint8."""
    shown, opacity = (values[:-1], values[-1]) if layer.opacity else (values, None)
    colours = kernels.rainbow.colour_table(256) if layer.kind == "depth" else None
    pixels = np.dstack(tuple(shown)) if colours is None else colours[shown[0]]
    if opacity is None or opacity.min() == 255:
        return pixels
    clear = (255 - opacity.astype(np.uint16))[..., None]
    mixed = pixels * (255 - clear) + BACKDROP * clear
    return ((mixed + 127) // 255).astype(np.uint8)


def encoded_tile(layer: ViewLayer, values: np.ndarray, lossless: bool = False) -> bytes:
    """A tile as JPEG of high quality, or as PNG."""
    pixels = colours_of(layer, values)
    return encode_png(pixels) if lossless else encode_jpeg(pixels)
