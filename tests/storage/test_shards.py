"""Files of several chunks are shards as zarr has them; chunks are read one by one and trusted one by one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import zarr

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.chunked_array import ChunkedArray, Damaged, Pending
from imfuse_tiles.storage.files import FilePart
from imfuse_tiles.storage.store import Store

SHAPE, CHUNKS, PER_FILE = (2, 100, 75), (1, 16, 16), (2, 3)


def create(root: Path, dtype: str = "uint16", shape: tuple[int, ...] = SHAPE) -> ChunkedArray:
    store = Store(str(root))
    store.create()
    store.arrays.create("a/b", shape, CHUNKS, dtype, {}, per_file=PER_FILE)
    return store.arrays.open("a/b")


def whole(array: ChunkedArray) -> list[tuple[int, int]]:
    return [(0, size) for size in array.shape]


def noise(dtype: str = "uint16") -> np.ndarray:
    return (np.random.default_rng(3).random(SHAPE) * 250).astype(dtype)


@pytest.fixture
def array(tmp_path: Path) -> ChunkedArray:
    array = create(tmp_path / "s")
    array.write(whole(array), noise())
    return array


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_zarr_reads_files_of_several_chunks(tmp_path: Path, dtype: str) -> None:
    array, samples = create(tmp_path / "s", dtype), noise(dtype)
    checksums = array.write(whole(array), samples)
    theirs = zarr.open_group(tmp_path / "s", mode="r")["a/b"]
    assert np.array_equal(theirs[:], samples)
    assert (theirs.chunks, theirs.shards) == (CHUNKS, (1, 32, 48))
    assert list(checksums) == list(array.chunk_indices(whole(array)))


def test_any_box_is_read_from_the_chunks_it_touches(array: ChunkedArray) -> None:
    samples = noise()
    for box in ([(0, 1), (15, 17), (30, 70)], [(0, 2), (0, 100), (0, 75)], [(1, 2), (99, 100), (74, 75)]):
        expected = samples[tuple(slice(*side) for side in box)]
        assert np.array_equal(array.read(box), expected)
        assert np.array_equal(array.read(box, {}), expected)


def test_the_plan_knows_files_and_their_bytes(array: ChunkedArray) -> None:
    files = [path for path in Path(array.root, "a/b/c").rglob("*") if path.is_file()]
    sizes = sorted(path.stat().st_size for path in files)
    assert sizes == sorted(size for count, size in array.grid.file_sizes() for _ in range(count))
    assert len(files) == 2 * 4 * 2
    assert all(array.is_whole(array.chunk_size(index), index) for index in array.chunk_indices(whole(array)))


def test_parts_of_a_file_wait_for_each_other(tmp_path: Path) -> None:
    array, samples, pending = create(tmp_path / "s"), noise(), Pending()
    place = samples[:1, :16, :32].copy()
    array.write([(0, 1), (0, 16), (0, 32)], place, pending)
    array.write([(0, 1), (16, 32), (0, 48)], samples[:1, 16:32, :48], pending)
    place[:] = 0
    assert array.chunk_size((0, 0, 0)) == 0
    assert len(pending) == 5
    array.write([(0, 1), (0, 16), (32, 48)], samples[:1, :16, 32:48], pending)
    assert not pending
    assert np.array_equal(array.read([(0, 1), (0, 32), (0, 48)]), samples[:1, :32, :48])


def test_a_whole_chunk_that_waits_does_not_change(tmp_path: Path) -> None:
    array, pending = create(tmp_path / "s"), Pending()
    chunk = np.ones(CHUNKS, np.uint16)
    array.write([(0, 1), (0, 16), (0, 16)], chunk, pending)
    chunk[:] = 7
    array.write([(0, 1), (0, 16), (16, 48)], np.zeros((1, 16, 32), np.uint16), pending)
    array.write([(0, 1), (16, 32), (0, 48)], np.zeros((1, 16, 48), np.uint16), pending)
    assert np.array_equal(array.read([(0, 1), (0, 16), (0, 16)]), np.ones(CHUNKS))


def test_part_of_a_file_is_not_written_alone(tmp_path: Path) -> None:
    array = create(tmp_path / "s")
    with pytest.raises(Refusal, match="no whole chunks"):
        array.write([(0, 1), (0, 16), (0, 48)], np.zeros((1, 16, 48), np.uint16))


def test_a_changed_byte_spoils_its_chunk_alone(array: ChunkedArray) -> None:
    file = array.chunk_file((0, 0, 0))
    raw = bytearray(file.read_bytes())
    raw[array.grid.offset((0, 1, 1)) + 5] ^= 1
    file.write_bytes(raw)
    assert np.array_equal(array.read([(0, 1), (0, 16), (0, 48)]), noise()[:1, :16, :48])
    with pytest.raises(Damaged, match="chunk 0/1/1 of a/b is altered"):
        array.read([(0, 1), (16, 32), (16, 32)])


@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_of_another_length_is_not_trusted(array: ChunkedArray, change: int) -> None:
    file = array.chunk_file((0, 0, 0))
    os.truncate(file, file.stat().st_size + change)
    with pytest.raises(Damaged, match="short"):
        array.read([(0, 1), (0, 16), (0, 16)])
    assert not array.is_whole(array.chunk_size((0, 0, 0)), (0, 0, 0))


def test_a_missing_file_is_told_and_not_taken_for_zeros(array: ChunkedArray) -> None:
    array.chunk_file((1, 6, 4)).unlink()
    with pytest.raises(Damaged, match="chunk 1/6/4 of a/b is missing"):
        array.read([(1, 2), (96, 100), (64, 75)])


def test_what_is_fresh_stays_when_the_next_part_is_read(array: ChunkedArray) -> None:
    name, size = array.chunk_name((0, 0, 0)), array.grid.file_bytes((0, 0, 0))
    parts = [FilePart(name, start, 10, size) for start in (0, 20)]
    first, second = (bytes(part or b"") for part in array.files.read_parts(parts))
    assert [first, second] == [bytes(part or b"") for part in list(array.files.read_parts(parts, fresh=True))]
    assert first != second


def test_compressed_chunks_are_files_of_their_own(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"))
    store.create()
    store.arrays.create("a/b", SHAPE, CHUNKS, "uint16", {}, compressed=True, per_file=PER_FILE)
    assert store.arrays.open("a/b").per_file == (1, 1)
