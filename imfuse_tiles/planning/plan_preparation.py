"""The stages that prepare frames as they are read, and those that measure what this has to know."""

from __future__ import annotations

from imfuse_tiles.imageio.reading import source_digest
from imfuse_tiles.options.preparation_chain import PreparationChain, preparation_chain
from imfuse_tiles.options.preparation_tone import ContrastStretch
from imfuse_tiles.planning.plan_builder import PlanBuilder, frame_outputs
from imfuse_tiles.stages.measure_frames import FrameRangeJob, MeanImageJob
from imfuse_tiles.stages.prepare import MeasuredBy, PrepareJob


def prepare_frames(builder: PlanBuilder) -> None:
    """Plan what reads and prepares the frames of a stack that is to be prepared."""
    stack, source = builder.stack, builder.source
    chain = preparation_chain(builder.recipe.ops, stack.aligned_frame)
    measured = measuring_stages(builder, chain)
    job = PrepareJob(stack.headers, source.path, coverage=source.coverage, chain=chain, measured=measured,
                     warps=stack.warps)  # fmt: skip
    rows = all(header.random_access for header in stack.headers) and not chain.turns_sides
    builder.add("read frames", builder.stack_key, job, *frame_outputs(builder), slices=builder.slices, banded=True,
                about={"rows": rows}, inputs=measured.keys)  # fmt: skip


def measuring_stages(builder: PlanBuilder, chain: PreparationChain) -> MeasuredBy:
    """Plan what measures the mean image and single frames, where options need that."""
    mean = mean_image_stage(builder) if any(step.needs_mean_image for step in chain.steps) else None
    frames: list[str | None] = []
    for count, step in enumerate(chain.steps):
        known = MeasuredBy(mean, tuple(frames))
        frames.append(frame_range_stage(builder, chain.until(count), known, step)
                      if isinstance(step, ContrastStretch) else None)  # fmt: skip
    return MeasuredBy(mean, tuple(frames))


def mean_image_stage(builder: PlanBuilder) -> str:
    """Plan what measures the mean of the files of all frames; its key."""
    headers = builder.stack.headers
    key = MeanImageJob.key(source_digest(headers))
    rows = all(header.random_access for header in headers)
    builder.add("measure mean image", key, MeanImageJob(headers), frame=builder.stack.file_frame, banded=True,
                about={"rows": rows})  # fmt: skip
    return key


def frame_range_stage(builder: PlanBuilder, chain: PreparationChain, known: MeasuredBy, op: ContrastStretch) -> str:
    """Plan what counts the intensities of every frame after the options of a chain; its key."""
    stack = builder.stack
    warps = [[warp.matrix, warp.gains] for warp in stack.warps]
    key = FrameRangeJob.key(source_digest(stack.headers), warps, chain.record(), op.record("work"), known.keys)
    job = FrameRangeJob(stack.headers, chain, known, op, stack.warps)
    builder.add("measure range of frames", key, job, slices=builder.slices, frame=chain.size, whole=True,
                inputs=known.keys)  # fmt: skip
    return key
