"""A lean run makes the same bytes, keeps what is needed and no more, and goes on wherever it was ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lean_runs import FULL, LEAN, Counting, Ends, Killed, arrays, exported, run, there
from stacks import recipe_of

from imfuse_tiles.execution.pipeline import plan_of
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.planning.resume import read_record, recorded_blocks
from imfuse_tiles.storage.folder_files import FolderFiles
from imfuse_tiles.storage.store import Store, delete_stage

#: What a lean run leaves: the images, numbers without arrays, the result.
LEFT = {"read frames", "normalise blur mask", "normalise wavelet mask", "measure finalgamma", "write result"}


# What is there in the end


def test_a_lean_run_makes_the_same_bytes_and_keeps_images_numbers_and_result(
    plan: Plan, store: Store, full: tuple[bytes, int]
) -> None:
    counted = Counting()
    assert run(plan, store, LEAN, counted) == full[0]
    assert sum(counted.blocks.values()) == full[1]
    assert there(plan, store) == LEFT
    assert arrays(store) - {"journal", "numbers"} == exported(plan)


def test_a_second_lean_run_computes_nothing(plan: Plan, store: Store, full: tuple[bytes, int]) -> None:
    run(plan, store)
    counted = Counting()
    assert run(plan, store, LEAN, counted) == full[0]
    assert counted.blocks == {}


def test_a_result_that_has_its_maps_serves_without_them_though_its_montage_is_gone(
    plan: Plan, store: Store, stack: Stack
) -> None:
    run(plan, store)
    assert plan_of(plan.recipe, stack, store, LEAN, extra=False) == plan


def test_layers_that_are_exported_stay(stack: Stack, store: Store) -> None:
    plan = make_plan(replace(recipe_of("--wavelet --substacks=n1 --finalblur=s1 --bg=max"), layered=True), stack)
    run(plan, store)
    kept = {stage.outputs[0].path for stage in plan.stages if stage.key in plan.wanted}
    assert len(kept) == 4
    assert arrays(store) == kept | exported(plan)


def test_what_was_complete_before_is_kept_and_what_was_half_done_is_not(
    plan: Plan, store: Store, full: tuple[bytes, int]
) -> None:
    names = [stage.name for stage in plan.stages]
    with pytest.raises(Killed):  # in the midst of the second mask
        run(plan, store, FULL, Ends(blocks=(names.index("mask wavelet")) * 6 + 2))
    before = there(plan, store)
    assert "mask blur" in before
    assert "mask wavelet" not in before
    assert run(plan, store) == full[0]
    assert there(plan, store) == LEFT | before


def test_a_full_run_keeps_what_a_lean_one_left_unfinished(plan: Plan, store: Store, full: tuple[bytes, int]) -> None:
    with pytest.raises(Killed):
        run(plan, store, LEAN, Ends(stages=4))
    assert run(plan, store, FULL) == full[0]
    assert there(plan, store) == {stage.name for stage in plan.stages}
    assert run(plan, store) == full[0]
    assert there(plan, store) == {stage.name for stage in plan.stages}, "made to be kept"


def test_computing_anew_from_a_step_on_makes_what_went_again(plan: Plan, store: Store, full: tuple[bytes, int]) -> None:
    run(plan, store)
    for again in ("focus", "mask"):
        assert run(plan, store, again=again) == full[0]
        assert arrays(store) == exported(plan)


# Going on


@pytest.mark.parametrize("stages", range(1, 11))
def test_a_run_that_ended_after_any_stage_computes_no_block_twice(
    plan: Plan, store: Store, full: tuple[bytes, int], stages: int
) -> None:
    assert len(plan.stages) == 10
    first, second = Ends(stages=stages), Counting()
    with pytest.raises(Killed):
        run(plan, store, LEAN, first)
    assert run(plan, store, LEAN, second) == full[0]
    assert first.blocks + second.blocks == Counter(dict.fromkeys(first.blocks | second.blocks, 6)) | Counter(
        {"read frames": 9}
    )
    assert sum((first.blocks + second.blocks).values()) == full[1]
    assert arrays(store) == exported(plan)


@pytest.mark.parametrize("blocks", [5, 20, 41, 60])
def test_a_run_that_ended_after_any_block_computes_no_block_twice(
    plan: Plan, store: Store, full: tuple[bytes, int], blocks: int
) -> None:
    with pytest.raises(Killed):
        run(plan, store, LEAN, Ends(blocks=blocks))
    second = Counting()
    assert run(plan, store, LEAN, second) == full[0]
    assert blocks + sum(second.blocks.values()) == full[1]
    assert arrays(store) == exported(plan)


@pytest.mark.parametrize("step", [*range(5), 9, 17])
def test_a_run_that_ended_between_two_deletions_leaves_nothing_that_looks_finished(
    plan: Plan, store: Store, full: tuple[bytes, int], step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Counting(), Counting()
    with monkeypatch.context() as patched:
        ended_at(patched, step)
        with pytest.raises(Killed):
            run(plan, store, LEAN, first)
    assert [
        stage.name
        for stage in plan.stages
        if store.numbers.load(stage.key) and not recorded_blocks(store, stage, read_record(store, stage))[1]
    ] == []
    assert run(plan, store, LEAN, second) == full[0]
    assert sum((first.blocks + second.blocks).values()) == full[1]
    assert arrays(store) == exported(plan)


def ended_at(patched: pytest.MonkeyPatch, step: int) -> None:
    """End a run at its so-manieth step of dropping stages; of a folder then only the first file is gone."""
    delete, dropping, steps = FolderFiles.delete, list[str](), iter(range(step, -1, -1))

    def delete_noted(store: Store, key: str, paths: Any) -> None:
        dropping.append(key)
        delete_stage(store, key, paths)
        dropping.pop()

    def deleted(self: FolderFiles, name: str) -> None:
        if dropping and not next(steps):
            for file in sorted(Path(self.root, name).rglob("*"))[-1:]:
                file.unlink()
            raise Killed
        delete(self, name)

    patched.setattr("imfuse_tiles.execution.run.delete_stage", delete_noted)
    patched.setattr(FolderFiles, "delete", deleted)
