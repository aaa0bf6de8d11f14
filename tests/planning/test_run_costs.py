"""What a run is reckoned to cost in time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from stacks import imagined, recipe_of

from imfuse_tiles.execution.progress import StageReport
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.computed_stages import computable_stages, without_storing
from imfuse_tiles.planning.machine_rates import MachineRates, load_rates
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.run_costs import (
    FILE,
    file_seconds,
    note_stage,
    overlap,
    run_seconds,
    stage_seconds,
    worker_seconds,
)
from imfuse_tiles.planning.typical_rates import machine_slowness
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.level_detail import DetailJob, slice_reads
from imfuse_tiles.stages.masks import MaskJob
from imfuse_tiles.storage.store import Store

HOW = Resources(memory=2 << 30, workers=1)
PIXELS = 20 * 3000 * 4000


def plan() -> Plan:
    return make_plan(recipe_of("--wavelet --cutblur"), imagined(20, windows=True), maps=False)


def seconds(plan: Plan, rates: MachineRates, workers: int = 1) -> float:
    return run_seconds(survey(plan, Store(""), replace(HOW, workers=workers)), rates)


@pytest.mark.parametrize(("stage", "rate"), [(0, 5.0), (1, 2.0)], ids=["files are waited for", "others compute too"])
def test_a_kernel_is_as_fast_as_its_cores_though_others_had_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: int, rate: float
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    work = survey(plan(), Store(str(tmp_path / "store")), HOW).stages[stage]
    report = StageReport(work.stage.name, work.stage.key, work.stage.kind, 0, computed=work.block_count)
    report.busy, report.computing = 5 * PIXELS / 1e9, 2 * PIXELS / 1e9
    note_stage(work, report, tmp_path)
    assert load_rates(tmp_path).of(work.stage.job) == rate


def test_a_window_has_its_halo() -> None:
    assert overlap(1000, 0) == 1
    assert overlap(100, 50) == 4


def test_workers_share_the_time() -> None:
    assert seconds(plan(), MachineRates({}), 4) < 0.3 * seconds(plan(), MachineRates({}))


def test_a_slower_disk_costs_what_is_written_and_read() -> None:
    slower = seconds(plan(), MachineRates({}, write=3.0)) - seconds(plan(), MachineRates({}, write=2.0))
    written = survey(plan(), Store(""), HOW)
    assert abs(slower - sum(work.bytes_in_all for work in written.stages) / 1e9) < 1e-3


def test_a_file_costs_its_own_time_beside_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    work = survey(plan(), Store(str(tmp_path / "store")), HOW).stages[1]
    free = MachineRates({}, read=0.0, write=0.0)
    alone = worker_seconds(work, {}, free) - PIXELS * free.of(work.stage.job) / 1e9
    assert alone == pytest.approx(work.file_count * FILE / 1e9)
    report = StageReport(work.stage.name, work.stage.key, work.stage.kind, 0, computed=work.block_count)
    report.bytes_written, report.writing = work.bytes_in_all, alone + 2 * work.bytes_in_all / 1e9
    report.busy = report.computing = 1.0
    note_stage(work, report, tmp_path)
    assert load_rates(tmp_path).write == pytest.approx(2.0, abs=0.01)


def test_slices_that_do_not_stay_in_memory_are_read_by_every_pass() -> None:
    def reads(slices: int) -> list[float]:
        made = make_plan(recipe_of("--bg=pyramid"), imagined(slices), maps=False)
        return [slice_reads(stage.job) for stage in made.stages if isinstance(stage.job, DetailJob)]

    assert set(reads(12)) == {1.0}
    assert reads(60)[0] == pytest.approx((11 + 49 * 4) / 60)
    assert reads(60)[1] == pytest.approx((11 + 49 * 3) / 60)
    assert reads(60)[-1] == pytest.approx((11 + 49 * 2) / 60)


def test_masks_that_are_not_stored_cost_their_kernel_again_and_save_their_bytes() -> None:
    whole = plan()
    masks = [stage.key for stage in computable_stages(whole) if isinstance(stage.job, MaskJob)]
    less = without_storing(whole, masks)
    assert less.storing == whole
    kernel = MachineRates({}, read=0.0, write=0.0)
    again = (seconds(less, kernel) - seconds(whole, kernel)) / (PIXELS * kernel.of(whole.stages[1].job) / 1e9)
    assert 1 <= again < 1.3
    slow = MachineRates({}, read=5.0, write=10.0)
    assert seconds(less, slow) < seconds(whole, slow)


def test_a_stage_is_known_with_all_that_it_computes_as_it_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    whole, store = plan(), Store(str(tmp_path / "store"))
    lean = survey(without_storing(whole, {stage.key for stage in computable_stages(whole)}), store, HOW)
    before = stage_seconds(lean, store)
    took = 3 * sum(before.values())
    for work in lean.stages:
        report = StageReport(work.stage.name, work.stage.key, work.stage.kind, 0, computed=work.block_count)
        report.busy = report.computing = 3 * before[work.stage.key]
        note_stage(work, report, tmp_path)
    assert sum(stage_seconds(lean, store).values()) == pytest.approx(
        took, rel=0.2
    )  # bytes of the store are counted besides
    assert file_seconds([(".tif", 10**9)], store) == file_seconds([(".tif", 10**9 // 2)] * 2, store) > 0


def test_of_a_machine_of_which_nothing_is_known_its_speed_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert machine_slowness() == machine_slowness() > 0
    work, store, taken = survey(plan(), Store(str(tmp_path)), HOW), Store(str(tmp_path)), []
    for slowness in (1.0, 2.0, 3.0):
        monkeypatch.setattr("imfuse_tiles.planning.run_costs.machine_slowness", lambda slowness=slowness: slowness)
        taken.append(sum(stage_seconds(work, store).values()))
    assert taken[2] - taken[1] == pytest.approx(taken[1] - taken[0])
    assert taken[1] > 1.3 * taken[0]
