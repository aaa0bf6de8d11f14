"""Chunks are plain zarr; what is written comes back, and what cannot be trusted is never silently zeros."""

from __future__ import annotations

import itertools
import os
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.chunked_array import ChunkedArray, Damaged
from imfuse_tiles.storage.files import Bytes, FilePart
from imfuse_tiles.storage.store import Store

DTYPES = ["uint8", "uint16", "float32"]


def made(root: Path, shape: tuple[int, ...], chunks: tuple[int, ...], dtype: str = "uint16") -> ChunkedArray:
    store = Store(str(root))
    store.create()
    store.arrays.create("a/b", shape, chunks, dtype, {"imfuse_tiles": {"why": "a test"}})
    return store.arrays.open("a/b")


def whole(array: ChunkedArray) -> list[tuple[int, int]]:
    return [(0, size) for size in array.shape]


def raw_crc(array: ChunkedArray, index: tuple[int, ...]) -> int:
    """The checksum at the end of a chunk's file."""
    return int.from_bytes(array.chunk_file(index).read_bytes()[-4:], "little")


def noise(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return (np.random.default_rng(3).random(shape) * 250).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_zarr_reads_what_is_written_here(tmp_path: Path, dtype: str) -> None:
    array, samples = made(tmp_path / "s", (3, 100, 70), (1, 32, 64), dtype), noise((3, 100, 70), dtype)
    checksums = array.write(whole(array), samples)
    theirs = zarr.open_group(tmp_path / "s", mode="r")["a/b"]
    assert np.array_equal(theirs[:], samples)
    assert theirs.dtype == dtype
    assert theirs.attrs["imfuse_tiles"] == {"why": "a test"}
    assert list(checksums) == list(array.chunk_indices(whole(array)))
    assert all(raw_crc(array, index) == crc for index, crc in checksums.items())


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_zarr_writes_is_read_here(tmp_path: Path, dtype: str) -> None:
    array, samples = made(tmp_path / "s", (2, 65, 33), (2, 32, 32), dtype), noise((2, 65, 33), dtype)
    zarr.open_group(tmp_path / "s", mode="r+")["a/b"][:] = samples
    assert np.array_equal(array.read(whole(array)), samples)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(shape=st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40)),
       chunks=st.tuples(st.integers(1, 3), st.integers(1, 17), st.integers(1, 17)), data=st.data())  # fmt: skip
def test_any_box_reads_as_the_array_it_was_cut_from(tmp_path: Path, shape, chunks, data) -> None:  # type: ignore[no-untyped-def]
    array, samples = made(tmp_path / "s", shape, chunks, "float32"), noise(shape, "float32")
    array.write(whole(array), samples)
    starts = [data.draw(st.integers(0, size - 1)) for size in shape]
    box = [(start, data.draw(st.integers(start + 1, size))) for start, size in zip(starts, shape, strict=True)]
    assert np.array_equal(array.read(box), samples[tuple(slice(*each) for each in box)])


def test_boxes_that_follow_each_other_read_every_chunk_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array, samples = made(tmp_path / "s", (2, 50, 45), (2, 16, 16)), noise((2, 50, 45), "uint16")
    array.write(whole(array), samples)
    asked, kept, most = list[str](), dict[tuple[int, ...], np.ndarray](), 0
    read = array.files.read_parts

    def watched(parts: Sequence[FilePart], fresh: bool = False) -> Iterator[Bytes | None]:
        asked.extend(part.name for part in parts)
        return read(parts, fresh)

    monkeypatch.setattr(array.files, "read_parts", watched)
    for y, x in itertools.product(range(0, 50, 16), range(0, 45, 16)):
        box = [(0, 2), (max(0, y - 5), min(y + 21, 50)), (max(0, x - 5), min(x + 21, 45))]
        assert np.array_equal(array.read(box, kept), samples[tuple(slice(*each) for each in box)])
        most = max(most, len(kept))
    assert len(asked) == len(set(asked)) == 12
    assert most == 9, "rows above the box stay in memory"


def test_blocks_of_whole_chunks_written_apart_make_up_the_array(tmp_path: Path) -> None:
    array, samples = made(tmp_path / "s", (1, 50, 45), (1, 16, 16)), noise((1, 50, 45), "uint16")
    for y, x in itertools.product(range(0, 50, 32), range(0, 45, 16)):
        box = [(0, 1), (y, min(y + 32, 50)), (x, min(x + 16, 45))]
        array.write(box, samples[tuple(slice(*each) for each in box)])
    assert np.array_equal(array.read(whole(array)), samples)


