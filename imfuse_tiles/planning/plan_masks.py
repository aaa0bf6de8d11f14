"""The stages of masks: those of each generator, their normalisation, and their merging and filtering."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from imfuse_tiles import kernels
from imfuse_tiles.options.backgrounds import ImageSpec, parse_image_spec
from imfuse_tiles.options.mask_depthmap import DepthMap
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_fourier import FourierFilter
from imfuse_tiles.options.mask_generator import MaskGenerator
from imfuse_tiles.options.recipe import mask_weights
from imfuse_tiles.planning.plan_builder import PlanBuilder
from imfuse_tiles.planning.plan_fourier import far_part
from imfuse_tiles.planning.plan_pictures import compared_picture, image_file
from imfuse_tiles.stages.access import file_edge
from imfuse_tiles.stages.array_layout import Output
from imfuse_tiles.stages.depthmap_mask import DepthMapJob
from imfuse_tiles.stages.fourier_masks import FarFilteredMasks, FarMaskJob
from imfuse_tiles.stages.mask_levels import LevelJob
from imfuse_tiles.stages.masks import MaskJob
from imfuse_tiles.stages.merged_masks import MergeJob, WeightedMask
from imfuse_tiles.stages.plane_readers import FramePlanes, MaskPlanes
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.stages.stored_frames import StoredFrames
from imfuse_tiles.stages.stretched_masks import MergedMasks


def mask(builder: PlanBuilder, op: MaskGenerator) -> tuple[Stage, str | None]:
    """The stages of one generator: its raw masks, and the key of their normalisation if they are normalised."""
    if isinstance(op, DepthMap):
        return depthmap_mask(builder, op)
    image = None if op.I is None else compared_picture(builder, parse_image_spec(f"--{op.name}", op.I))
    scene, resize = builder.recipe.working_space, builder.mask_resize
    about = [builder.stack_key, op.record("work"), scene.space, scene.channel, builder.mask_resize_record,
             image.path if image else None]  # fmt: skip
    inputs = (builder.stack_key, *([image.key] if image else []))
    seen, image = replace(builder.source, resize=resize), replace(image, resize=resize) if image else None
    key = MaskJob.key(*about)
    job = MaskJob(op, scene, seen, builder.mask_frame, f"mask/{key}", f"mask/{key}", image)
    if isinstance(op, FourierFilter) and not builder.fits(job):
        frames = FramePlanes(op, scene, seen, builder.mask_frame, image)
        far, stage = far_part(builder, op.name, about, frames, plane_count(builder, op), op, inputs)
        key = FarMaskJob.key(stage.key)
        job = FarMaskJob(op, scene, seen, builder.mask_frame, f"mask/{key}", f"peak/{key}", image, far)
        inputs = (*inputs, stage.key)
    elif not op.whole_frame:
        job = replace(job, peak=f"peak/{key}")
    outputs = [mask_output(builder, job.out)]
    if job.peak != job.out:
        outputs.append(strongest_output(builder, job.peak))
    whole = op.whole_frame and not isinstance(job, FarMaskJob)
    stage = builder.add(f"mask {op.name}", key, job, *outputs, frame=builder.mask_frame, slices=builder.slices,
                        halo=op.halo(builder.mask_frame), inputs=inputs, whole=whole)  # fmt: skip
    return stage, normalisation(builder, op, key, job.peak) if op.is_levelled else None


def mask_output(builder: PlanBuilder, path: str) -> Output:
    """An array of the masks of all slices."""
    return Output(path, (builder.slices,), (1,), "float32", file_edge=file_edge(builder.mask_frame))


def strongest_output(builder: PlanBuilder, path: str) -> Output:
    """An array of the strongest masks of each group of slices."""
    return replace(mask_output(builder, path), lead=(), by_run=True)


def depthmap_mask(builder: PlanBuilder, op: DepthMap) -> tuple[Stage, str | None]:
    """The stages of masks that are made of a depth map."""
    layer = image_file(builder, ImageSpec("file", op.word1))
    assert layer.picture is not None
    key = DepthMapJob.key(builder.slices, op.record("work"), layer.record()[1:], builder.mask_resize_record)
    job = DepthMapJob(
        op=op, working_space=builder.recipe.working_space, source=replace(builder.source, coverage=""),
        frame=builder.mask_frame, out=f"mask/{key}", peak=f"peak/{key}",
        image=replace(layer.picture, resize=builder.mask_resize), total=builder.slices,
        veiled=layer.veiled, premultiplied=layer.premultiplied,
    )  # fmt: skip
    out = mask_output(builder, job.out)
    peak = strongest_output(builder, job.peak)
    stage = builder.add("mask depthmap", key, job, out, peak, frame=builder.mask_frame, slices=builder.slices,
                        inputs=layer.inputs)  # fmt: skip
    return stage, normalisation(builder, op, key, job.peak) if op.is_levelled else None


def normalisation(builder: PlanBuilder, op: MaskGenerator, raw: str, peak: str) -> str:
    """The stage that normalises a generator's masks over the stack; its key."""
    key = LevelJob.key(raw, op.clut)
    job = LevelJob(raw, peak, op.clut, partly_shown(builder) if peak == f"mask/{raw}" else None)
    builder.add(f"normalise {op.name} mask", key, job, frame=builder.mask_frame, inputs=(raw,))
    return key


