"""A run computes what is missing and nothing else, keeps what it finished, and heals what was damaged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import OPTIONS, StopAfter, computed, path_of
from stacks import imagined, recipe_of, result, run, whole

from imfuse_tiles.errors import Interrupted, Refusal
from imfuse_tiles.execution.fuse_stack import fuse_images
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.execution.run import Run
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "execution.compute_block",
    "execution.pipeline",
    "execution.progress",
    "execution.stage_run",
)


def test_a_first_run_computes_every_block_of_every_stage(plan: Plan, store: Store) -> None:
    reports = run(plan, store)
    assert [report.name for report in reports] == [stage.name for stage in plan.stages]
    for report in reports:
        assert report.computed == report.blocks > 0
        assert report.reused == 0
        assert report.bytes_read > 0
        assert (report.bytes_written > 0) == bool(report.kind != "reduce")
    assert {report.name: report.blocks for report in reports} == {
        "read frames": 9, "mask wavelet": 9, "normalise wavelet mask": 9, "merge masks": 9, "montage": 9,
        "write result": 9,
    }  # fmt: skip


def test_a_second_run_computes_nothing_and_opens_no_pool(plan: Plan, store: Store) -> None:
    run(plan, store)

    def pool() -> Any:
        raise AssertionError("a pool was opened")

    reports = Run(survey(plan, store, Resources(memory=2 << 30, workers=2)), store).execute(pool)
    assert computed(reports) == {}
    assert all(report.reused == report.blocks > 0 for report in reports)


def test_another_recipe_in_the_same_store_computes_only_what_is_new(plan: Plan, store: Store, stack: Stack) -> None:
    run(plan, store)
    other = make_plan(recipe_of("--wavelet=w60 --saturation=w25 --maskwave --cutwave"), stack)
    assert computed(run(other, store)).keys() == {"mask saturation", "merge masks", "montage", "write result"}
    assert computed(run(plan, store)) == {}


def test_a_run_in_other_tiles_goes_on_with_what_is_there(plan: Plan, store: Store, stack: Stack) -> None:
    run(plan, store, tile=100)
    other = make_plan(recipe_of("--wavelet --maskwave"), stack)
    again = {report.name: report for report in run(other, store, tile=64)}
    assert (again["mask wavelet"].computed, again["montage"].computed) == (0, 16)


def test_a_stage_that_only_finished_stages_need_is_not_made_again(plan: Plan, store: Store, stack: Stack) -> None:
    """The raw masks may be gone once the merged ones are there."""
    run(plan, store)
    for chunk in (store.folder / path_of(plan, "mask wavelet") / "c").rglob("*"):
        if chunk.is_file():
            chunk.unlink()
    assert computed(run(plan, store)) == {}
    late = make_plan(recipe_of("--wavelet --maskwave --cutwave=p60"), stack)
    assert computed(run(late, store)).keys() == {"montage", "write result"}


@pytest.mark.parametrize("blocks", [1, 10, 20, 30, 40, 48])
def test_a_stopped_run_goes_on_where_it_was(plan: Plan, store: Store, expected: np.ndarray, blocks: int) -> None:
    halt = Halt()
    store.create()
    resources = Resources(2 << 30, 2, 100)
    stopped = Run(survey(plan, store, resources), store, StopAfter(blocks, halt), halt)
    with pytest.raises(Interrupted) as caught:
        stopped.execute(lambda: open_pool(resources, store.root))
    assert caught.value.code == 128 + 15
    kept = sum(len(store.journal(stage.key).completed_blocks()) for stage in plan.stages)
    assert blocks <= kept < 54
    reports = run(plan, store)
    assert sum(computed(reports).values()) == 54 - kept
    assert sum(report.reused for report in reports) == kept
    assert np.array_equal(result(plan, store), expected)


def test_half_written_files_are_only_looked_for_where_another_process_may_have_left_some(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, searched = [header.path for header in stack.headers], list[set[str]]()

    def sweep(store: Store, paths: Iterable[str] = ()) -> None:
        searched.append({path.partition("/")[0] for path in paths})

    for module in ("run", "pipeline"):
        monkeypatch.setattr(f"imfuse_tiles.execution.{module}.sweep_store", sweep)

    def looks(store: str, options: str, scheduler: str = "threads") -> bool:
        """Whether a run looks through several stages once all are computed."""
        searched.clear()
        place = tmp_path / store
        fuse_images(images, recipe_of(options), tmp_path / "r.tif", store=place, scheduler=scheduler, force=True)
        return any({"montage", "final"} <= groups for groups in searched)

    assert not looks("new", OPTIONS)
    assert looks("new", f"{OPTIONS} --cutalpha")
    assert looks("beside", OPTIONS, "processes:2")


def test_progress_hears_of_every_stage_and_block_once(plan: Plan, store: Store) -> None:
    heard: list[tuple[str, str]] = []

    class Listener(Progress):
        def stage(self, stage: Stage, blocks: int, reused: int) -> None:
            heard.append(("begin", f"{stage.name} {blocks} {reused}"))

        def block(self, stage: Stage) -> None:
            heard.append(("block", stage.name))

        def finished(self, stage: Stage) -> None:
            heard.append(("end", stage.name))

    run(plan, store, Listener())
    counts = Counter(heard)
    for stage in plan.stages:
        assert counts["begin", f"{stage.name} 9 0"] == counts["end", stage.name] == 1
        assert counts["block", stage.name] == 9


def test_a_journal_line_tells_what_a_block_read_and_wrote(plan: Plan, store: Store) -> None:
    run(plan, store)
    mask = next(stage for stage in plan.stages if stage.name == "mask wavelet")
    lines = store.journal(mask.key).completed_blocks().values()
    assert all({"block", "low", "high", "read", "written"} <= line.keys() for line in lines)
    samples = whole(store, mask.outputs[0].path)
    assert min(line["low"] for line in lines) == samples.min()
    assert max(line["high"] for line in lines) == samples.max()
    numbers = store.numbers.load(mask.key)
    assert numbers == {"low": float(samples.min()), "high": float(samples.max()), "blocks": 9}


def test_a_run_of_files_that_are_gone_is_refused_by_name(store: Store) -> None:
    with pytest.raises(Refusal, match=r"s00[01]\.tif: no such file"):
        run(make_plan(recipe_of(OPTIONS), imagined(2, (100, 100))), store)
