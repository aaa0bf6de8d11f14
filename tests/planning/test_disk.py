"""Disk is reckoned before a run starts: refused when it does not do, with what would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from stacks import imagined, recipe_of

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.resources import Part, Resources
from imfuse_tiles.planning import disk
from imfuse_tiles.planning.disk import check_disk, growth
from imfuse_tiles.planning.memory import shown
from imfuse_tiles.planning.plan import Plan, planned
from imfuse_tiles.storage.store import Store

HOW = Resources(memory=2 << 30, workers=2)
LEAN = replace(HOW, lean=True)


@pytest.fixture
def plan() -> Plan:
    return planned(recipe_of("--wavelet --blur --cutblur"), imagined(5))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how many bytes are free everywhere."""
    return lambda size: monkeypatch.setattr(disk, "free", lambda folder: size)


def test_a_lean_run_needs_less_and_ends_with_images_and_result(plan: Plan, store: Store) -> None:
    full, lean = growth(plan, store, HOW), growth(plan, store, LEAN)
    assert full.most == full.end
    assert lean.end < lean.most < full.most
    sizes = {stage.name: disk.to_write(stage, store, disk.laid_out(stage, HOW).layout) for stage in plan.stages}
    assert lean.end == sizes["ingest"] + sizes["finish"]
    assert lean.most == sizes["ingest"] + sizes["mask wavelet"] + sizes["mask blur"] + sizes["merge masks"]


def test_a_disk_that_is_too_small_is_refused_and_lean_named_only_if_it_would_do(
    plan: Plan, store: Store, free: Callable[[int], None]
) -> None:
    full, lean = growth(plan, store, HOW).most, growth(plan, store, LEAN).most
    free(full + 1000)
    assert check_disk(plan, store, HOW, (store.folder, 1000)) == full
    free(full + 999)
    with pytest.raises(Refusal, match=f"needs {shown(full + 1000)} of disk .* with --lean it needs {shown(lean)}"):
        check_disk(plan, store, HOW, (store.folder, 1000))
    assert check_disk(plan, store, LEAN, (store.folder, 1000)) == lean
    free(lean - 1)
    for how in (HOW, LEAN):
        with pytest.raises(Refusal, match="of disk") as caught:
            check_disk(plan, store, how, (store.folder, 1000))
        assert "--lean" not in str(caught.value)


def test_parts_are_not_told_of_what_they_cannot_have(plan: Plan, store: Store, free: Callable[[int], None]) -> None:
    free(growth(plan, store, LEAN).most + 1000)
    with pytest.raises(Refusal, match="of disk") as caught:
        check_disk(plan, store, replace(HOW, part=Part(1, 2)), (store.folder, 0))
    assert "--lean" not in str(caught.value)
    with pytest.raises(Refusal, match=r"--lean .* not allowed with --part"):
        replace(HOW, part=Part(1, 2), lean=True)


def test_room_that_a_lean_run_makes_is_there_for_the_results(
    plan: Plan, store: Store, free: Callable[[int], None]
) -> None:
    need = growth(plan, store, LEAN)
    free(need.most)
    assert check_disk(plan, store, LEAN, (store.folder, need.most - need.end)) == need.most
    with pytest.raises(Refusal, match="results"):
        check_disk(plan, store, LEAN, (store.folder, need.most - need.end + 1))