def partly_shown(builder: PlanBuilder) -> StoredFrames | None:
    """The frames as masks see them, if not every pixel of them is picture."""
    return replace(builder.source, resize=builder.mask_resize) if builder.source.coverage else None


def plane_count(builder: PlanBuilder, op: MaskGenerator) -> int:
    """How many planes a generator works on."""
    if op.I is not None:
        return builder.stack.planes
    if op.c is not None or (op.C is None and builder.recipe.working_space.channel is not None):
        return 1
    space = op.C or builder.recipe.working_space.space
    return builder.stack.planes if space == "sRGB" else kernels.colour.plane_count(space)


def merged_masks(builder: PlanBuilder) -> MergedMasks:
    """The stages up to the merged and filtered masks, and how they are read."""
    parts, inputs, recipe = [], [], builder.recipe
    for op, weight in zip(recipe.generators, mask_weights(recipe), strict=True):
        stage, level = mask(builder, op)
        parts.append(WeightedMask(op, weight, stage.outputs[0].path, level))
        inputs += [stage.key, *([level] if level else [])]
    about: list[Any] = [
        recipe.merge.record(),
        [(part.path, part.level, part.weight, part.op.record("merge"), part.op.is_filtered) for part in parts],
    ]  # fmt: skip
    if any(isinstance(op, DepthMap) for op in recipe.generators):  # their masks are the same for other frames
        about.append(builder.stack_key)
    shown = partly_shown(builder)
    inputs += [builder.stack_key] if shown else []
    start: FarFilteredMasks | None = None
    key, path = "", ""
    segments = filter_segments(builder, tuple(parts))
    for number, filters in enumerate(segments):
        about = [*about, [op.record("work") for op in filters]]
        last = number == len(segments) - 1
        if number:
            start, stage = _far_start(builder, key, filters[0])
            inputs, filters = [*inputs, key, stage.key], filters[1:]
        key = MergeJob.key(about, len(segments), start.far.path if start else None)
        path = f"merge/{key}"
        job = MergeJob(tuple(parts), recipe.merge, filters, builder.mask_frame, path, start, last, shown)
        builder.add("merge masks", key, job, mask_output(builder, path), halo=job.halo(),
                    frame=builder.mask_frame, slices=builder.slices, inputs=tuple(inputs),
                    whole=job.whole_frame)  # fmt: skip
    return MergedMasks(path, key, recipe.level, builder.mask_resize)


def _far_start(builder: PlanBuilder, key: str, op: MaskFilter) -> tuple[FarFilteredMasks, Stage]:
    """What the filters behind a split Fourier filter start from."""
    assert isinstance(op, FourierFilter)
    masks = MaskPlanes(f"merge/{key}", builder.mask_frame)
    far, stage = far_part(builder, op.name, [key, op.record("work")], masks, 1, op, (key,))
    return FarFilteredMasks(masks.path, far), stage


def filter_segments(builder: PlanBuilder, parts: tuple[WeightedMask, ...]) -> list[tuple[MaskFilter, ...]]:
    """The mask filters, cut before every Fourier filter if whole frames do not fit the memory."""
    filters = builder.recipe.filters
    if builder.fits(MergeJob(parts, builder.recipe.merge, filters, builder.mask_frame, "")):
        return [filters]
    places = [place for place, op in enumerate(filters) if isinstance(op, FourierFilter)]
    return [filters[a:b] for a, b in pairwise([0, *places, len(filters)])]
