"""What tests of stores share: an empty one, and one of a finished run."""

from __future__ import annotations

from pathlib import Path

import pytest
from stacks import frames, recipe_of, run, stack_of

from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "store"))
    store.create()
    return store


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return make_plan(recipe_of("--wavelet --cutwave"), stack_of(tmp_path / "in", frames(2, shape=(90, 80))))


@pytest.fixture
def finished(plan: Plan, tmp_path: Path) -> Store:
    """The store of a run of ``plan`` that has ended."""
    store = Store(str(tmp_path / "store"))
    run(plan, store)
    return store
