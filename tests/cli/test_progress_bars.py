"""What a run shows while it goes on; time spent on compiling kernels is no ground for an estimate."""

from __future__ import annotations

import pytest
from stacks import imagined, recipe_of

from imfuse_tiles.cli import progress_bars
from imfuse_tiles.cli.progress_bars import Lines, terminal_progress
from imfuse_tiles.execution.progress import BlockTiming
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.stages.stage import Stage

STAGE: Stage = make_plan(recipe_of("--blur"), imagined(3)).stages[0]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the display sees, in seconds, to be set by the test."""
    now = [0.0]
    monkeypatch.setattr(progress_bars.time, "monotonic", lambda: now[0])
    return now


def took(seconds: float, compiled: float, worker: str = "a") -> BlockTiming:
    return BlockTiming("b", worker, 0.0, seconds, 0, 0, compiled)


def test_seconds_of_compiling_are_left_out_of_the_estimate(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Lines()
    lines.stage(STAGE, 10, 0)
    clock[0] = 12.0
    lines.took(STAGE, took(12.0, compiled=10.0))
    lines.block(STAGE)
    assert f"{STAGE.name}: 1 of 10 blocks, 18 s left" in capsys.readouterr().err


def test_workers_that_compiled_side_by_side_count_once(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.stage(STAGE, 10, 0)
    clock[0] = 9.0
    for worker in ("a", "b"):
        lines.took(STAGE, took(9.0, compiled=8.0, worker=worker))
        clock[0] = 12.0 if worker == "a" else 13.0
        lines.block(STAGE)
    assert "1 of 10 blocks, 36 s left" in capsys.readouterr().err


def test_nothing_is_shown_where_quiet_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal_progress(quiet=True) as progress:
        progress.stage(STAGE, 10, 0)
        progress.took(STAGE, took(2.0, compiled=1.0))
        progress.block(STAGE)
        progress.finished(STAGE)
    assert capsys.readouterr().err == ""


def test_one_block_is_not_many(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.stage(STAGE, 1, 0)
    lines.block(STAGE)
    lines.finished(STAGE)
    assert f"{STAGE.name}: 1 block, " in capsys.readouterr().err
