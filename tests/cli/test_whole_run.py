"""The time that a whole run will take is estimated from what it took so far, stage by stage."""

from __future__ import annotations

import pytest
from stacks import imagined, recipe_of

from imfuse_tiles.cli.whole_run import WholeRun, duration
from imfuse_tiles.planning.plan import make_plan

STAGES = make_plan(recipe_of("--blur --cutblur"), imagined(5)).stages


def test_a_run_that_takes_what_is_expected_is_estimated_right() -> None:
    now = [0.0]
    whole = WholeRun(STAGES, 5, lambda: now[0])
    seconds = {stage.key: whole.cost(stage) * 1e-6 for stage in STAGES}
    total = sum(seconds.values())
    assert whole.left is None
    for number, stage in enumerate(STAGES, 1):
        whole.begin(stage, 10, 0)
        assert whole.place == f"stage {number} of {len(STAGES)}"
        for _ in range(10):
            now[0] += seconds[stage.key] / 10
            whole.block()
            assert whole.left == pytest.approx(total - now[0], abs=1e-6)
    assert whole.spent == pytest.approx(whole.total)


def test_what_is_reused_and_what_is_compiled_tell_nothing_of_the_rest() -> None:
    now = [0.0]
    whole = WholeRun(STAGES[:1], 5, lambda: now[0])
    whole.begin(STAGES[0], 10, 6)
    now[0] = 12.0
    whole.leave_out(10.0)
    whole.block()
    whole.block()
    assert whole.left == pytest.approx(2.0)


def test_blocks_beside_one_that_is_finished_are_half_done() -> None:
    now = [0.0]
    whole = WholeRun(STAGES[:1], 5, lambda: now[0], workers=2)
    whole.begin(STAGES[0], 4, 0)
    estimates = []
    for seconds in (10, 10.1, 20, 20.1):  # two at a time, which take 20 seconds in all
        now[0] = seconds
        whole.block()
        estimates.append(now[0] + (whole.left or 0))
    assert estimates == pytest.approx([26.7, 16.2, 22.9, 20.1], abs=0.1)


def test_a_stage_that_was_not_expected_counts_from_when_it_begins() -> None:
    whole = WholeRun([], 5)
    whole.begin(STAGES[0], 2, 0)
    whole.begin(STAGES[1], 2, 0)
    assert whole.place == "stage 2 of 2"


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (185, "3:05 min"), (7801, "2:10 h")])
def test_times_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
