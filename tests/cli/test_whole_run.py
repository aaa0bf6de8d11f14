"""The time that a whole run will take is estimated from what it took so far, stage by stage."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stacks import imagined, recipe_of

from imfuse_tiles.cli.whole_run import WholeRun, duration
from imfuse_tiles.planning.plan import make_plan

STAGES = make_plan(recipe_of("--blur --cutblur"), imagined(5)).stages


def test_a_run_that_takes_what_is_expected_is_estimated_right() -> None:
    now = [0.0]
    whole = WholeRun(STAGES, 5, lambda: now[0])
    seconds = {stage.key: whole.cost(stage) * 1e3 for stage in STAGES}
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


#: Seconds that stages of 8 x 12 megapixels took in a first and in a second run on a busy machine with two cores, and
#: what had been reckoned: reading, then the others (chain A, the preset workflow-blur, fusion by local energy).
RUNS = {
    "A, first": ([3.68, 1.41, 2.73, 0.09, 3.45, 5.29, 2.65], [1.13, 0.34, 1.04, 0.13, 0.98, 2.0, 0.9], False),
    "A": ([7.11, 3.64, 4.55, 0.16, 6.49, 3.97, 2.12], [5.27, 2.11, 2.43, 0.11, 5.66, 5.05, 2.38], True),
    "blur, first": ([3.53, 5.26, 5.87, 6.19, 4.09, 8.68, 5.19, 0.8], [1.13, 1.16, 1.17, 1.17, 1.16, 1.33, 2.02, 0.8],
                    False),
    "blur": ([5.82, 7.59, 8.02, 9.71, 3.29, 10.13, 4.86, 0.75], [4.81, 6.08, 6.62, 7.79, 4.61, 7.72, 4.96, 0.82],
             True),
    "auto, first": ([3.65, 1.03, 7.72, 3.79, 0.72, 0.23, 0.62, 0.95, 1.0],
                    [1.13, 0.38, 3.24, 0.88, 0.22, 0.11, 0.11, 0.22, 0.8], False),
    "auto": ([3.5, 1.72, 13.76, 4.04, 1.39, 0.43, 0.8, 1.08, 0.8], [4.24, 1.76, 9.05, 2.8, 0.71, 0.37, 0.7, 1.36, 0.97],
             True),
}  # fmt: skip


@pytest.mark.parametrize(("took", "reckoned", "known"), RUNS.values(), ids=RUNS)
def test_a_tenth_of_a_run_tells_its_time_within_30_percent(
    took: list[float], reckoned: list[float], known: bool
) -> None:
    now, stages = [0.0], [replace(STAGES[0], key=str(number)) for number in range(len(took))]
    seconds = {stage.key: value for stage, value in zip(stages, reckoned, strict=True)}
    whole = WholeRun(stages, 8, lambda: now[0], seconds=seconds, known=known)
    for stage, value in zip(stages, took, strict=True):
        whole.begin(stage, 20, 0)
        for _ in range(20):
            now[0] += value / 20
            whole.block()
            if now[0] >= 0.1 * sum(took):
                assert now[0] + (whole.left or 0) == pytest.approx(sum(took), rel=0.3)


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
