"""What is damaged in a store is computed again when it is needed, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from runs import OPTIONS, StopAfter, computed, path_of
from stacks import frames, recipe_of, result, run, stack_of, whole

from imfuse_tiles.errors import BlockFailed, Interrupted
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.run import Run
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages import access
from imfuse_tiles.stages.array_layout import Layout
from imfuse_tiles.stages.integrity import damaged_chunks
from imfuse_tiles.storage.chunked_array import ChunkedArray
from imfuse_tiles.storage.store import Store


@pytest.mark.parametrize("name", ["read frames", "mask wavelet", "merge masks", "montage", "write result"])
@pytest.mark.parametrize("how", ["missing", "short", "altered"])
def test_a_damaged_chunk_is_made_again_when_it_is_needed(
    plan: Plan, store: Store, stack: Stack, expected: np.ndarray, name: str, how: str
) -> None:
    run(plan, store)
    path = path_of(plan, name)
    chunk = sorted(each for each in (store.folder / path / "c").rglob("*") if each.is_file())[4]
    raw = bytearray(chunk.read_bytes())
    chunk.unlink()
    if how != "missing":
        raw[100] ^= 1
        chunk.write_bytes(raw if how == "altered" else raw[:-5])
    # Everything behind the damaged array is to be made again, so that it is needed.
    for stage in plan.stages[[stage.name for stage in plan.stages].index(name) + 1 :]:
        store.journal(stage.key).forget()
    reports = computed(run(plan, store))
    assert reports.get(name) == 1
    assert np.array_equal(result(plan, store), expected)


def test_a_missing_array_is_made_again(plan: Plan, store: Store, expected: np.ndarray) -> None:
    run(plan, store)
    (store.folder / path_of(plan, "write result") / "zarr.json").unlink()
    assert computed(run(plan, store)) == {"write result": 9}
    assert np.array_equal(result(plan, store), expected)


def test_files_of_many_chunks_give_the_same_result_and_heal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = stack_of(tmp_path, frames(2, shape=(1030, 1100)))
    apart, together = (Store(str(tmp_path / name)) for name in ("apart", "together"))
    run(make_plan(recipe_of(OPTIONS), stack), apart, tile=2048)
    monkeypatch.setattr(access, "SHARDED_FRAME", 1)
    monkeypatch.setattr(access, "LARGE_FRAME", 1)
    plan = make_plan(recipe_of(OPTIONS), stack)
    run(plan, together, tile=2048)
    source, mask = (together.arrays.open(path_of(plan, name)) for name in ("read frames", "mask wavelet"))
    assert (source.per_file, mask.per_file) == ((2, 2), (3, 3))
    assert np.array_equal(result(plan, together), result(plan, apart))
    assert np.array_equal(zarr.open_array(Path(together.root, mask.path), mode="r")[:], whole(apart, mask.path))
    mask.chunk_file((1, 0, 0)).unlink()
    place = source.chunk_file((0, 1, 0, 0))
    place.write_bytes(place.read_bytes()[:-1] + b"?")  # its index, which only others read
    layout = Layout.of(together.journal(plan.stages[0].key).layout())
    assert layout is not None
    found = [damage.chunk_index for _, damage in damaged_chunks(together, plan.stages[0], layout, source.path)]
    assert found == [(0, 1, 0, 0)]
    again = make_plan(recipe_of("--wavelet --maskwave=p50 --cutwave"), stack)
    assert computed(run(again, together, tile=2048)).keys() == {"mask wavelet", *computed(run(again, apart, tile=2048))}
    assert np.array_equal(result(again, together), result(again, apart))


@pytest.mark.parametrize("larger_than", [(1 << 40, 1), (1, 1 << 40)], ids=["apart first", "together first"])
def test_a_store_begun_with_files_of_other_chunks_is_gone_on_with(
    larger_than: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, mixed, whole_run = stack_of(tmp_path, frames(2, shape=(1030, 1100))), tmp_path / "mixed", tmp_path / "once"
    halt, resources, stores = Halt(), Resources(2 << 30, 2, 1024), [Store(str(mixed)), Store(str(whole_run))]
    monkeypatch.setattr(access, "SHARDED_FRAME", larger_than[0])
    plan = make_plan(recipe_of(OPTIONS), stack)
    stores[0].create()
    with pytest.raises(Interrupted):
        Run(survey(plan, stores[0], resources), stores[0], StopAfter(6, halt), halt).execute(
            lambda: open_pool(resources, stores[0].root)
        )
    monkeypatch.setattr(access, "SHARDED_FRAME", larger_than[1])
    plan = make_plan(recipe_of(OPTIONS), stack)
    for store in stores:
        run(plan, store, tile=1024)
    kinds = {stores[0].arrays.open(path_of(plan, name)).per_file for name in ("read frames", "merge masks")}
    assert kinds == {(1, 1), (2, 2)}
    assert np.array_equal(*(result(plan, store) for store in stores))


def test_a_disk_that_damages_everything_is_not_tried_for_ever(
    plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ChunkedArray.write

    def spoiled(self: ChunkedArray, box: Any, *what: Any) -> Any:
        count = real(self, box, *what)
        if self.path.startswith("mask/"):
            place = store.folder / self.chunk_name(next(self.chunk_indices(box)))
            raw = bytearray(place.read_bytes())
            raw[0] ^= 1
            place.write_bytes(raw)
        return count

    monkeypatch.setattr(ChunkedArray, "write", spoiled)
    with pytest.raises(BlockFailed, match="again and again"):
        run(plan, store)
