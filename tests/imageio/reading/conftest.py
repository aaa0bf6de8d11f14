"""Pictures with known pixels, and the ways to store them."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile


@pytest.fixture
def pixels():
    """Random (height, width, samples) of a type; floating-point ones in 0..1."""

    def make(dtype="uint16", samples=3, height=61, width=83, seed=5):
        random = np.random.default_rng(seed)
        if np.dtype(dtype).kind == "f":
            return random.random((height, width, samples)).astype(dtype)
        return random.integers(0, np.iinfo(dtype).max, (height, width, samples), dtype, endpoint=True)

    return make


@pytest.fixture
def planes():
    """(height, width, samples) to what a reader delivers: (channels, height, width) without alpha."""

    def convert(image):
        channels = 3 if image.shape[2] >= 3 else 1
        return np.moveaxis(image, -1, 0)[:channels]

    return convert


@pytest.fixture
def tiff(tmp_path):
    """Write an image (height, width, samples) as TIFF; options go to tifffile."""

    def write(name, image, **options):
        grey = image.shape[2] < 3
        options.setdefault("photometric", "minisblack" if grey else "rgb")
        options.setdefault("metadata", None)
        if options.get("planarconfig") == "separate":
            image = np.ascontiguousarray(np.moveaxis(image, -1, 0))
        elif image.shape[2] == 1:
            image = image[..., 0]
        elif image.shape[2] == 2:
            options.setdefault("planarconfig", "contig")
        path = tmp_path / name
        tifffile.imwrite(path, image, **options)
        return path

    return write


@pytest.fixture
def png(tmp_path):
    def write(name, image):
        path = tmp_path / name
        path.write_bytes(imagecodecs.png_encode(image[..., 0] if image.shape[2] == 1 else image))
        return path

    return write


@pytest.fixture
def raw_png(tmp_path):
    """Write a PNG from its IHDR fields and chunks, valid or not."""

    def write(name, ihdr, *chunks, end=True):
        content = b"\x89PNG\r\n\x1a\n"
        parts = [(b"IHDR", struct.pack(">IIBBBBB", *ihdr)), *chunks, *([(b"IEND", b"")] if end else [])]
        for kind, data in parts:
            content += struct.pack(">I", len(data)) + kind + data
            content += struct.pack(">I", zlib.crc32(kind + data))
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.fixture
def jpeg(tmp_path):
    """Write an image by Pillow; options go to its encoder."""
    from PIL import Image

    def write(name, image, mode=None, **options):
        stored = io.BytesIO()
        Image.fromarray(image[..., 0] if image.shape[2] == 1 else image, mode).save(stored, "jpeg", **options)
        path = Path(tmp_path / name)
        path.write_bytes(stored.getvalue())
        return path

    return write
