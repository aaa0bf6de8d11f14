"""What is not stored is computed when it is read: the same bytes and keys, whatever the choice."""

from __future__ import annotations

from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from stacks import frames, recipe_of, result, run, stack_of

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.computed_stages import computable_stages, without_storing
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.storage.inventory import total_bytes
from imfuse_tiles.storage.store import Store

#: Recipes that differ in what their masks, merging and montage read.
RECIPES = (
    "--wavelet=p5 --maskwave=p100 --cutless=p15 --cutwave=p100 --cutbg --cutalpha=p-25 --finalblur=s10,S2,t5",
    "--blur=s1,level=no --statistic=r1,I=max --maskmerge=multiply --maskblur=s1 --finalgamma=auto --bg=max",
    "--sobel --dog --prepresize=p50 --maskstat=r1 --cutbg=background --bg=reflect",
    "--laplacian --substacks=n2 --layered",
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return stack_of(tmp_path_factory.mktemp("stack"), frames(4, shape=(140, 150)))


def choices(plan: Plan) -> list[set[str]]:
    """Every set of stages of a plan that need not be stored, frames aside."""
    keys = [stage.key for stage in computable_stages(plan) if stage.key != plan.frames_key]
    return [set(some) for some in chain.from_iterable(combinations(keys, n) for n in range(len(keys) + 1))]


def fused(plan: Plan, folder: Path, **how: Any) -> bytes:
    store = Store(str(folder))
    run(plan, store, **how)
    return result(plan, store).tobytes()


@pytest.mark.parametrize("options", RECIPES)
def test_every_choice_of_what_is_stored_gives_the_same_bytes_under_the_same_key(
    stack: Stack, tmp_path: Path, options: str
) -> None:
    plan = make_plan(recipe_of(options), stack)
    stored = fused(plan, tmp_path / "stored", tile=64)
    assert len(choices(plan)) >= 4
    for number, keys in enumerate(choices(plan)):
        in_place = {plan.frames_key} if number % 4 in (1, 2) else set()
        other = without_storing(plan, keys | in_place, peaks=bool(number % 3))
        assert other.result.key == plan.result.key
        assert fused(other, tmp_path / str(number), tile=64 if number % 2 else 128) == stored


def test_what_is_not_stored_leaves_no_array(stack: Stack, tmp_path: Path) -> None:
    plan = make_plan(recipe_of(RECIPES[0]), stack, maps=False)
    frames_stored = {stage.key for stage in computable_stages(plan)} - {plan.frames_key}
    fused(without_storing(plan, frames_stored), tmp_path / "store", tile=64)
    assert sorted(path.name for path in (tmp_path / "store").iterdir() if path.is_dir()) == [
        "final", "journal", "numbers", "peak", "source",
    ]  # fmt: skip
    other = without_storing(plan, {stage.key for stage in computable_stages(plan)}, peaks=False)
    fused(other, tmp_path / "less", tile=64)
    assert not (tmp_path / "less" / "peak").exists()
    assert not (tmp_path / "less" / "source").exists()


def test_a_run_goes_on_with_what_another_choice_has_stored(stack: Stack, tmp_path: Path) -> None:
    plan, store = make_plan(recipe_of(RECIPES[0]), stack), Store(str(tmp_path / "store"))
    masks = [stage.key for stage in computable_stages(plan) if stage.name.startswith("mask")]
    run(without_storing(plan, masks), store, tile=64)
    again = survey(plan, store, Resources(2 << 30, 1, 64))
    assert not again.to_compute, "the result is there, whatever was not stored"


def test_a_stage_that_is_computed_when_read_counts_in_the_memory_of_its_readers(stack: Stack) -> None:
    plan = make_plan(recipe_of(RECIPES[0]), stack)
    other = without_storing(plan, {stage.key for stage in computable_stages(plan)})
    resources = Resources(2 << 30, 2)
    layout = survey(plan, Store(""), resources).stages[-1].blocks.layout
    assert other.result.memory(layout) > plan.result.memory(layout)


def test_a_compressed_store_gives_the_same_bytes(stack: Stack, tmp_path: Path) -> None:
    plan = make_plan(recipe_of(RECIPES[0]), stack)
    stored = fused(plan, tmp_path / "stored", tile=64)
    for name, formats in {"all": {"cacheformat": "tif"}, "masks": {"maskformat": "tif"}}.items():
        assert fused(plan, tmp_path / name, tile=64, **formats) == stored
    sizes = {name: total_bytes(Store(str(tmp_path / name))) for name in ("stored", "masks", "all")}
    assert sizes["all"] < sizes["masks"] < sizes["stored"]


def test_frames_of_a_zarr_array_are_read_where_they_lie(tmp_path: Path) -> None:
    pictures = np.stack([frame.transpose(1, 2, 0) for frame in frames(4, shape=(140, 150))])
    array = zarr.create_array(tmp_path / "stack.zarr", shape=pictures.shape, chunks=(1, 64, 50, 3),
                              dtype=pictures.dtype)  # fmt: skip
    array[:] = pictures
    plan = make_plan(recipe_of(RECIPES[1]), open_stack([tmp_path / "stack.zarr"]))
    stored = fused(plan, tmp_path / "stored", tile=64)
    unstored = {stage.key for stage in computable_stages(plan)}
    assert plan.frames_key in unstored
    assert fused(without_storing(plan, unstored), tmp_path / "other", tile=64) == stored
    (tmp_path / "stack.zarr/c/2/0/0/0").write_bytes(b"other")
    with pytest.raises(Refusal, match="changed while in use"):
        fused(without_storing(plan, {plan.frames_key}), tmp_path / "changed", tile=64)


@pytest.mark.parametrize("how", [{"chunks": (1, 1100, 1100)}, {"chunks": (1, 64, 64)}, {"codec": "gzip"}])
def test_zarr_arrays_of_large_many_or_slow_chunks_are_copied(tmp_path: Path, how: dict[str, Any]) -> None:
    compressors = {"name": "gzip", "configuration": {"level": 1}} if "codec" in how else None
    zarr.create_array(tmp_path / "stack.zarr", shape=(3, 1100, 1100), chunks=how.get("chunks", (1, 512, 512)),
                      dtype="uint8", compressors=compressors)[0, :2] = 3  # fmt: skip
    plan = make_plan(recipe_of(RECIPES[1]), open_stack([tmp_path / "stack.zarr"]))
    assert plan.frames_key not in {stage.key for stage in computable_stages(plan)}
