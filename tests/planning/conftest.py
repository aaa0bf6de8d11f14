"""What tests of planning share: a stack, the plan of many stages, and what a run makes of it that keeps everything."""

from __future__ import annotations

import pytest
from lean_runs import FULL, OPTIONS, Counting, run
from stacks import frames, recipe_of, stack_of

from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.storage.store import Store


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return stack_of(tmp_path_factory.mktemp("in"), frames(3, shape=(130, 110)))


@pytest.fixture(scope="module")
def plan(stack: Stack) -> Plan:
    return make_plan(recipe_of(OPTIONS), stack)


@pytest.fixture(scope="module")
def full(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, int]:
    """The file of a run that keeps everything, and how many blocks it computed."""
    folder, counted = tmp_path_factory.mktemp("full"), Counting()
    run(plan, Store(str(folder / "store")), FULL, counted)
    return (folder / "store.tif").read_bytes(), sum(counted.blocks.values())
