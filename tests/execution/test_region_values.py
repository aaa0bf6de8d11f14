"""A region computed by itself has the same bytes as the whole run writes there, whatever of it the store holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from viewed_stores import stack_files

from imfuse_tiles.errors import Interrupted
from imfuse_tiles.execution import estimated_numbers
from imfuse_tiles.execution.export import ExportRequest
from imfuse_tiles.execution.pipeline import run_plan
from imfuse_tiles.execution.region_values import halves, region_values, unmeasured
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.computed_stages import region_plan
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.stages.access import Access
from imfuse_tiles.storage.store import Store

TESTED_MODULES = ("execution.estimated_numbers",)
RESOURCES = Resources(1 << 30, 2)
REGION = Region(31, 150, 77, 201)
BEGUN = ("--statistic=r2", "--wavelet=w30", "--maskblur=s2", "--cutless=p15", "--bg=Mean")
CHANGED = {
    "a cut": (*BEGUN[:4], "--cutwave=p50", "--cutbg", "--cutalpha=p-25,P150", "--bg=Mean"),
    "a mask filter": (*BEGUN[:2], "--maskwave=p70", *BEGUN[3:]),
    "a generator": ("--laplacian=level", "--wavelet=w30", *BEGUN[2:]),
    "a final step": (*BEGUN, "--finalsharpen"),
    "a measured final step": (*BEGUN, "--finalgamma"),
    "substacks": (*BEGUN, "--substacks=n2,r0"),
    "another fusion": ("--bg=pyramid",),
    "nothing": BEGUN,
}


def plan_of(stack: Stack, options: tuple[str, ...], maps: bool = True) -> Plan:
    return make_plan(Recipe.from_options(options), stack, maps=maps)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return open_stack(stack_files(tmp_path_factory.mktemp("tuned"), 190, 260))


@pytest.mark.parametrize("options", CHANGED.values(), ids=CHANGED)
def test_a_region_has_the_bytes_of_the_whole_run(stack: Stack, options: tuple[str, ...], tmp_path: Path) -> None:
    store = Store.at(tmp_path / "store")
    run_plan(plan_of(stack, BEGUN), store, RESOURCES, ExportRequest(tmp_path / "begun.tif", extra=True))
    plan = plan_of(stack, options)
    values, exact = region_values(plan, store, RESOURCES, REGION)
    assert exact
    assert options == BEGUN or store.numbers.load(plan.result.key) is None
    run_plan(plan, store, RESOURCES, ExportRequest(tmp_path / "changed.tif", extra=True))
    whole = Access(store).read(plan.result.outputs[0].path, [(0, len(values))], REGION)
    assert np.array_equal(values, whole)
    assert values[:3].std() > 0


def test_a_changed_cut_needs_nothing_of_the_whole_and_a_changed_mask_its_limits(stack: Stack, tmp_path: Path) -> None:
    store = Store.at(tmp_path / "store")
    run_plan(plan_of(stack, BEGUN), store, RESOURCES, ExportRequest(tmp_path / "begun.tif", extra=True))
    assert unmeasured(region_plan(plan_of(stack, CHANGED["a cut"]), store), store) == []
    needed = unmeasured(region_plan(plan_of(stack, CHANGED["a mask filter"]), store), store)
    assert [stage.name for stage in needed] == ["measure merge masks"]
    assert all(not stage.outputs for stage in needed)


def test_a_quick_look_at_a_changed_mask_is_near_and_says_so(stack: Stack, tmp_path: Path) -> None:
    store = Store.at(tmp_path / "store")
    run_plan(plan_of(stack, BEGUN), store, RESOURCES, ExportRequest(tmp_path / "begun.tif", extra=True))
    plan = plan_of(stack, CHANGED["a generator"])
    quick, exact = region_values(plan, store, RESOURCES, REGION, quick=True)
    assert not exact
    assert unmeasured(region_plan(plan, store), store) != []
    values, exact = region_values(plan, store, RESOURCES, REGION, quick=True, halt=Halt())
    assert not exact
    assert np.array_equal(values, quick)
    values, exact = region_values(plan, store, RESOURCES, REGION)
    assert exact
    assert np.abs(values[:3].astype(int) - quick[:3]).mean() < 0.02 * 65535
    assert region_values(plan, store, RESOURCES, REGION, quick=True)[1]


def test_filters_of_whole_frames_are_not_estimated(stack: Stack, tmp_path: Path) -> None:
    store = Store.at(tmp_path / "store")
    begun = plan_of(stack, ("--darkness", "--maskfft", "--bg=Mean"))
    run_plan(begun, store, RESOURCES, ExportRequest(tmp_path / "begun.tif"))
    plan = plan_of(stack, ("--darkness", "--maskfft=r20", "--bg=Mean"))
    values, exact = region_values(plan, store, RESOURCES, REGION, quick=True)
    assert exact
    run_plan(plan, store, RESOURCES, ExportRequest(tmp_path / "changed.tif"))
    assert np.array_equal(values, Access(store).read(plan.result.outputs[0].path, [(0, len(values))], REGION))


@pytest.mark.parametrize(("level", "measured"), [("t60", False), ("t0", True), ("p10,P60", False), ("off", False)])
def test_limits_in_whole_steps_are_known_from_patches(
    stack: Stack, level: str, measured: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimated_numbers, "PATCH", 24)  # a tenth of the picture
    store, options = Store.at(tmp_path / "store"), (*BEGUN[:2], "--maskblur=s1", f"--masklevel={level}", *BEGUN[3:])
    run_plan(plan_of(stack, BEGUN), store, RESOURCES, ExportRequest(tmp_path / "begun.tif", extra=True))
    plan = plan_of(stack, options)
    values, exact = region_values(plan, store, RESOURCES, REGION)
    assert exact
    assert (unmeasured(region_plan(plan, store), store) == []) == measured
    run_plan(plan, store, RESOURCES, ExportRequest(tmp_path / "changed.tif", extra=True))
    assert np.array_equal(values, Access(store).read(plan.result.outputs[0].path, [(0, len(values))], REGION))


def test_limits_are_known_from_patches_too_where_weights_leave_room_above_all_masks(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimated_numbers, "PATCH", 24)
    generators = ("--statistic=r2,w50", "--wavelet=w50")  # up to 75 %, which is in the second step of 40
    store, options = Store.at(tmp_path / "store"), (*generators, "--maskstat=r3", "--masklevel=t40", "--bg=Mean")
    run_plan(plan_of(stack, (*generators, "--bg=Mean")), store, RESOURCES, ExportRequest(tmp_path / "begun.tif"))
    plan = plan_of(stack, options)
    values, exact = region_values(plan, store, RESOURCES, REGION, quick=True)
    assert exact
    assert unmeasured(region_plan(plan, store), store) != []
    run_plan(plan, store, RESOURCES, ExportRequest(tmp_path / "changed.tif", extra=True))
    assert np.array_equal(values, Access(store).read(plan.result.outputs[0].path, [(0, len(values))], REGION))


def test_measuring_ends_when_it_is_told_to(stack: Stack, tmp_path: Path) -> None:
    store, halt = Store.at(tmp_path / "store"), Halt()
    run_plan(plan_of(stack, BEGUN), store, RESOURCES, ExportRequest(tmp_path / "begun.tif", extra=True))
    halt.number = 2
    with pytest.raises(Interrupted):
        region_values(plan_of(stack, CHANGED["a mask filter"]), store, RESOURCES, REGION, halt=halt)


def test_halves_cover_a_region_once() -> None:
    for region in (Region(3, 50, 7, 200), Region(3, 250, 7, 20), Region(0, 1, 0, 1)):
        parts = list(halves(region, 3))
        assert sum(part.shape[0] * part.shape[1] for part in parts) == region.shape[0] * region.shape[1]
        assert all(part.y0 >= region.y0 and part.x1 <= region.x1 for part in parts)
