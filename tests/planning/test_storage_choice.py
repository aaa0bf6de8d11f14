"""A run stores as much as its disk holds, and computes the rest when it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from stacks import imagined, recipe_of

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.resources import Part, Resources
from imfuse_tiles.planning import storage_choice
from imfuse_tiles.planning.computed_stages import without_storing
from imfuse_tiles.planning.disk import check_disk, disk_growth
from imfuse_tiles.planning.machine_rates import MachineRates
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.storage_choice import RESERVED_PART, choose_storage
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.masks import MaskJob
from imfuse_tiles.storage.store import Store

HOW = Resources(memory=2 << 30, workers=2)


@pytest.fixture(autouse=True)
def rates(monkeypatch: pytest.MonkeyPatch) -> Callable[[MachineRates], None]:
    """Sets how fast the machine is; at first as is typical."""
    set_to = lambda rates: monkeypatch.setattr(storage_choice, "load_rates", lambda folder: rates)  # noqa: E731
    set_to(MachineRates({}))
    return set_to


@pytest.fixture
def plan() -> Plan:
    return make_plan(recipe_of("--wavelet --blur --cutblur"), imagined(20, windows=True), maps=False)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how many bytes are free everywhere."""
    return lambda size: monkeypatch.setattr(storage_choice, "free_bytes", lambda folder: size)


def names(plan: Plan) -> list[str]:
    return [stage.name for stage in plan.unstored]


def needs(plan: Plan, store: Store) -> int:
    """Bytes with which all of a plan fits with its result beside it."""
    work = survey(plan, store, HOW)
    return disk_growth(work).end + work.stages[-1].bytes_in_all


def test_everything_is_stored_where_the_disk_holds_it(plan: Plan, store: Store) -> None:
    assert names(choose_storage(plan, store, replace(HOW, disk=1 << 50))) == []


@pytest.mark.parametrize("share", [0.99, 0.6, 0.38])
def test_what_is_stored_fits_the_disk_that_is_allowed(plan: Plan, store: Store, share: float) -> None:
    resources = replace(HOW, disk=int(share * needs(plan, store)))
    choice = choose_storage(plan, store, resources)
    assert {"mask wavelet", "mask blur"} <= {*names(choice)}
    assert check_disk(survey(choice, store, resources), store, (store.folder.parent, 0)) <= resources.disk  # type: ignore[operator]


def test_less_is_stored_where_less_is_free(plan: Plan, store: Store, free: Callable[[int], None]) -> None:
    free(int(needs(plan, store) / (1 - RESERVED_PART)) - 100)
    assert names(choose_storage(plan, store, HOW)) == ["mask wavelet", "mask blur"]
    free(int(needs(plan, store) / (1 - RESERVED_PART)) + 100)
    assert names(choose_storage(plan, store, HOW)) == []


def test_masks_are_computed_again_where_the_disk_is_slow(
    plan: Plan, store: Store, rates: Callable[[MachineRates], None]
) -> None:
    rates(MachineRates({}, read=5.0, write=10.0))
    assert names(choose_storage(plan, store, replace(HOW, ingest="always"))) == ["mask wavelet", "mask blur"]
    assert names(choose_storage(plan, store, HOW)) == ["read frames", "mask wavelet", "mask blur"]
    assert names(choose_storage(plan, store, replace(HOW, keep="all"))) == []


def test_frames_that_no_changed_option_reads_again_are_copied_only_where_that_saves_time(
    store: Store, rates: Callable[[MachineRates], None]
) -> None:
    fused = make_plan(recipe_of("--bg=pyramid"), imagined(20, windows=True), maps=False)
    rates(MachineRates({"IngestJob 3xuint16 tiff": 1.0}))
    assert names(choose_storage(fused, store, HOW)) == ["read frames"]
    rates(MachineRates({"IngestJob 3xuint16 tiff": 30.0}))
    assert names(choose_storage(fused, store, HOW)) == []


def test_masks_that_fit_beside_frames_that_are_read_where_they_lie_are_stored(plan: Plan, store: Store) -> None:
    copied, masked = survey(plan, store, HOW).stages[0].bytes_in_all, without_storing(plan, _keys(plan, MaskJob))
    resources = replace(HOW, disk=needs(masked, store) - copied // 2)
    assert names(choose_storage(plan, store, resources)) == ["read frames", "mask wavelet", "mask blur"]
    assert "merge masks" in names(choose_storage(plan, store, replace(resources, ingest="always")))


def _keys(plan: Plan, kind: type) -> set[str]:
    """Keys of the stages of a kind."""
    return {stage.key for stage in plan.stages if isinstance(stage.job, kind)}


def test_keep_forces_the_choice(plan: Plan, store: Store, free: Callable[[int], None]) -> None:
    free(0)
    assert names(choose_storage(plan, store, replace(HOW, keep="all"))) == []
    free(1 << 50)
    stages = ["mask wavelet", "mask blur", "merge masks", "montage"]
    assert names(choose_storage(plan, store, replace(HOW, keep="source"))) == stages


def test_parts_of_a_run_agree_whatever_is_free(plan: Plan, store: Store, free: Callable[[int], None]) -> None:
    free(0)
    assert names(choose_storage(plan, store, replace(HOW, part=Part(1, 2)))) == []


def test_a_disk_that_holds_too_little_is_refused_with_what_the_run_needs(plan: Plan, store: Store) -> None:
    resources = replace(HOW, disk=1_000_000)
    with pytest.raises(Refusal, match=r"needs .* of disk, allowed is 1 MB \(--disk\)$"):
        check_disk(survey(choose_storage(plan, store, resources), store, resources), store, (store.folder.parent, 0))


def test_frames_are_read_where_they_lie_when_nothing_else_fits(plan: Plan, store: Store) -> None:
    source = survey(plan, store, HOW).stages[0].bytes_in_all
    resources = replace(HOW, disk=source // 2)
    choice = choose_storage(plan, store, resources)
    assert names(choice)[0] == "read frames"
    assert names(choose_storage(plan, store, replace(resources, ingest="always")))[0] == "mask wavelet"


def test_frames_that_cannot_be_read_in_parts_are_refused_by_name(store: Store) -> None:
    compressed = make_plan(recipe_of("--wavelet"), imagined(3, rows_per_segment=64))
    with pytest.raises(Refusal, match=r"s000.tif cannot be read in parts; allowed for uncompressed TIFFs and Zarr"):
        choose_storage(compressed, store, replace(HOW, ingest="never"))
