"""Compression of chunks: bits of equal weight laid together, then LZ4, as the codec ``blosc`` of zarr v3 has it."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from imfuse_tiles.storage.files import Bytes

#: LZ4 at its fastest: higher levels save a hundredth more. The bytes depend on nothing but the samples.
COMPRESSOR, LEVEL = "lz4", 1


def codec_metadata(dtype: str) -> dict[str, Any]:
    """What the metadata of an array say of the codec."""
    configuration = {"typesize": np.dtype(dtype).itemsize, "cname": COMPRESSOR, "clevel": LEVEL,
                     "shuffle": "bitshuffle", "blocksize": 0}  # fmt: skip
    return {"name": "blosc", "configuration": configuration}


def encode(chunk: np.ndarray) -> bytes:
    """The bytes of a chunk, compressed in this thread."""
    from numcodecs import blosc

    blosc.use_threads = False
    encoded: bytes = blosc.compress(chunk, COMPRESSOR.encode(), LEVEL, blosc.BITSHUFFLE)
    return encoded


def decode(raw: Bytes, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """A chunk from its compressed bytes. ValueError when they are none, or of a chunk of another size."""
    from numcodecs import blosc

    blosc.use_threads = False
    # The header of Blosc: bytes 4 to 7 have the size of the samples, bytes 12 to 15 that of the compressed bytes.
    sizes = [int.from_bytes(raw[at : at + 4], "little") for at in (4, 12)]
    if sizes != [prod(shape) * np.dtype(dtype).itemsize, len(raw)]:
        raise ValueError("compressed bytes of another size")
    chunk = np.empty(shape, dtype)
    try:
        blosc.decompress(raw, chunk)
    except RuntimeError as error:
        raise ValueError(str(error)) from None
    return chunk
