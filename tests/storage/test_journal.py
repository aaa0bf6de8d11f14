"""A journal tells which blocks are finished, and nothing that is torn or altered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imfuse_tiles.storage.store import Store

LAYOUT = {"chunk": 16, "edge": 32, "run": 1}


def journal(store: Store, *names: str, key: str = "k") -> Path:
    """A journal with a line for each named block."""
    store.journal(key).begin(LAYOUT)
    with store.journal(key).appending() as record:
        for name in names:
            record({"block": name, "low": 0.5})
    return store.folder / "journal" / key


def test_a_journal_tells_the_layout_and_each_finished_block(store: Store) -> None:
    journal(store, "0/0/0", "0/0/32")
    assert store.journal("k").layout() == LAYOUT
    assert store.journal("k").completed_blocks() == {name: {"block": name, "low": 0.5} for name in ("0/0/0", "0/0/32")}


def test_a_stage_that_never_began_has_no_journal(store: Store) -> None:
    assert store.journal("nothing").layout() is None
    assert store.journal("nothing").completed_blocks() == {}


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_torn_last_line_does_not_count_and_the_next_takes_its_place(store: Store, cut: int) -> None:
    path = journal(store, "a", "b", "c")
    os.truncate(path, path.stat().st_size - cut)
    assert list(store.journal("k").completed_blocks()) == ["a", "b"]
    with store.journal("k").appending() as record:
        record({"block": "d"})
    assert list(store.journal("k").completed_blocks()) == ["a", "b", "d"]


def test_a_torn_first_line_means_that_the_stage_never_began(store: Store) -> None:
    path = journal(store)
    os.truncate(path, 12)
    assert store.journal("k").layout() is None


@pytest.mark.parametrize("garbage", [b"\0" * 40, b"\n", b"00000000 {}\n", b"\xff\xfe\n", b'deadbeef {"block":"x"}\n'])
def test_garbage_at_the_end_does_not_count(store: Store, garbage: bytes) -> None:
    path = journal(store, "a")
    with open(path, "ab") as file:
        file.write(garbage)
    assert list(store.journal("k").completed_blocks()) == ["a"]


def test_nothing_behind_an_altered_line_counts(store: Store) -> None:
    path = journal(store, "a", "b", "c")
    raw = bytearray(path.read_bytes())
    raw[raw.index(b'"b"') + 1] ^= 1
    path.write_bytes(raw)
    assert list(store.journal("k").completed_blocks()) == ["a"]


def test_a_block_that_was_lost_no_longer_counts_until_it_is_finished_again(store: Store) -> None:
    journal(store, "a", "b")
    with store.journal("k").appending() as record:
        record({"lost": "a"})
        record({"lost": "never heard of"})
    assert list(store.journal("k").completed_blocks()) == ["b"]
    with store.journal("k").appending() as record:
        record({"block": "a"})
    assert set(store.journal("k").completed_blocks()) == {"a", "b"}


def test_a_line_is_on_disk_as_soon_as_it_is_recorded(store: Store) -> None:
    store.journal("k").begin(LAYOUT)
    with store.journal("k").appending() as record:
        record({"block": "a"})
        assert list(store.journal("k").completed_blocks()) == ["a"]


def test_beginning_afresh_and_forgetting_take_back_that_a_stage_is_finished(store: Store) -> None:
    for undo in (
        lambda: store.journal("k").begin(LAYOUT),
        lambda: store.journal("k").forget(),
        lambda: store.numbers.delete("k"),
    ):
        journal(store, "a")
        store.numbers.save("k", {"low": 1.0})
        undo()
        assert store.numbers.load("k") is None
    store.journal("k").forget()
    assert store.journal("k").layout() is None
