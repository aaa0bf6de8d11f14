"""A run whose store lies in a bucket: the same bytes, gone on with, healed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr
from blocks import FillJob, Poison, plan_of
from program import names
from program import run as program
from stacks import frames, recipe_of, result, run, stack_of, written

from imfuse_tiles.errors import BlockFailed
from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.pipeline import run_plan
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.stages.array_metadata import array_paths
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.storage.store import Store


def test_zarr_reads_what_is_written_to_a_bucket(url: str) -> None:
    store = Store(url)
    store.create()
    store.arrays.create("image/x", (2, 50, 70), (1, 32, 32), "uint16", {"about": 1})
    samples = np.arange(7000, dtype=np.uint16).reshape(2, 50, 70)
    store.arrays.open("image/x").write([(0, 2), (0, 50), (0, 70)], samples)
    assert np.array_equal(zarr.open_group(url, mode="r")["image/x"][...], samples)
    assert np.array_equal(store.arrays.open("image/x").read([(0, 2), (10, 50), (5, 70)]), samples[:, 10:, 5:])


def test_a_missing_and_an_altered_object_are_found(url: str) -> None:
    store = Store(url)
    store.create()
    store.arrays.create("image/x", (64, 64), (32, 32), "uint8", {})
    array = store.arrays.open("image/x")
    array.write([(0, 64), (0, 64)], np.ones((64, 64), np.uint8))
    store.files.delete("image/x/c/1/0")
    raw = bytearray(store.files.read("image/x/c/0/1"))
    raw[5] ^= 1
    store.files.write("image/x/c/0/1", bytes(raw))
    for box, what in (([(32, 64), (0, 32)], "missing"), ([(0, 32), (32, 64)], "altered")):
        with pytest.raises(Damaged, match=what):
            array.read(box)


def test_a_run_in_a_bucket_gives_the_same_bytes(tmp_path: Path, url: str) -> None:
    plan = make_plan(
        recipe_of("--wavelet --maskwave=p100 --cutwave --bg=mean"),
        stack_of(tmp_path / "in", frames(2, shape=(150, 130))),
    )
    here, there = Store(str(tmp_path / "store")), Store(url)
    run(plan, here)
    run(plan, there)
    assert np.array_equal(result(plan, there), result(plan, here))
    assert sum(report.computed for report in run(plan, there)) == 0


def test_a_run_in_a_bucket_goes_on_where_it_failed(tmp_path: Path, url: str) -> None:
    (tmp_path / "n").mkdir()
    job, store = Poison("first/x", folder=str(tmp_path / "n")), Store(url)
    with pytest.raises(BlockFailed, match="0/0/100"):
        run(plan_of(job), store, scheduler="processes")
    assert len(store.journal("first").completed_blocks()) == 11
    reports = run(plan_of(FillJob("first/x")), store)
    assert [report.computed for report in reports] == [1, 12]
    assert float(result(plan_of(job), store)[0, 299, 399]) == 200300 + 200300


def test_a_lean_run_in_a_bucket_leaves_images_and_result(tmp_path: Path, url: str) -> None:
    plan = make_plan(recipe_of("--wavelet --cutblur"), stack_of(tmp_path / "in", frames(2, shape=(64, 60))))
    store, how = Store(url), Resources(memory=2 << 30, workers=2, tile=64, lean=True)
    for name in ("a.tif", "b.tif"):
        run_plan(plan, store, how, ExportRequest(tmp_path / name))
        kept = {stage.outputs[0].path for stage in (plan.stages[0], plan.result)}
        assert set(array_paths(name for name, _ in store.files.list_files())) == kept
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_a_damaged_object_is_computed_again(url: str) -> None:
    plan, store = plan_of(FillJob("first/x")), Store(url)
    run(plan, store)
    store.files.delete("last/x/c/0/1/1")
    assert [report.computed for report in run(plan, store)] == [0, 1]


def test_the_program_takes_a_bucket_for_its_store(tmp_path: Path, url: str) -> None:
    images = names(written(tmp_path / "in", frames(2, shape=(80, 70))))
    ended = program("fuse", "--bg=mean", "--store", url, "-o", tmp_path / "r.tif", *images)
    assert (ended.code, ended.out) == (0, f"{tmp_path / 'r.tif'}\n")
    assert f"the store {url} takes" in ended.err
    assert "Unclosed" not in ended.err
