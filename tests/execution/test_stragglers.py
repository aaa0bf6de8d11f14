"""A worker of a killed run that wakes up in the middle of a new one changes nothing, or it shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stacks import frames, recipe_of, result, run, stack_of

from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.compute_block import compute_block
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import lay_out
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.stages.array_layout import Layout
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store

OPTIONS = "--wavelet --maskwave=p100 --cutwave=p50"
OLD = Resources(memory=2 << 30, workers=2, tile=64)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return make_plan(recipe_of(OPTIONS), stack_of(tmp_path / "in", frames(3)))


@pytest.fixture
def store(plan: Plan, tmp_path: Path) -> Store:
    """The store of a new run, in tiles of 100, which is complete."""
    store = Store(str(tmp_path / "store"))
    run(plan, store)
    return store


def layouts(plan: Plan) -> list[tuple[Stage, Layout]]:
    """How an earlier run had laid out the stages that write arrays."""
    computed = [stage for stage in plan.stages if stage.outputs and stage.name != "read frames"]
    return [(stage, lay_out(stage, OLD).layout) for stage in computed]


def content(store: Store) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in store.folder.rglob("c/**/*") if path.is_file()}


def test_no_block_of_an_earlier_layout_is_written(plan: Plan, store: Store) -> None:
    before = content(store)
    for stage, layout in layouts(plan):
        for block in list(stage.blocks(layout))[::3]:
            with pytest.raises(Refusal, match="laid out"):
                compute_block(store.root, stage.job.for_block(block), block, str(layout.to_list()))
            with pytest.raises(Refusal, match="laid out"):
                compute_block(store.root, stage.job.for_block(block), block)
    assert content(store) == before


def test_a_block_of_the_same_layout_is_written_with_the_same_bytes(plan: Plan, store: Store) -> None:
    before = content(store)
    for stage, _ in layouts(plan):
        layout = Layout.of(store.journal(stage.key).layout())
        assert layout is not None
        block = next(stage.blocks(layout))
        compute_block(store.root, stage.job.for_block(block), block, str(layout.to_list()))
    assert content(store) == before


def test_what_is_written_past_every_check_is_computed_again_by_who_reads_it(
    plan: Plan, store: Store, tmp_path: Path
) -> None:
    """As a worker would that had passed the check of its layout before the new run began."""
    right = result(plan, store)
    for stage, _ in layouts(plan):
        for output in stage.outputs:
            array = store.arrays.open(output.path)
            first = [(0, min(pair)) for pair in zip(array.chunks, array.shape, strict=True)]
            array.write(first, np.full([stop for _, stop in first], 1, array.dtype))
    final = plan.result
    store.journal(final.key).forget()
    reports = run(plan, store)
    assert np.array_equal(result(plan, store), right)
    assert {report.name for report in reports if report.computed} >= {"montage", final.name}


def test_every_chunk_of_a_run_is_recorded(plan: Plan, store: Store) -> None:
    for stage in plan.stages:
        lines = store.journal(stage.key).completed_blocks().values()
        for output in stage.outputs:
            chunks = sum(len(line["crc"][output.path][1]) // 8 for line in lines)
            files = [path for path in (store.folder / output.path / "c").rglob("*") if path.is_file()]
            assert chunks == len(files), stage.name
