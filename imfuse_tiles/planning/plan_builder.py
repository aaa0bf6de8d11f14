"""What the functions that plan stages share: the recipe, the stack, and the stages planned so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from imfuse_tiles.geometry import Frame
from imfuse_tiles.imageio.stack import FULL, Stack
from imfuse_tiles.options.general import PrepResize
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.stages.access import file_edge
from imfuse_tiles.stages.align import AlignJob
from imfuse_tiles.stages.array_layout import Output
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.measure_frames import FrameRangeJob, MeanImageJob
from imfuse_tiles.stages.prepare import PrepareJob
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.stages.step_chain import StepChain
from imfuse_tiles.stages.stored_frames import COVERAGE, StoredFrames


def reading_key(stack: Stack) -> str:
    """The key of the stage that reads the frames of a stack."""
    if stack.unprepared_size:
        return PrepareJob.key(stack.digest, MeanImageJob.versions(), FrameRangeJob.versions())
    return (AlignJob if stack.warps else IngestJob).key(stack.digest)


@dataclass(frozen=True)
class PlanBuilder:
    """Collects the stages of a recipe; a stage that is asked for twice is planned once.

    ``block_limit``: bytes that one block may take, None: as many as it likes. ``maps``: whether mask and depth maps
    are made, too. ``plan_picture``: plans the picture of all slices for a builder of another recipe; it comes from
    above, as masks may be compared to such a picture.
    """

    recipe: Recipe
    stack: Stack
    block_limit: int | None
    maps: bool
    plan_picture: Callable[[PlanBuilder], StepChain]
    stages: dict[str, Stage] = field(default_factory=dict)

    @property
    def frame(self) -> Frame:
        """Height and width of the frames."""
        return self.stack.frame

    @property
    def slices(self) -> int:
        """How many frames there are."""
        return len(self.stack)

    @property
    def stack_key(self) -> str:
        """The key of the stage that reads the frames."""
        return reading_key(self.stack)

    @property
    def source(self) -> StoredFrames:
        """The frames as they lie in the store."""
        stack, path = self.stack, f"source/{self.stack_key}"
        coverage = path + COVERAGE if stack.covered else ""
        return StoredFrames(path, stack.planes, stack.frame, FULL[stack.dtype], coverage=coverage)

    @property
    def mask_resize(self) -> PrepResize | None:
        """The option that has masks made at another size."""
        return self.recipe.single_option(PrepResize)

    @property
    def mask_resize_record(self) -> dict[str, Any] | None:
        """That option as it enters keys."""
        return self.mask_resize.record() if self.mask_resize else None

    @property
    def mask_frame(self) -> Frame:
        """Height and width of masks."""
        return self.mask_resize.size(self.frame) if self.mask_resize else self.frame

    @property
    def guiding(self) -> PlanBuilder:
        """A builder for the frames that masks are computed of, which adds its stages to the same plan."""
        return replace(self, stack=self.stack.guide) if self.stack.guide else self

    def for_recipe(self, recipe: Recipe, maps: bool) -> PlanBuilder:
        """A builder of another recipe for the same stack that adds its stages to the same plan."""
        return replace(self, recipe=recipe, maps=maps)

    def add(self, name: str, key: str, job: Job, *outputs: Output, **more: Any) -> Stage:
        """Put a stage at the end of the plan unless it is there already; the stage of this key."""
        about = {"stage": name, "options": str(self.recipe), **more.pop("about", {})}
        stage = Stage(name, key, job, more.pop("frame", self.frame), outputs, about=about, **more)
        return self.stages.setdefault(key, stage)

    def fits(self, job: Job) -> bool:
        """Whether a job on a whole frame of masks fits the memory."""
        return self.block_limit is None or job.memory(*self.mask_frame) <= self.block_limit


def frame_outputs(builder: PlanBuilder) -> list[Output]:
    """The arrays of the stage that reads the frames: their samples, and where they have a picture if not everywhere."""
    stack, source = builder.stack, builder.source
    lead, edge = (stack.planes, builder.slices), file_edge(builder.frame, masks=False)
    outputs = [Output(source.path, lead, (stack.planes, 1), stack.dtype, file_edge=edge)]
    return outputs + [Output(path, (builder.slices,), (1,), "uint8") for path in [source.coverage] if path]
