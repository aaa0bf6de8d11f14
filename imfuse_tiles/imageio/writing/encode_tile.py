"""Small pictures encoded in memory, as browsers take them."""

from __future__ import annotations

import numpy as np

_QUALITY = 93


def encode_jpeg(pixels: np.ndarray) -> bytes:
    """JPEG of (y, x, 1 or 3) uint8, its colours at full resolution."""
    import simplejpeg

    space, subsampling = ("GRAY", "Gray") if pixels.shape[2] == 1 else ("RGB", "444")
    content: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels), quality=_QUALITY, colorspace=space, colorsubsampling=subsampling
    )
    return content


def encode_png(pixels: np.ndarray) -> bytes:
    """PNG of (y, x, 1 or 3) uint8 or uint16."""
    import imagecodecs

    return bytes(imagecodecs.png_encode(pixels[..., 0] if pixels.shape[2] == 1 else pixels, level=1))
