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
    if opacity is not None and opacity.min() < 255:
        _lay_over_backdrop(pixels, opacity)
    return pixels


def _lay_over_backdrop(pixels: np.ndarray, opacity: np.ndarray) -> None:
    """Mix pixels (y, x, n) uint8 with what lies behind them, in place; plane by plane, and without a division."""
    share = opacity.astype(np.uint16)
    behind = np.uint16(BACKDROP) * (255 - share) + np.uint16(128)
    for number in range(pixels.shape[2]):
        mixed = pixels[..., number] * share
        mixed += behind
        mixed += mixed >> 8
        np.right_shift(mixed, 8, out=mixed)
        pixels[..., number] = mixed


def over_backdrop(pixels: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Pixels (y, x, n) uint8 over what lies behind the clear ones, by how much each is picture, float32 (y, x)."""
    mixed = BACKDROP + (pixels - np.float32(BACKDROP)) * covered[..., None]
    return np.rint(mixed).astype(np.uint8)


def encoded_tile(layer: ViewLayer, values: np.ndarray, lossless: bool = False) -> bytes:
    """A tile as JPEG of high quality, or as PNG."""
    pixels = colours_of(layer, values)
    return encode_png(pixels) if lossless else encode_jpeg(pixels)
