"""Runs of tests: options of a mask, its filter and a cut, a run that is stopped, and what a run computed."""

from __future__ import annotations

from imfuse_tiles.execution.progress import Progress, StageReport
from imfuse_tiles.execution.signals import Halt
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.stage import Stage

OPTIONS = "--wavelet --maskwave --cutwave"


def computed(reports: list[StageReport]) -> dict[str, int]:
    """How many blocks a run computed, of the stages of which it computed any."""
    return {report.name: report.computed for report in reports if report.computed}


def path_of(plan: Plan, name: str) -> str:
    """The first array that a stage writes."""
    return next(stage for stage in plan.stages if stage.name == name).outputs[0].path


class StopAfter(Progress):
    """Asks the run to end after so many blocks."""

    def __init__(self, blocks: int, halt: Halt) -> None:
        self.left, self.halt = blocks, halt

    def block(self, stage: Stage) -> None:
        self.left -= 1
        if self.left == 0:
            self.halt.number = 15
