"""What tests of runs share: a plan of three frames in nine blocks a stage, and its undisturbed result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from aligned_runs import SIZE
from runs import OPTIONS
from stacks import frames, recipe_of, result, run, stack_of

from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.simulation import render
from imfuse_tiles.storage.store import Store


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return stack_of(tmp_path_factory.mktemp("stack"), frames(3, shape=(250, 230)))


@pytest.fixture
def plan(stack: Stack) -> Plan:
    return make_plan(recipe_of(OPTIONS), stack)


@pytest.fixture(scope="module")
def expected(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The result of a run that nothing disturbs."""
    plan, store = make_plan(recipe_of(OPTIONS), stack), Store(str(tmp_path_factory.mktemp("calm") / "store"))
    run(plan, store)
    return result(plan, store)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight frames that do not lie over each other."""
    return render(tmp_path_factory.mktemp("moved"), *SIZE, 8, 3, misalign=True)
