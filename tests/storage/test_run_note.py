"""The note of the last run: what its readers may rely on, whoever wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imfuse_tiles.execution.stored_results import stored_results
from imfuse_tiles.storage.inventory import read_contents
from imfuse_tiles.storage.run_note import NOTE, last_use, load_run_note, noted_stages
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.layers import layers_of
from imfuse_tiles.viewer.run_state import describe_run, describe_store

STAGE = {"name": "write result", "paths": ["final/0123456789abcdef"], "blocks": 4, "used": 5.0}
RIGHT = {
    "options": "--wavelet", "command": ["fuse", "a.tif"], "current_folder": "/in", "folder": "/in", "images": ["a.tif"],
    "size": [30, 20], "began": 7.5, "order": ["0123456789abcdef"], "stages": {"0123456789abcdef": STAGE},
}  # fmt: skip
WRONG: list[Any] = [None, True, 7, -1.5, float("nan"), 1e400, "../x", ["../../x"], [None], [[]], {}, {"": {}},
                    {"../x": STAGE}, {"k": {**STAGE, "paths": "x"}}, {"k": {**STAGE, "blocks": "4"}}]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(str(tmp_path / "store"))
    made.create()
    return made


def test_a_note_is_read_as_it_was_written(store: Store) -> None:
    store.numbers.save(NOTE, RIGHT)
    note = load_run_note(store)
    assert (note.options, note.command, note.size, note.began) == ("--wavelet", ("fuse", "a.tif"), (30, 20), 7.5)
    assert note.paths("0123456789abcdef") == ("final/0123456789abcdef",)
    assert note.paths("other") == ()
    assert last_use(STAGE) == 5


def test_whatever_a_note_holds_its_readers_end_well(store: Store) -> None:
    for name in RIGHT:
        for value in WRONG:
            store.numbers.save(NOTE, {**RIGHT, name: value})
            assert all(".." not in key for key in noted_stages(store))
            described, run = describe_store(store, "x"), describe_run(store)
            assert isinstance(described["options"], str)
            assert all(isinstance(stage["blocks"], int) for stage in run["stages"])
            assert layers_of(store, 0) == [] == stored_results(store)
            read_contents(store)
