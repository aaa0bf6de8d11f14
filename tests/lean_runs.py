"""Runs that delete what no stage to come reads, and runs that end in the middle of that."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from imfuse_tiles.execution.export_request import ExportRequest
from imfuse_tiles.execution.pipeline import run_plan
from imfuse_tiles.execution.progress import Progress
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store

OPTIONS = "--blur=s1 --wavelet --maskblur=s1 --cutblur=s1 --finalgamma=auto --bg=max"
#: How a run keeps everything, and how it does not.
FULL = Resources(memory=2 << 30, workers=1, tile=64, scheduler="sync")
LEAN = replace(FULL, lean=True)


def run(plan: Plan, store: Store, how: Resources = LEAN, progress: Progress | None = None, again: str | None = None
        ) -> bytes:  # fmt: skip
    """A run as the program starts it; the bytes of its file."""
    place = store.folder.with_suffix(".tif")
    run_plan(plan, store, how, ExportRequest(place, force=True), progress, again=again)
    return place.read_bytes()


def there(plan: Plan, store: Store) -> set[str]:
    """The names of the stages that are complete."""
    return {stage.name for stage in plan.stages if store.numbers.load(stage.key) is not None}


def arrays(store: Store) -> set[str]:
    """The arrays of which there is anything."""
    return {f"{path.parent.name}/{path.name}" for path in store.folder.glob("*/*") if path.is_dir()}


def exported(plan: Plan) -> set[str]:
    """The arrays of the images and of the result."""
    return {plan.stages[0].outputs[0].path, plan.result.outputs[0].path}


class Counting(Progress):
    """Counts the blocks of each stage."""

    def __init__(self) -> None:
        self.blocks: Counter[str] = Counter()

    def block(self, stage: Stage) -> None:
        self.blocks[stage.name] += 1


class Killed(BaseException):
    """What nobody expects."""


class Ends(Counting):
    """Ends a run after so many blocks, or when so many stages are complete."""

    def __init__(self, blocks: int = 0, stages: int = 0) -> None:
        super().__init__()
        self.left, self.stages = blocks, stages

    def block(self, stage: Stage) -> None:
        super().block(stage)
        self.left -= 1
        if self.left == 0:
            raise Killed

    def finished(self, stage: Stage) -> None:
        self.stages -= 1
        if self.stages == 0:
            raise Killed
