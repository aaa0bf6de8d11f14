"""A store is open to everyone: every byte of it is read through zarr-python and dask."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from stacks import frames, recipe_of, run, stack_of

import imfuse_tiles
from imfuse_tiles import Refusal, open_store
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.run_history import record_run
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.storage.store import Store

#: Modules without a test file of their own name.
TESTED_MODULES = ("storage.zarr_arrays",)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    stack = stack_of(tmp_path / "in", frames(3, shape=(150, 230)))
    return make_plan(recipe_of("--wavelet --sobel --maskwave --cutwave --bg=enfuse"), stack)


@pytest.fixture
def store(plan: Plan, tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "store"))
    store.create()
    record_run(survey(plan, store, Resources(1 << 30, 2, 100)), store)
    run(plan, store)
    return store


def test_every_byte_is_read_by_zarr(plan: Plan, store: Store) -> None:
    arrays = open_store(store.root)
    outputs = {output.path: output for stage in plan.stages for output in stage.outputs}
    assert len(arrays) == len(outputs) > 8
    chunks = {path for path in Path(store.root).glob("*/*/c/**/*") if path.is_file()}
    assert chunks
    for name in arrays:
        array = arrays[name]
        assert array.path in outputs
        ours = store.arrays.open(array.path).read([(0, size) for size in array.shape])
        assert array.dtype == ours.dtype
        assert np.array_equal(array[:], ours, equal_nan=array.dtype == np.float32)
        chunks -= {path for path in chunks if path.is_relative_to(Path(store.root) / array.path)}
    assert chunks == set()


def test_zarr_notices_a_damaged_chunk(store: Store) -> None:
    array = open_store(store.root)["final"]
    chunk = next(path for path in (Path(store.root) / array.path / "c").rglob("*") if path.is_file())
    data = bytearray(chunk.read_bytes())
    data[7] ^= 1
    chunk.write_bytes(data)
    with pytest.raises(ValueError, match="checksum"):
        array[:]


def test_dask_reads_chunk_by_chunk(plan: Plan, store: Store) -> None:
    arrays = open_store(Path(store.root))
    lazy = arrays.dask("source")
    assert lazy.chunksize == arrays["source"].chunks
    assert lazy.max().compute(scheduler="threads") == arrays["source"][:].max()


def test_arrays_of_one_kind_are_named_by_their_paths_and_nothing_is_written(store: Store) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path(store.root).rglob("*")}
    arrays = open_store(store.root)
    assert {"source", "montage", "final"} <= set(arrays)
    masks = [name for name in arrays if name.startswith("mask")]
    assert [name.partition("/")[0] for name in masks] == ["mask", "mask"]
    with pytest.raises(Exception, match="read"):
        arrays["final"][0, 0, 0] = 1
    with pytest.raises(KeyError):
        arrays["mask"]
    assert {path: path.stat().st_mtime_ns for path in Path(store.root).rglob("*")} == before


def test_what_is_not_finished_is_left_out(plan: Plan, store: Store) -> None:
    store.numbers.delete(plan.result.key)
    assert "final" not in open_store(store.root)


def test_a_place_without_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="is not a store of imfuse-tiles"):
        open_store(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_public_name_is_there_and_documented() -> None:
    for name in imfuse_tiles.__all__:
        value = getattr(imfuse_tiles, name)
        assert name == "__version__" or value.__doc__
    assert set(imfuse_tiles.__all__) <= set(dir(imfuse_tiles))
    with pytest.raises(AttributeError, match="no attribute nothing"):
        imfuse_tiles.nothing  # type: ignore[attr-defined]  # noqa: B018
    stub = (Path(imfuse_tiles.__file__).with_suffix(".pyi")).read_text()
    assert all(f" as {name}\n" in stub for name in imfuse_tiles.__all__ if name != "__version__")


def test_the_package_itself_loads_nothing_heavy() -> None:
    program = "import sys; before = set(sys.modules); import imfuse_tiles; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['imfuse_tiles']"
