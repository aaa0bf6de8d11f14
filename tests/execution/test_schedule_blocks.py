"""Blocks are computed as many at once as the memory allows, few are submitted ahead, and those that fail are named."""

from __future__ import annotations

import errno
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from runs import computed
from stacks import result, run

from imfuse_tiles.errors import BlockFailed, Incomplete, Refusal
from imfuse_tiles.execution import schedule_blocks
from imfuse_tiles.execution.pools import ThreadPool
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.execution.run import Run
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import lay_out
from imfuse_tiles.planning.memory import PROGRAM_BYTES
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.work_plan import survey
from imfuse_tiles.stages.array_layout import Block
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.chunked_array import ChunkedArray
from imfuse_tiles.storage.store import Store


def failing(when: Callable[[str, Block], bool], error: BaseException) -> Callable[..., dict[str, Any]]:
    """A way to compute blocks that raises for some."""
    real = schedule_blocks.compute_block

    def compute(root: str, job: Any, block: Block, *context: str) -> dict[str, Any]:
        if when(type(job).__name__, block):
            raise error
        return real(root, job, block, *context)

    return compute


def test_a_block_that_fails_is_named_and_all_others_are_kept(
    plan: Plan, store: Store, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = failing(lambda job, block: job == "MergeJob" and block.name == "0/100/100", ZeroDivisionError("oops"))
    with monkeypatch.context() as patch:
        patch.setattr(schedule_blocks, "compute_block", bad)
        with pytest.raises(BlockFailed, match=r"block 0/100/100 of stage merge masks failed: ZeroDivisionError: oops"):
            run(plan, store)
    merge = next(stage for stage in plan.stages if stage.name == "merge masks")
    assert "0/100/100" not in store.journal(merge.key).completed_blocks()
    assert computed(run(plan, store)) == {"merge masks": 1, "montage": 9, "write result": 9}
    assert np.array_equal(result(plan, store), expected)


def test_of_several_blocks_that_fail_the_first_is_named_and_the_others_counted(
    plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = failing(lambda job, block: job == "MergeJob" and block.region.y0 == 100, ZeroDivisionError("oops"))
    monkeypatch.setattr(schedule_blocks, "compute_block", bad)
    said = r"block 0/100/0 of stage merge masks failed: ZeroDivisionError: oops; 2 more failed like it, all others are"
    with pytest.raises(BlockFailed, match=said):
        run(plan, store, scheduler="sync")
    merge = next(stage for stage in plan.stages if stage.name == "merge masks")
    assert len(store.journal(merge.key).completed_blocks()) == 6


def test_a_stage_whose_every_block_fails_is_given_up_soon(
    plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    bad = failing(lambda job, block: job == "MergeJob" and not tried.append(block.name), ZeroDivisionError("oops"))
    monkeypatch.setattr(schedule_blocks, "compute_block", bad)
    with pytest.raises(BlockFailed, match=r"9 more failed like it, the blocks behind them were not tried"):
        run(plan, store, tile=50, scheduler="sync")
    assert len(tried) == schedule_blocks.MOST_FAILURES


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_ends_the_run_clearly_and_the_next_goes_on(
    plan: Plan, store: Store, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    writes = Counter[str]()
    real = ChunkedArray.write

    def full(self: ChunkedArray, box: Any, *what: Any) -> Any:
        writes[self.path] += 1
        if self.path.startswith("montage/") and writes[self.path] == 3:
            raise OSError(number, "disk full")
        return real(self, box, *what)

    with monkeypatch.context() as patch:
        patch.setattr(ChunkedArray, "write", full)
        with pytest.raises(Incomplete, match=r"disk is full: stage montage .* free") as caught:
            run(plan, store, workers=1)
    assert caught.value.code == 4
    # A block was waiting behind the one that failed, and may have been begun.
    assert computed(run(plan, store)) in ({"montage": 7, "write result": 9}, {"montage": 6, "write result": 9})
    assert np.array_equal(result(plan, store), expected)


def test_a_refusal_of_a_block_is_passed_on_as_it_is(plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        schedule_blocks, "compute_block", failing(lambda job, _: job == "IngestJob", Refusal("s00.tif: damaged"))
    )
    with pytest.raises(Refusal, match=r"^s00\.tif: damaged$"):
        run(plan, store)


@pytest.mark.parametrize(("workers", "room"), [(4, 1), (4, 2), (4, 4), (2, 9)])
def test_no_more_blocks_are_computed_at_once_than_the_memory_allows(
    plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch, workers: int, room: int
) -> None:
    needs = {stage.name: lay_out(stage, Resources(8 << 30, 1, 100)).block_bytes for stage in plan.stages}
    memory = PROGRAM_BYTES + room * max(needs.values()) + 1000
    allowed = {stage.key: lay_out(stage, Resources(memory, workers, 100)).at_once for stage in plan.stages}
    assert min(allowed.values()) == min(workers, room)
    busy, most, lock = Counter[str](), Counter[str](), threading.Lock()
    real = schedule_blocks.compute_block

    def counted(root: str, job: Any, block: Block, *context: str) -> dict[str, Any]:
        name = type(job).__name__
        with lock:
            busy[name] += 1
            most[name] = max(most[name], busy[name])
        try:
            return real(root, job, block, *context)
        finally:
            with lock:
                busy[name] -= 1

    monkeypatch.setattr(schedule_blocks, "compute_block", counted)
    run(plan, store, memory=memory, workers=workers)
    for stage in plan.stages:
        assert most[type(stage.job).__name__] <= allowed[stage.key], stage.name


def test_few_blocks_are_submitted_ahead(plan: Plan, store: Store) -> None:
    """The graph of a huge frame is never in memory as a whole."""
    waiting: list[int] = []

    class Watched(ThreadPool):
        flying = 0

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            self.flying += 1
            waiting.append(self.flying)
            return super().submit(fn, *args, **kwargs)

    pool = Watched(2)

    class Told(Progress):
        def block(self, stage: Stage) -> None:
            pool.flying -= 1

    store.create()
    Run(survey(plan, store, Resources(2 << 30, 2, 32)), store, Told()).execute(lambda: pool)
    assert len(waiting) > 200
    assert max(waiting) <= 4
