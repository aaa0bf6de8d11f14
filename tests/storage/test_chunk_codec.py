"""Compressed chunks come back to the bit, are read by zarr, and are damaged rather than wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from imfuse_tiles.storage import chunk_codec
from imfuse_tiles.storage.chunked_array import ChunkedArray, Damaged
from imfuse_tiles.storage.store import Store


@pytest.fixture(params=["uint8", "uint16", "float32"])
def array(tmp_path: Path, request: pytest.FixtureRequest) -> ChunkedArray:
    store = Store(str(tmp_path))
    store.create()
    store.arrays.create("a/b", (2, 40, 50), (1, 32, 32), request.param, {}, compressed=True)
    return store.arrays.open("a/b")


def samples(array: ChunkedArray) -> np.ndarray:
    ramp = np.arange(array.shape[2]) + np.arange(array.shape[1])[:, None]
    return np.stack([ramp, 2 * ramp]).astype(array.dtype)


def test_what_is_written_is_read_and_takes_less(array: ChunkedArray) -> None:
    box = [(0, size) for size in array.shape]
    array.write(box, samples(array))
    assert np.array_equal(array.read(box), samples(array))
    assert np.array_equal(zarr.open_array(array.root, path="a/b", mode="r")[:], samples(array))
    assert array.chunk_size((0, 0, 0)) < array.chunk_bytes


def test_an_altered_or_shortened_chunk_is_damaged(array: ChunkedArray) -> None:
    array.write([(0, 1), (0, 32), (0, 32)], samples(array)[:1, :32, :32])
    file = array.chunk_file((0, 0, 0))
    good = file.read_bytes()
    for bad in (good[:-5], good[:20] + bytes([good[20] ^ 1]) + good[21:], b"", good[:4]):
        file.write_bytes(bad)
        with pytest.raises(Damaged):
            array.read([(0, 1), (0, 32), (0, 32)])


def test_bytes_of_another_size_are_refused_before_they_are_unpacked() -> None:
    encoded = chunk_codec.encode(np.zeros((64, 64), np.float32))
    for raw in (encoded[:-1], encoded + b"x", b"", encoded[:4] + b"\xff\xff\xff\x7f" + encoded[8:]):
        with pytest.raises(ValueError, match="another size"):
            chunk_codec.decode(raw, "float32", (64, 64))
    with pytest.raises(ValueError, match="another size"):
        chunk_codec.decode(encoded, "float32", (64, 65))
