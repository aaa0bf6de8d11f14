"""Masks kept in memory while tuning: the same values, computed once, in no more memory than allowed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from stacks import imagined, recipe_of
from viewed_stores import stack_files

from imfuse_tiles.execution import decided_limits, estimated_numbers
from imfuse_tiles.execution.decided_limits import is_merging, searched
from imfuse_tiles.execution.export import ExportRequest
from imfuse_tiles.execution.mask_warmup import warmup
from imfuse_tiles.execution.pipeline import run_plan
from imfuse_tiles.execution.region_values import region_values
from imfuse_tiles.execution.remembered_masks import MaskLooks, MaskMemory, forgotten, looks, memory
from imfuse_tiles.execution.remembering_jobs import RememberedMaskJob, RememberedMergeJob
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.computed_stages import region_plan
from imfuse_tiles.planning.machine_rates import kernel_name
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.masks import MaskJob
from imfuse_tiles.stages.merged_masks import MergeJob
from imfuse_tiles.storage.store import Store

TESTED_MODULES = ("execution.decided_limits", "execution.remembering_jobs", "execution.mask_warmup")
FRAME = (50, 60)


@pytest.fixture
def remembered() -> Iterator[MaskMemory]:
    """The memory of this process, which may keep masks meanwhile."""
    memory.most = 1 << 24
    looks.most = 1 << 22
    yield memory
    memory.most = looks.most = 0
    memory.clear()
    looks.clear()


def test_a_region_is_known_once_all_of_it_was_kept() -> None:
    kept, values = MaskMemory(1 << 20), np.arange(3000, dtype=np.float32).reshape(FRAME)
    kept.put("mask/a", 1, Region(0, 20, 0, 60), FRAME, values[:20])
    assert kept.get("mask/a", 1, Region(3, 21, 5, 9)) is None
    assert kept.get("mask/a", 0, Region(3, 20, 5, 9)) is None
    kept.put("mask/a", 1, Region(20, 50, 0, 60), FRAME, values[20:])
    found = kept.get("mask/a", 1, Region(3, 41, 5, 9))
    assert found is not None
    assert np.array_equal(found, values[3:41, 5:9])
    found[:] = -1  # who reads it may change it
    again = kept.get("mask/a", 1, Region(3, 41, 5, 9))
    assert again is not None
    assert again.min() >= 0


def test_what_was_not_asked_for_longest_makes_room() -> None:
    size, whole = 4 * FRAME[0] * FRAME[1], Region(0, 50, 0, 60)
    kept, values = MaskMemory(3 * size), np.ones(FRAME, np.float32)
    for path in ("mask/a", "mask/b", "mask/c"):
        kept.put(path, 0, whole, FRAME, values)
    assert kept.get("mask/a", 0, whole) is not None
    kept.put("mask/d", 0, whole, FRAME, values)
    assert kept.get("mask/b", 0, whole) is None
    assert kept.get("mask/a", 0, whole) is not None
    for z in range(9):  # more slices than there is room for
        kept.put("mask/e", z, whole, FRAME, values)
    assert kept.bytes == kept.most
    assert [kept.get("mask/e", z, whole) is not None for z in range(9)] == [True] * 3 + [False] * 6


def test_what_is_preferred_is_dropped_last() -> None:
    size, whole = 4 * FRAME[0] * FRAME[1], Region(0, 50, 0, 60)
    kept, values = MaskMemory(2 * size), np.ones(FRAME, np.float32)
    for path in ("mask/a", "mask/b"):
        kept.put(path, 0, whole, FRAME, values)
    kept.prefer(["mask/a", "mask/none"])
    kept.put("mask/c", 0, whole, FRAME, values)
    assert kept.get("mask/a", 0, whole) is not None
    assert not kept.has("mask/b")


def test_a_mask_that_is_known_shrinks_to_half_its_memory() -> None:
    whole, kept = Region(0, 50, 0, 60), MaskMemory(4 * FRAME[0] * FRAME[1])
    values = np.arange(3000, dtype=np.float32).reshape(FRAME)
    kept.put("mask/a", 0, Region(0, 20, 0, 60), FRAME, values[:20])
    kept.shrink("mask/a", 0, "level/a", lambda mask: mask.astype(np.uint16))
    assert kept.has("mask/a")  # not all of it was known
    kept.put("mask/a", 0, Region(20, 50, 0, 60), FRAME, values[20:])
    kept.shrink("mask/a", 0, "level/a", lambda mask: mask.astype(np.uint16))
    assert not kept.has("mask/a")
    places = kept.get("level/a", 0, whole)
    assert places is not None
    assert np.array_equal(places, values)
    assert 2 * kept.bytes == kept.most
    assert kept.bytes == kept.spare.bytes


def test_what_is_forgotten_meanwhile_may_be_kept_again_afterwards(remembered: MaskMemory) -> None:
    most, whole, values = remembered.most, Region(0, 50, 0, 60), np.ones(FRAME, np.float32)
    remembered.put("mask/a", 0, whole, FRAME, values)
    with forgotten():
        remembered.put("mask/b", 0, whole, FRAME, values)
        assert not remembered.bytes
    assert remembered.most == most


def test_regions_that_are_put_at_once_are_known_once() -> None:
    values, half, whole = np.arange(3000, dtype=np.float32).reshape(FRAME), Region(0, 30, 0, 60), Region(0, 50, 0, 60)
    for _ in range(20):
        kept, begin = MaskMemory(1 << 20), Barrier(8)

        def put(_: int, kept: MaskMemory = kept, begin: Barrier = begin) -> None:
            begin.wait()
            kept.put("mask/a", 0, half, FRAME, values[:30])

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(put, range(8)))
        assert len(kept.masks["mask/a"][0].regions) == 1
        assert kept.get("mask/a", 0, whole) is None  # its lower half is not known


def test_memory_is_prepared_as_far_as_there_is_room_and_used() -> None:
    size, whole, kept = 4 * FRAME[0] * FRAME[1], Region(0, 50, 0, 60), MaskMemory()
    kept.prepare(FRAME, 3)
    assert not kept.spare
    kept.most = 4 * size
    kept.put("mask/a", 0, whole, FRAME, np.ones(FRAME, np.float32))
    kept.prepare(FRAME, 9)
    prepared = {mask.ctypes.data for mask in kept.spare}
    assert len(prepared) == 3
    for z in range(1, 9):
        kept.put("mask/a", z, whole, FRAME, np.ones(FRAME, np.float32))
    assert kept.bytes == 4 * size
    assert {kept.masks["mask/a"][z].mask.ctypes.data for z in (1, 2, 3)} == prepared


def test_no_more_memory_is_prepared_than_asked_for_however_often() -> None:
    kept = MaskMemory(1 << 20)
    for _ in range(3):
        kept.prepare(FRAME, 4)
    assert len(kept.spare) == 4


def test_masks_that_are_put_while_memory_is_prepared_stay_as_they_are() -> None:
    """Memory that is still being cleared must not be found by who puts a mask."""
    frame, count = (1024, 1024), 40
    whole, values = Region(0, 1024, 0, 1024), np.ones(frame, np.float32)
    kept = MaskMemory(4 * count * values.size)
    with ThreadPoolExecutor(2) as threads:
        prepared = threads.submit(kept.prepare, frame, count)
        while not kept.spare:
            pass
        for z in range(count // 2):
            kept.put("mask/a", z, whole, frame, values)
        prepared.result()
    assert all(slice_mask.mask.min() == 1 for slice_mask in kept.masks["mask/a"].values())


def test_memory_of_a_mask_that_is_being_copied_is_not_used_for_another_one() -> None:
    """A thread goes on to copy from what another one has dropped meanwhile: it must get the old values."""
    whole, kept = Region(0, 50, 0, 60), MaskMemory(2 * 4 * FRAME[0] * FRAME[1])
    kept.put("mask/a", 0, whole, FRAME, np.ones(FRAME, np.float32))
    kept.put("mask/a", 1, whole, FRAME, np.ones(FRAME, np.float32))
    old = kept.masks["mask/a"]
    old[0].users = 1
    for z in range(2):
        kept.put("mask/b", z, whole, FRAME, np.zeros(FRAME, np.float32))
    assert old[0].mask.min() == 1
    assert old[1].mask.max() == 0
    assert kept.get("mask/b", 1, whole) is not None


def test_masks_are_computed_once_and_the_region_is_the_same(
    remembered: MaskMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = open_stack(stack_files(tmp_path / "stack"))
    store, resources, region = Store.at(tmp_path / "store"), Resources(1 << 30, 2), Region(31, 150, 77, 201)
    begun = make_plan(Recipe.from_options(("--statistic=r2", "--bg=Mean")), stack)
    run_plan(begun, store, resources, ExportRequest(tmp_path / "begun.tif"))
    computed, count = MaskJob.raw_mask, [0]

    def counted(*about: object) -> np.ndarray:
        count[0] += 1
        return computed(*about)  # type: ignore[arg-type]

    monkeypatch.setattr(MaskJob, "raw_mask", counted)
    changed = make_plan(Recipe.from_options(("--wavelet=p5", "--maskblur=s2", "--bg=Mean")), stack)
    region_values(changed, store, resources, region, quick=True)  # patches, which are not kept
    count[0] = 0
    values, _ = region_values(changed, store, resources, region)
    assert count == [len(stack)]  # a frame of one block; its masks are merged from memory, in the region, too
    remembered.most = 0
    remembered.clear()
    assert np.array_equal(region_values(changed, store, resources, region)[0], values)
    assert count[0] > len(stack)


def test_masks_of_a_region_that_is_looked_at_make_room_for_later_ones() -> None:
    kept, values = MaskLooks(3 * 400), np.arange(100, dtype=np.float32).reshape(10, 10)
    for z in range(4):
        kept.put("mask/a", z, Region(5, 15, 20, 30), values)
    assert kept.get("mask/a", 0, Region(5, 15, 20, 30)) is None
    assert kept.get("mask/a", 1, Region(5, 15, 19, 30)) is None
    found = kept.get("mask/a", 1, Region(6, 8, 21, 30))
    assert found is not None
    assert np.array_equal(found, values[1:3, 1:])


def test_memory_of_a_mask_serves_two_of_half_the_bytes() -> None:
    whole, kept = Region(0, 50, 0, 60), MaskMemory(1 << 20)
    kept.prepare(FRAME, 1)
    prepared, places = next(iter(kept.spare)), np.arange(3000, dtype=np.uint16).reshape(FRAME)
    for z in range(2):
        kept.put("level", z, whole, FRAME, places + z)
    assert all(np.shares_memory(kept.masks["level"][z].mask, prepared) for z in range(2))
    assert all(np.array_equal(kept.get("level", z, whole), places + z) for z in range(2))  # type: ignore[arg-type]


@pytest.mark.parametrize("changed", ["--maskwave=p70", "--statistic=r2,w60", "--blur=s2,S3"])
def test_after_a_warm_up_only_what_is_changed_is_computed(
    remembered: MaskMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    stack = open_stack(stack_files(tmp_path / "stack"))
    store, resources, region = Store.at(tmp_path / "store"), Resources(1 << 30, 2), Region(31, 150, 77, 201)
    words = ["--statistic=r2", "--wavelet=w30", "--blur=s1,S2", "--maskblur=s2", "--masklevel=t0", "--bg=Mean"]
    words += ["--saturation=w5,level"]  # which no filter sees, but merging does
    begun = make_plan(Recipe.from_options(words), stack)
    run_plan(begun, store, resources, ExportRequest(tmp_path / "begun.tif"))
    warmup.start(begun, store, 2)
    warmup.wait(Halt())
    assert len(remembered.masks) == 4
    generators, computed = set[str](), MaskJob.raw_mask

    def noted(self: MaskJob, *about: object) -> np.ndarray:
        generators.add(str(self.op))
        return computed(self, *about)  # type: ignore[arg-type]

    monkeypatch.setattr(MaskJob, "raw_mask", noted)
    other = {"--maskwave=p70": 3, "--statistic=r2,w60": 0, "--blur=s2,S3": 2}[changed]
    plan = make_plan(Recipe.from_options([*words[:other], changed, *words[other + 1 :]]), stack)
    quick, _ = region_values(plan, store, resources, region, quick=True)
    values, exact = region_values(plan, store, resources, region)
    assert exact
    assert generators == ({"--blur=s2,S3"} if "blur" in changed else set())
    remembered.most = looks.most = 0
    remembered.clear()
    looks.clear()
    run_plan(plan, store, resources, ExportRequest(tmp_path / "changed.tif"))
    whole = Access(store).read(plan.result.outputs[0].path, [(0, len(values))], region)
    assert np.array_equal(values[: len(whole)], whole)
    assert quick.shape == values.shape


def test_after_a_warm_up_a_changed_filter_of_a_single_generator_computes_no_mask(
    remembered: MaskMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = open_stack(stack_files(tmp_path / "stack"))
    store, resources, region = Store.at(tmp_path / "store"), Resources(1 << 30, 2), Region(31, 150, 77, 201)
    begun, plan = (make_plan(Recipe.from_options(("--statistic=r2", filtering, "--masklevel=t0", "--bg=Mean")), stack)
                   for filtering in ("--maskstat=r2", "--maskblur=s2"))  # fmt: skip
    run_plan(begun, store, resources, ExportRequest(tmp_path / "begun.tif"))
    warmup.start(begun, store, 2)
    warmup.wait(Halt())
    with monkeypatch.context() as without:
        without.delattr(MaskJob, "raw_mask")
        values, exact = region_values(plan, store, resources, region)
    assert exact
    run_plan(plan, store, resources, ExportRequest(tmp_path / "changed.tif"))
    assert np.array_equal(values, Access(store).read(plan.result.outputs[0].path, [(0, len(values))], region))


@pytest.mark.parametrize(
    ("change", "step", "found"), [("--blur=s2,S3", "--masklevel=t67", True), ("--blur=s2,S3", "--masklevel=t0", False)]
)
def test_limits_that_patches_leave_open_are_found_in_the_strongest_tiles(
    remembered: MaskMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, step: str, found: bool
) -> None:
    monkeypatch.setattr(estimated_numbers, "PATCH", 8)
    monkeypatch.setattr(decided_limits, "CHUNK", 64)
    stack = open_stack(stack_files(tmp_path / "stack"))
    store, resources, region = Store.at(tmp_path / "store"), Resources(1 << 30, 2), Region(31, 150, 77, 201)
    words = ["--statistic=r2,w45", "--wavelet=w45", "--blur=s1,S2,w10", "--maskstat=r2", step, "--bg=Mean"]
    begun = make_plan(Recipe.from_options(words), stack)
    run_plan(begun, store, resources, ExportRequest(tmp_path / "begun.tif"))
    warmup.start(begun, store, 2)
    warmup.wait(Halt())
    plan = make_plan(Recipe.from_options([*words[:2], f"{change},w10", *words[3:]]), stack)
    values, exact = region_values(plan, store, resources, region)
    assert exact
    stage = next(stage for stage in region_plan(plan, store).stages if is_merging(stage))
    assert (stage.key in searched) == found
    assert (store.numbers.load(stage.key) is None) == found
    again, exact = region_values(plan, store, resources, region, quick=True)
    assert exact
    assert np.array_equal(again, values)
    run_plan(plan, store, resources, ExportRequest(tmp_path / "changed.tif"))
    assert np.array_equal(values, Access(store).read(plan.result.outputs[0].path, [(0, len(values))], region))


def test_numbers_that_are_only_estimated_leave_nothing_in_memory(remembered: MaskMemory, tmp_path: Path) -> None:
    stack = open_stack(stack_files(tmp_path / "stack"))
    store, resources, region = Store.at(tmp_path / "store"), Resources(1 << 30, 2), Region(31, 150, 77, 201)
    begun = make_plan(Recipe.from_options(("--statistic=r2", "--bg=Mean")), stack)
    run_plan(begun, store, resources, ExportRequest(tmp_path / "begun.tif"))
    plan = make_plan(Recipe.from_options(("--statistic=r2", "--wavelet", "--bg=Mean")), stack)
    region_values(plan, store, resources, region, quick=True)
    assert not remembered.masks


def test_a_job_that_keeps_its_masks_is_timed_as_the_one_that_does_not() -> None:
    (mask,) = [stage.job for stage in make_plan(recipe_of("--wavelet"), imagined(2)).stages
               if isinstance(stage.job, MaskJob)]  # fmt: skip
    assert RememberedMaskJob.of(mask, "mask/a").timed_as == mask
    assert kernel_name(RememberedMaskJob.of(mask, "mask/a")) == kernel_name(mask)
    (merge,) = [stage.job for stage in make_plan(recipe_of("--wavelet"), imagined(2)).stages
                if isinstance(stage.job, MergeJob)]  # fmt: skip
    assert RememberedMergeJob.of(merge, 1).timed_as == merge
