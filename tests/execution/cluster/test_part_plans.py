"""Parts of different plans see each other and refuse at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from program import pressed
from stacks import frames, recipe_of, stack_of

from imfuse_tiles.cli.main import main
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.part_plans import announce_part, is_part_running, plan_digest
from imfuse_tiles.options.resources import Part
from imfuse_tiles.planning.plan import Plan, make_plan
from imfuse_tiles.storage.store import Store


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return make_plan(recipe_of("--wavelet"), stack_of(tmp_path / "in", frames(2, shape=(60, 50))))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "store"))
    store.create()
    return store


def others(plan: Plan, tmp_path: Path) -> dict[str, Plan]:
    return {
        "options": make_plan(recipe_of("--wavelet=p7"), plan.stack),
        "images": make_plan(recipe_of("--wavelet"), stack_of(tmp_path / "other", frames(3, shape=(60, 50)))),
    }


@pytest.mark.parametrize("what", ["options", "images"])
def test_a_part_of_another_plan_is_refused(plan: Plan, store: Store, tmp_path: Path, what: str) -> None:
    other = others(plan, tmp_path)[what]
    with store.locked("part-1-of-2"), store.locked("part-2-of-2"):
        announce_part(plan, Part(1, 2), store)
        began = time.monotonic()
        with pytest.raises(Refusal, match=r"part 1 of 2 is at work on other .* \(--wavelet=p5"):
            announce_part(other, Part(2, 2), store)
        assert time.monotonic() - began < pressed(5)
        assert not is_part_running(store, Part(2, 2), plan_digest(plan, Part(1, 2)))


def test_parts_of_another_number_are_refused(plan: Plan, store: Store) -> None:
    with store.locked("part-1-of-2"), store.locked("part-2-of-3"):
        announce_part(plan, Part(1, 2), store)
        with pytest.raises(Refusal, match="part 1 of 2 is at work on other"):
            announce_part(plan, Part(2, 3), store)


def test_parts_of_the_same_plan_run_together(plan: Plan, store: Store) -> None:
    with store.locked("part-1-of-2"), store.locked("part-2-of-2"):
        announce_part(plan, Part(1, 2), store)
        announce_part(plan, Part(2, 2), store)
        assert is_part_running(store, Part(2, 2), plan_digest(plan, Part(1, 2)))
    assert not is_part_running(store, Part(2, 2), plan_digest(plan, Part(1, 2)))


def test_a_part_that_ended_is_nobody_s_concern(plan: Plan, store: Store, tmp_path: Path) -> None:
    with store.locked("part-1-of-2"):
        announce_part(plan, Part(1, 2), store)
    with store.locked("part-2-of-2"):
        announce_part(others(plan, tmp_path)["options"], Part(2, 2), store)


def test_the_program_refuses(plan: Plan, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with store.locked("part-1-of-2"):
        announce_part(plan, Part(1, 2), store)
        words = ["fuse", "--wavelet=p7", "--part", "2/2", "--store", store.root, "-o", str(tmp_path / "r.tif")]
        assert main([*words, *map(str, sorted((tmp_path / "in").iterdir()))]) == 2
    assert "all parts of a run need the same" in capsys.readouterr().err
