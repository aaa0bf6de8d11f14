"""Recipe and stack to stages: keys, halos, bytes and blocks, worked out without touching a pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.reading import Header
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.recipe import STEPS, Recipe
from imfuse_tiles.planning.plan_builder import PlanBuilder, frame_outputs, reading_key
from imfuse_tiles.planning.plan_preparation import prepare_frames
from imfuse_tiles.planning.plan_result import result_stages, write_picture
from imfuse_tiles.stages.align import AlignJob
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.retouch import PictureArray
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.stages.strokes import Strokes, strokes_digest


@frozen
class Plan:
    """Stages in the order they run; the last one writes the result's planes."""

    recipe: Recipe
    stack: Stack
    stages: tuple[Stage, ...]
    #: The plan of the same result without its maps; None: this one.
    bare: Plan | None = None
    #: Stages that are not stored: what they give is computed when it is read.
    unstored: tuple[Stage, ...] = ()
    #: The plan of the same result that stores everything; None: this one.
    storing: Plan | None = None
    #: Brush strokes that are laid over the result when it is written to files.
    strokes: Strokes = ()
    #: Pictures that strokes take, by their names.
    pictures: Mapping[str, PictureArray] = field(default_factory=dict)

    @property
    def result(self) -> Stage:
        return self.stages[-1]

    @property
    def retouched(self) -> str:
        """What tells the strokes laid over the result from others; empty for none."""
        return strokes_digest(self.strokes)

    @property
    def frames_key(self) -> str:
        """The key of the stage that reads the frames."""
        return reading_key(self.stack)

    @property
    def frames_path(self) -> str:
        """The array of the frames, which is not there where they are read in place."""
        return next(stage.outputs[0].path for stage in (*self.stages, *self.unstored) if stage.key == self.frames_key)

    @property
    def frames_in_place(self) -> tuple[Header, ...]:
        """The frames whose files are read whenever a part of them is needed; none where they are stored."""
        return self.stack.headers if any(stage.key == self.frames_key for stage in self.unstored) else ()

    @property
    def identity(self) -> str:
        """What the result is known by, with or without its maps."""
        key = (self.bare or self).result.key
        return f"{key}-{self.retouched}" if self.strokes else key

    @property
    def maps(self) -> bool:
        """Whether mask and depth maps are made."""
        return any(isinstance(stage.job, FinishJob) and stage.job.maps for stage in self.stages)

    @property
    def revised(self) -> list[Any]:
        """The options and jobs whose arithmetic has changed since the first version, with their versions."""
        options = {f"--{op.name}": [op.version] for op in self.recipe.ops}
        versions = {**options, **{type(stage.job).__name__: stage.job.versions() for stage in self.stages}}
        return sorted([name, number] for name, number in versions.items() if max(number) > 1)

    @property
    def wanted(self) -> list[str]:
        """Keys of the stages whose arrays are exported: the result, and its layers if these are wanted too."""
        return [self.result.key, *(self.result.inputs if self.recipe.layered else ())]


def make_plan(recipe: Recipe, stack: Stack, block_limit: int | None = None, maps: bool = True) -> Plan:
    """The plan of a recipe for a stack.

    ``block_limit``: bytes that one block may take. Fourier filters of frames that need more are split into a near
    and a far part, which is another result with another key; None never splits. ``maps``: mask and depth maps are
    made too, which takes longer and more disk.
    """
    bare = _build(recipe, stack, block_limit, maps=False)
    return replace(_build(recipe, stack, block_limit, maps=True), bare=bare) if maps else bare


def _build(recipe: Recipe, stack: Stack, block_limit: int | None, maps: bool) -> Plan:
    """A plan with or without maps."""
    builder = PlanBuilder(recipe.for_stack(len(stack)), stack, block_limit, maps, write_picture)
    read_frames(builder)
    if stack.guide:
        read_frames(builder.guiding)
    result_stages(builder)
    return Plan(builder.recipe, stack, tuple(builder.stages.values()))


def read_frames(builder: PlanBuilder) -> None:
    """The stage that reads the files of the stack into the store."""
    stack, source = builder.stack, builder.source
    if stack.unprepared_size:
        prepare_frames(builder)
        return
    rows = all(header.random_access for header in stack.headers)
    job: IngestJob = IngestJob(stack.headers, source.path, coverage=source.coverage)
    if stack.warps:
        job = AlignJob(stack.headers, source.path, coverage=source.coverage, warps=stack.warps, size=builder.frame)
    builder.add("read frames", builder.stack_key, job, *frame_outputs(builder), slices=builder.slices, banded=True,
                about={"rows": rows})  # fmt: skip


def stages_from(plan: Plan, step: str) -> list[str]:
    """Keys of the stages from a step on, and of all that builds on these."""
    found: list[str] = []
    for stage in plan.stages:
        if stage.job.step in STEPS[STEPS.index(step) :] or set(stage.inputs) & set(found):
            found.append(stage.key)
    return found
