"""The fusion by local energy and its depth in tiles equal those of whole frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from focus_scenes import glints
from stacks import frames, ran, recipe_of, result, run, stack_of

from imfuse_tiles.geometry import Region
from imfuse_tiles.options.pyramid_level import Level
from imfuse_tiles.planning.computed_stages import without_storing
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.reference import fuse
from imfuse_tiles.stages import level_slices, noise_level
from imfuse_tiles.stages.level_slices import LevelSlices
from imfuse_tiles.storage.store import Store

TESTED_MODULES = (
    "stages.focus_depth", "stages.level_detail", "stages.level_picture", "stages.level_slices", "stages.noise_level",
    "stages.pair_copy",
)  # fmt: skip


def test_the_tile_size_changes_no_bit_of_picture_and_depth(tmp_path: Path) -> None:
    recipe, stack = recipe_of("--bg=pyramid"), frames(3, 3, "uint8", (141, 187))
    files, whole = stack_of(tmp_path / "in", stack), fuse(recipe, stack, 255)
    for tile in (32, 33, 64, 100, 1000):
        assert np.array_equal(ran(files, recipe, tmp_path / str(tile), tile=tile), whole), tile


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 200), (17, 16), (33, 70)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_frames_of_any_size_and_number_are_fused(tmp_path: Path, shape: tuple[int, int], count: int) -> None:
    recipe, stack = recipe_of("--bg=pyramid"), frames(count, 3, "uint16", shape)
    found = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=16)
    assert np.array_equal(found, fuse(recipe, stack, 65535))


@pytest.mark.parametrize("count", [27, 97])
def test_a_long_sweep_is_fused(tmp_path: Path, count: int) -> None:
    recipe, stack = recipe_of("--bg=pyramid"), frames(count, 1, "uint8", (40, 50))
    found = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=32)
    assert np.array_equal(found, fuse(recipe, stack, 255))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("planes", [1, 3], ids=["grey", "colour"])
def test_every_kind_of_sample_is_fused(tmp_path: Path, dtype: str, planes: int) -> None:
    recipe, stack = recipe_of("--bg=pyramid"), frames(3, planes, dtype, (120, 90))
    found = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=64)
    assert np.array_equal(found, fuse(recipe, stack, {"uint8": 255, "float32": 1}[dtype]))


def test_an_image_to_compare_with_may_be_the_fusion(tmp_path: Path) -> None:
    recipe, stack = recipe_of("--statistic=I=pyramid --cutalpha"), frames(3, 3, "uint16", (90, 120))
    found = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=64)
    assert np.array_equal(found, fuse(recipe, stack, 65535))


@pytest.mark.parametrize(("tile", "kept"), [(32, 1), (100, 12)])
def test_highlights_change_with_no_tile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tile: int, kept: int) -> None:
    monkeypatch.setattr(level_slices, "KEPT", kept)
    recipe, (stack, _) = recipe_of("--bg=pyramid"), glints()
    assert stack[2].max() == 65535
    found = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=tile)
    assert np.array_equal(found, fuse(recipe, stack, 65535))


@pytest.mark.parametrize("kept", [0, 2])
def test_slices_that_are_read_again_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    monkeypatch.setattr(level_slices, "KEPT", kept)
    recipe, stack = recipe_of("--bg=pyramid"), frames(4, 3, "uint8", (90, 120))
    found = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=64)
    assert np.array_equal(found, fuse(recipe, stack, 255))


def test_the_slice_at_work_is_read_once_where_slices_do_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_slices, "KEPT", 3)
    reads = list[int]()

    class Source:
        coverage = ""

        def samples(self, access: Any, z: int, need: Region) -> np.ndarray:
            reads.append(z)
            return np.full((1, *need.shape), z, np.uint8)

    slices = LevelSlices(Any, Source(), Level(3, (40, 50), 255.0), Region(0, 40, 0, 50), "")  # type: ignore[arg-type]
    for _ in range(2):
        for z in range(5):
            assert slices.samples(z).data[0, 0, 0] == z
            slices.evidence(z)
            slices.samples(z)
    assert reads == [0, 1, 2, 3, 4, 2, 3, 4]
    assert {z for _, z in slices.known} == {0, 1, 4}


def test_noise_is_the_same_where_patches_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise_level, "NEAR_PATCHES", 0)
    recipe, stack = recipe_of("--bg=pyramid"), frames(3, 3, "uint8", (141, 187))
    found = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=64)
    assert np.array_equal(found, fuse(recipe, stack, 255))


def test_frames_that_are_read_where_they_lie_give_the_same(tmp_path: Path) -> None:
    recipe, stack = recipe_of("--bg=pyramid"), frames(3, 3, "uint16", (141, 187))
    plan = make_plan(recipe, stack_of(tmp_path / "in", stack), maps=True)
    in_place, store = without_storing(plan, {plan.frames_key}), Store(str(tmp_path / "store"))
    assert in_place.frames_in_place
    run(in_place, store, tile=64)
    assert np.array_equal(result(in_place, store), fuse(recipe, stack, 65535))


def test_without_maps_nothing_is_kept_for_a_depth_and_the_picture_is_the_same(tmp_path: Path) -> None:
    samples = frames(3, 3, "uint8", (90, 120))
    stack, recipe = stack_of(tmp_path / "in", samples), recipe_of("--bg=pyramid")
    plans = [make_plan(recipe, stack, maps=maps) for maps in (True, False)]
    kept = [[out.path.rpartition("-")[2] for stage in plan.stages for out in stage.outputs] for plan in plans]
    assert kept[0].count("peak") > 1
    assert kept[1].count("peak") == 0
    run(plans[1], Store(str(tmp_path / "store")))
    assert np.array_equal(result(plans[1], Store(str(tmp_path / "store"))), fuse(recipe, samples, 255)[:4])
