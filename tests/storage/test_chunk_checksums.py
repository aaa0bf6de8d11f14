"""The journal knows the checksum of every chunk, so that what another writer puts in its place shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imfuse_tiles.storage.chunk_checksums import encode_checksums
from imfuse_tiles.storage.chunked_array import ChunkedArray, Damaged
from imfuse_tiles.storage.store import Store

LAYOUT = {"chunk": 16, "edge": 32, "run": 1}
BOX = [(0, 1), (0, 40), (0, 40)]


def create(store: Store, layout: list[int]) -> ChunkedArray:
    attributes = {"imfuse_tiles": {"key": "k", "layout": layout}}
    store.arrays.create("m/k", (1, 40, 40), (1, 16, 16), "uint8", attributes)
    return store.arrays.open("m/k")


def record(store: Store, name: str, checksums: dict[tuple[int, ...], int]) -> None:
    with store.journal("k").appending() as append:
        append({"block": name, "crc": {"m/k": encode_checksums(checksums)}})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of one array, of which the upper chunks are recorded."""
    store = Store(str(tmp_path / "store"))
    store.create()
    array = create(store, [16, 32, 1])
    store.journal("k").begin(LAYOUT)
    array.write(BOX, np.ones((1, 40, 40), np.uint8))
    record(store, "0/0/0", array.write([(0, 1), (0, 32), (0, 40)], np.full((1, 32, 40), 2, np.uint8)))
    return store


def test_a_chunk_that_is_not_the_recorded_one_is_damage(store: Store) -> None:
    array = store.arrays.open("m/k")
    assert array.read(BOX)[0, 0, 0] == 2
    array.write([(0, 1), (16, 32), (16, 32)], np.zeros((1, 16, 16), np.uint8))
    with pytest.raises(Damaged, match="not the one that the journal records") as caught:
        store.arrays.open("m/k").read(BOX)
    assert caught.value.chunk_index == (0, 1, 1)


def test_a_chunk_that_no_line_records_is_checked_against_itself_only(store: Store) -> None:
    array = store.arrays.open("m/k")
    array.write([(0, 1), (32, 40), (0, 40)], np.zeros((1, 8, 40), np.uint8))
    assert not array.read([(0, 1), (32, 40), (0, 40)]).any()


def test_a_line_that_is_added_counts_at_once(store: Store) -> None:
    array, lower = store.arrays.open("m/k"), [(0, 1), (32, 40), (0, 40)]
    array.read(BOX)
    again = array.write(lower, np.full((1, 8, 40), 3, np.uint8))
    record(store, "0/32/0", again)
    assert array.read(lower).max() == 3
    array.write(lower, np.full((1, 8, 40), 4, np.uint8))
    with pytest.raises(Damaged):
        array.read(lower)
    with store.journal("k").appending() as append:
        append({"lost": "0/32/0"})
    assert array.read(lower).max() == 4


def test_an_array_laid_out_anew_has_none_of_its_old_checksums(store: Store) -> None:
    store.arrays.open("m/k").read(BOX)
    array = create(store, [16, 16, 1])
    store.journal("k").begin({**LAYOUT, "edge": 16})
    array.write(BOX, np.full((1, 40, 40), 7, np.uint8))
    assert array.read(BOX).min() == 7


@pytest.mark.parametrize("crc", [5, [], {"m/k": 5}, {"m/k": [[[0, 9]], "00"]}, {"m/k": [[["a", 1]], "zz"]}])
def test_a_line_of_another_hand_is_passed_over(store: Store, crc: object) -> None:
    with store.journal("k").appending() as append:
        append({"block": "x", "crc": crc})
    assert store.arrays.open("m/k").read(BOX)[0, 0, 0] == 2


def test_checksums_are_those_of_a_box(store: Store) -> None:
    assert encode_checksums({(0, 2): 1, (0, 3): 0xFFFFFFFF}) == [[[0, 1], [2, 4]], "01000000ffffffff"]
    with pytest.raises(ValueError, match="no box"):
        encode_checksums({(0, 0): 1, (1, 1): 2})