def test_samples_in_any_memory_order_are_written_as_they_read(tmp_path: Path) -> None:
    array, samples = made(tmp_path / "s", (1, 16, 16), (1, 16, 16)), noise((16, 16, 1), "uint16")
    turned = samples.transpose(2, 1, 0)
    assert not turned.flags.c_contiguous
    array.write(whole(array), turned)
    assert np.array_equal(array.read(whole(array)), turned)


def test_a_chunk_of_zeros_is_a_file_like_any_other(tmp_path: Path) -> None:
    array = made(tmp_path / "s", (1, 16, 16), (1, 16, 16))
    array.write(whole(array), np.zeros((1, 16, 16), "uint16"))
    assert array.chunk_size((0, 0, 0)) == array.chunk_bytes == 16 * 16 * 2 + 4


# Damage


@pytest.fixture
def array(tmp_path: Path) -> ChunkedArray:
    array = made(tmp_path / "s", (1, 40, 40), (1, 16, 16))
    array.write(whole(array), noise((1, 40, 40), "uint16"))
    return array


def damage(array: ChunkedArray, box: list[tuple[int, int]] | None = None) -> Damaged:
    with pytest.raises(Damaged) as caught:
        array.read(box or whole(array))
    return caught.value


def test_a_missing_chunk_is_damage_that_names_the_chunk(array: ChunkedArray) -> None:
    array.chunk_file((0, 1, 2)).unlink()
    found = damage(array)
    assert (found.path, found.chunk_index) == ("a/b", (0, 1, 2))
    assert str(found) == "chunk 0/1/2 of a/b is missing"
    assert array.chunk_size((0, 1, 2)) == 0


@pytest.mark.parametrize("length", [0, 1, 4, 515])
def test_a_short_chunk_is_damage(array: ChunkedArray, length: int) -> None:
    os.truncate(array.chunk_file((0, 0, 0)), length)
    assert "short" in str(damage(array))


def test_a_longer_chunk_is_damage(array: ChunkedArray) -> None:
    with open(array.chunk_file((0, 0, 0)), "ab") as file:
        file.write(b"\0")
    assert damage(array).chunk_index == (0, 0, 0)


@pytest.mark.parametrize("place", [0, 100, 511, 512, 515])
def test_one_turned_bit_is_damage(array: ChunkedArray, place: int) -> None:
    raw = bytearray(array.chunk_file((0, 2, 1)).read_bytes())
    raw[place] ^= 4
    array.chunk_file((0, 2, 1)).write_bytes(raw)
    assert "altered" in str(damage(array))


def test_damage_elsewhere_does_not_disturb_a_box(array: ChunkedArray) -> None:
    array.chunk_file((0, 2, 2)).unlink()
    assert array.read([(0, 1), (0, 32), (0, 32)]).shape == (1, 32, 32)


def test_damage_survives_the_way_from_a_worker(array: ChunkedArray) -> None:
    array.chunk_file((0, 0, 1)).unlink()
    found = damage(array)
    again = pickle.loads(pickle.dumps(found))
    assert (again.path, again.chunk_index, str(again)) == (found.path, found.chunk_index, str(found))


# Writing


@pytest.mark.parametrize("box", [
    [(0, 1), (8, 16), (0, 16)], [(0, 1), (0, 8), (0, 16)], [(0, 1), (0, 16), (16, 39)], [(0, 2), (0, 16), (0, 16)],
    [(0, 1), (32, 48), (0, 16)], [(0, 1), (16, 16), (0, 16)],
])  # fmt: skip
def test_what_is_not_whole_chunks_is_not_written(array: ChunkedArray, box: list[tuple[int, int]]) -> None:
    before = array.read(whole(array))
    with pytest.raises(Refusal, match="no whole chunks of"):
        array.write(box, noise(tuple(stop - start for start, stop in box), "uint16"))
    assert np.array_equal(array.read(whole(array)), before)


def test_a_write_that_fails_leaves_the_old_chunk_and_nothing_else(
    array: ChunkedArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = array.read(whole(array))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        array.write(whole(array), before + 1)
    assert np.array_equal(array.read(whole(array)), before)
    assert list(Path(array.root).rglob("*.partial")) == []


def test_a_chunk_takes_its_name_only_when_it_is_complete(array: ChunkedArray, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    replace = os.replace

    def watched(partial: Path, target: Path) -> None:
        seen.append(os.stat(partial).st_size)
        replace(partial, target)

    monkeypatch.setattr(os, "replace", watched)
    array.write([(0, 1), (0, 16), (0, 16)], noise((1, 16, 16), "uint16"))
    assert seen == [array.chunk_bytes]
