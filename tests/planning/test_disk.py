"""Disk is reckoned before a run starts: refused when it does not do, with what would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from stacks import imagined, recipe_of

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.resources import Part, Resources
from imfuse_tiles.planning import disk
from imfuse_tiles.planning.disk import check_disk, disk_growth
from imfuse_tiles.planning.memory import format_size
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.storage.store import Store

HOW = Resources(memory=2 << 30, workers=2)
LEAN = replace(HOW, lean=True)


@pytest.fixture
def plan() -> Plan:
    return make_plan(recipe_of("--wavelet --blur --cutblur"), imagined(5))


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how many bytes are free everywhere."""
    return lambda size: monkeypatch.setattr(disk, "free_bytes", lambda folder: size)


def test_a_lean_run_needs_less_and_ends_with_images_and_result(plan: Plan, store: Store) -> None:
    work = survey(plan, store, HOW)
    full, lean = disk_growth(work), disk_growth(work, lean=True)
    assert full.most == full.end
    assert lean.end < lean.most < full.most
    sizes = {each.stage.name: each.bytes_to_write for each in work.stages}
    assert lean.end == sizes["read frames"] + sizes["write result"]
    assert lean.most == sizes["read frames"] + sizes["mask wavelet"] + sizes["mask blur"] + sizes["merge masks"]


def test_a_disk_that_is_too_small_is_refused_and_lean_named_only_if_it_would_do(
    plan: Plan, store: Store, free: Callable[[int], None]
) -> None:
    work = survey(plan, store, HOW)
    full, lean = disk_growth(work).most, disk_growth(work, lean=True).most
    free(full + 1000)
    assert check_disk(survey(plan, store, HOW), store, (store.folder, 1000)) == full
    free(full + 999)
    with pytest.raises(
        Refusal, match=f"needs {format_size(full + 1000)} of disk .* with --lean it needs {format_size(lean)}"
    ):
        check_disk(survey(plan, store, HOW), store, (store.folder, 1000))
    assert check_disk(survey(plan, store, LEAN), store, (store.folder, 1000)) == lean
    free(lean - 1)
    for how in (HOW, LEAN):
        with pytest.raises(Refusal, match="of disk") as caught:
            check_disk(survey(plan, store, how), store, (store.folder, 1000))
        assert "--lean" not in str(caught.value)


def test_parts_are_not_told_of_what_they_cannot_have(plan: Plan, store: Store, free: Callable[[int], None]) -> None:
    free(disk_growth(survey(plan, store, LEAN), lean=True).most + 1000)
    with pytest.raises(Refusal, match="of disk") as caught:
        check_disk(survey(plan, store, replace(HOW, part=Part(1, 2))), store, (store.folder, 0))
    assert "--lean" not in str(caught.value)
    with pytest.raises(Refusal, match=r"--lean .* not allowed with --part"):
        replace(HOW, part=Part(1, 2), lean=True)


def test_room_that_a_lean_run_makes_is_there_for_the_results(
    plan: Plan, store: Store, free: Callable[[int], None]
) -> None:
    need = disk_growth(survey(plan, store, LEAN), lean=True)
    free(need.most)
    assert check_disk(survey(plan, store, LEAN), store, (store.folder, need.most - need.end)) == need.most
    with pytest.raises(Refusal, match="results"):
        check_disk(survey(plan, store, LEAN), store, (store.folder, need.most - need.end + 1))
