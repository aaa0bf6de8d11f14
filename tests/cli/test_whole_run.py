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


#: Seconds that stages took on a machine with two cores, and what had been reckoned: reading, then the others. Second
#: runs of 8 x 12 megapixels on a busy machine (chain A, the preset workflow-blur, fusion by local energy), then runs
#: of 8 x 7 megapixels by what is typical (as ``python -m benchmarks time-left`` has them).
RUNS = {
    "A": ([7.11, 3.64, 4.55, 0.16, 6.49, 3.97, 2.12], [5.27, 2.11, 2.43, 0.11, 5.66, 5.05, 2.38]),
    "blur": ([5.82, 7.59, 8.02, 9.71, 3.29, 10.13, 4.86, 0.75], [4.81, 6.08, 6.62, 7.79, 4.61, 7.72, 4.96, 0.82]),
    "auto": ([3.5, 1.72, 13.76, 4.04, 1.39, 0.43, 0.8, 1.08, 0.8],
             [4.24, 1.76, 9.05, 2.8, 0.71, 0.37, 0.7, 1.36, 0.97]),
    "A, first": ([0.2, 0.39, 0.02, 0.31, 0.39, 0.26], [0.18, 0.42, 0.07, 0.32, 0.37, 0.22]),
    "blur, first": ([0.29, 0.55, 0.03, 0.67, 0.02, 1.07, 0.01, 0.3, 0.02, 1.17, 0.52, 0.24],
                    [0.18, 0.55, 0.07, 0.56, 0.07, 0.56, 0.07, 0.27, 0.07, 0.74, 0.38, 0.08]),
    "auto, first": ([0.19, 0.1, 1.23, 0.24, 0.07, 0.02, 0.06, 0.19], [0.18, 0.13, 0.82, 0.26, 0.07, 0.04, 0.1, 0.07]),
    "auto, moved JPEG, first": ([5.24, 0.16, 1.04, 0.27, 0.06, 0.11, 0.23],
                                [4.79, 0.12, 0.79, 0.25, 0.07, 0.1, 0.07]),
    "A, source kept": ([0.21, 0.37, 0.33, 0.5, 1.47], [0.14, 0.34, 0.3, 0.5, 1.13]),
}  # fmt: skip


@pytest.mark.parametrize(("took", "reckoned"), RUNS.values(), ids=RUNS)
def test_a_tenth_of_a_run_tells_its_time_within_30_percent(took: list[float], reckoned: list[float]) -> None:
    now, stages = [0.0], [replace(STAGES[0], key=str(number)) for number in range(len(took))]
    seconds = {stage.key: value for stage, value in zip(stages, reckoned, strict=True)}
    whole = WholeRun(stages, 8, lambda: now[0], seconds=seconds)
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


def test_what_came_before_and_comes_after_the_stages_counts() -> None:
    now = [100.0]
    whole = WholeRun(STAGES[:1], 5, lambda: now[0], workers=1, seconds={STAGES[0].key: 8.0}, before=3.0, after=2.0)
    whole.begin(STAGES[0], 4, 0)
    assert (whole.elapsed, whole.left) == (3.0, 10.0)
    for _ in range(4):
        now[0] += 4.0
        whole.block()
    assert whole.elapsed == 19.0
    assert 2.0 < (whole.left or 0) <= 4.0  # everything takes twice as long as was reckoned
