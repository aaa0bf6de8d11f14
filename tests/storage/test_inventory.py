"""What stores tell of themselves, and what goes when room is made."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from stacks import frames, recipe_of, stack_of

from imfuse_tiles.errors import AlreadyExists, Refusal
from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.pipeline import run_plan
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.storage import inventory, removal, run_note
from imfuse_tiles.storage.inventory import total_bytes
from imfuse_tiles.storage.store import Store

TESTED_MODULES = ("storage.removal",)

HOW = Resources(memory=2 << 30, workers=1, tile=64, scheduler="sync")


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return stack_of(tmp_path / "in", frames(3, shape=(100, 90)))


def run(stack: Stack, text: str, store: Store, result: Path) -> None:
    run_plan(make_plan(recipe_of(text), stack), store, HOW, ExportRequest(result))


@pytest.fixture
def store(stack: Stack, tmp_path: Path) -> Store:
    """A store of two runs, the first of them an hour ago."""
    made = Store(str(tmp_path / "store"))
    run(stack, "--wavelet", made, tmp_path / "a.tif")
    said = made.numbers.load(run_note.NOTE)
    assert said is not None
    for stage in said["stages"].values():
        stage["used"] -= 3600
    made.numbers.save(run_note.NOTE, said)
    run(stack, "--wavelet --finalalpha", made, tmp_path / "b.tif")
    return made


def test_a_store_tells_its_last_run_and_what_is_older(store: Store) -> None:
    found = inventory.read_contents(store)
    assert found.options == "--wavelet=p5 --masklevel=t5 --finalalpha"
    assert found.images == ("s00.tif", "s01.tif", "s02.tif")
    assert [held.name for held in found.stages] == [
        "read frames", "mask wavelet", "normalise wavelet mask", "merge masks", "montage", "write result",
        "write result",
    ]  # fmt: skip
    assert all(held.finished and held.done == held.blocks for held in found.stages)
    assert time.time() - found.stages[0].used < 600 < time.time() - found.stages[-1].used
    assert sum(held.bytes for held in found.stages) <= found.bytes == total_bytes(store)


def test_a_place_that_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="not a store"):
        inventory.read_contents(Store(str(tmp_path)))


def test_what_is_older_goes_and_what_is_younger_stays(store: Store) -> None:
    found = inventory.read_contents(store)
    gone = [held for _, held in removal.stages_to_remove([(store, found)], None, 600)]
    assert gone == [found.stages[-1]]
    removal.remove_stages(store, gone)
    assert [held.key for held in inventory.read_contents(store).stages] == [held.key for held in found.stages[:-1]]


def test_the_oldest_go_first_and_of_one_run_the_images_and_the_result_last(store: Store) -> None:
    found = inventory.read_contents(store)
    gone = [held.name for _, held in removal.stages_to_remove([(store, found)], 0, None)]
    assert gone == ["write result", "mask wavelet", "merge masks", "montage", "read frames", "write result"]
    half = [held for _, held in removal.stages_to_remove([(store, found)], found.bytes - found.stages[-1].bytes, None)]
    assert half == [found.stages[-1]]


def test_a_run_after_tidying_computes_what_went(stack: Stack, store: Store, tmp_path: Path) -> None:
    before = (tmp_path / "b.tif").read_bytes()
    found = inventory.read_contents(store)
    removal.remove_stages(store, [held for held in found.stages if held.name != "read frames"])
    run(stack, "--wavelet --finalalpha", store, tmp_path / "c.tif")
    assert (tmp_path / "c.tif").read_bytes() == before


def test_tidying_sweeps_what_no_journal_tells_of_and_removes_an_empty_store(store: Store) -> None:
    orphan = store.folder / "mask" / "feed" / "c" / "0"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"x")
    removal.remove_stages(store, [])
    assert not orphan.exists()
    assert len(inventory.read_contents(store).stages) == 7
    removal.remove_stages(store, inventory.read_contents(store).stages)
    assert not store.folder.exists()


def test_a_store_in_use_is_left_alone(store: Store) -> None:
    assert inventory.current_writer(store) == ""
    with store.locked():
        other = Store(store.root)
        assert f"process {os.getpid()}" in inventory.current_writer(other)
        for change in (
            lambda: removal.remove_stages(other, inventory.read_contents(other).stages),
            lambda: removal.remove_store(other),
        ):
            with pytest.raises(AlreadyExists):
                change()
    assert len(inventory.read_contents(store).stages) == 7
