"""Metadata and files that a power cut spoiled are written again; those of another program are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from stacks import result, run

from imfuse_tiles.cli.main import main
from imfuse_tiles.errors import Refusal
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.storage.store import Store


@pytest.fixture
def store(finished: Store) -> Store:
    return finished


@pytest.mark.parametrize("damage", [b"", b'{"zarr_format": 3, "no', b"\0" * 120, None])
def test_metadata_that_a_power_cut_spoiled_are_written_again(
    plan: Plan, store: Store, damage: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = store.folder / "zarr.json"
    before = path.read_bytes()
    path.unlink() if damage is None else path.write_bytes(damage)
    assert main(["status", store.root]) == 0
    assert main(["verify", store.root]) == 5
    assert "zarr.json: lost or damaged" in capsys.readouterr().out
    assert not path.exists() if damage is None else path.read_bytes() == damage
    assert sum(report.computed for report in run(plan, store)) == 0
    assert path.read_bytes() == before
    path.write_bytes(damage or b"")
    assert main(["verify", "--repair", store.root]) == 0
    assert path.read_bytes() == before


def test_a_half_written_file_beside_complete_stages_stays_until_it_is_removed(
    plan: Plan, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run(plan, store)
    partial = store.folder / plan.stages[0].outputs[0].path / "c" / "0" / "0.nowhere.partial"
    partial.parent.mkdir(exist_ok=True)
    partial.write_bytes(b"half")
    assert sum(report.computed for report in run(plan, store)) == 0
    assert main(["verify", store.root]) == 5
    assert "0.nowhere.partial: half written" in capsys.readouterr().out
    assert main(["verify", "--repair", store.root]) == 0
    assert "1 half-written file removed" in capsys.readouterr().out
    assert not partial.exists()


def test_metadata_of_another_program_are_left_alone(store: Store) -> None:
    path = store.folder / "zarr.json"
    path.write_text('{"zarr_format": 3, "node_type": "group", "attributes": {"multiscales": []}}')
    with pytest.raises(Refusal, match="not a store of imfuse-tiles"):
        store.create()
    assert "multiscales" in path.read_text()


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b'{"zarr_format": 3, "nod' + bytes(30)])
def test_a_store_of_which_a_power_cut_left_no_content_is_one_still(plan: Plan, store: Store, content: bytes) -> None:
    right = result(plan, store)
    for path in store.folder.rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    (store.folder / "zarr.json").write_bytes(content)
    store.create()
    run(plan, store)
    assert np.array_equal(result(plan, store), right)


def test_a_folder_with_a_file_of_somebody_s_is_no_spoiled_store(store: Store) -> None:
    for path in store.folder.rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    (store.folder / "numbers" / "letter.txt").write_text("dear")
    with pytest.raises(Refusal, match="not a store of imfuse-tiles"):
        store.create()
