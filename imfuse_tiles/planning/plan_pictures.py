"""The stages of single pictures: image files, statistics and fusions of the stack, results of other recipes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading import content_digest, read_header
from imfuse_tiles.imageio.stack import FULL
from imfuse_tiles.options.backgrounds import ImageSpec
from imfuse_tiles.options.focus_pyramid import FocusPyramid
from imfuse_tiles.options.fusion_weights import FusionWeights
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.planning.plan_builder import PlanBuilder
from imfuse_tiles.stages import focus_depth, focus_pyramid
from imfuse_tiles.stages.array_layout import Output
from imfuse_tiles.stages.covered_area import CoveredAreaJob
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.layers import Layer
from imfuse_tiles.stages.pyramid_fusion import plan_fusion
from imfuse_tiles.stages.stack_statistics import PictureJob
from imfuse_tiles.stages.stored_frames import StoredFrames, StoredPicture


def picture(builder: PlanBuilder, origin: ImageSpec) -> Layer:
    """The stage of a picture and how it is read; a plain colour needs no stage."""
    if origin.kind in ("clear", "colour"):
        return Layer(origin)
    if origin.kind == "file":
        return image_file(builder, origin)
    if origin.kind == "recipe":
        return recipe_picture(builder, origin)
    if origin.kind == "enfuse":
        fusion = FusionWeights.parse("", origin.mode)
        fused = plan_fusion(builder.add, builder.source, builder.stack_key, fusion, builder.slices)
    elif origin.kind == "pyramid":
        fused = focus_pyramid_stages(builder, origin).picture
    else:
        key = PictureJob.key(builder.stack_key, origin.kind, origin.mode, origin.swapped)
        fused = statistic_picture(builder, origin, key)
    return Layer(origin, fused, area=covered_area(builder))


def covered_area(builder: PlanBuilder) -> StoredFrames | None:
    """The stage of what any slice covers, and how it is read; None where slices have no transparent parts."""
    if not builder.source.coverage:
        return None
    key = CoveredAreaJob.key(builder.stack_key)
    job = CoveredAreaJob(builder.source, builder.slices, f"image/{key}")
    builder.add("covered area", key, job, job.output(), inputs=(builder.stack_key,))
    return StoredFrames(job.out, 1, builder.frame, FULL["uint8"], key=key)


def focus_pyramid_stages(builder: PlanBuilder, origin: ImageSpec) -> focus_pyramid.Fused:
    """The stages of a fusion by local energy; they keep what a depth needs if one is wanted of this fusion."""
    fusion, depth = FocusPyramid.read("", origin.mode), origin == origin_of_depth(builder)
    return focus_pyramid.plan_fusion(builder.add, builder.source, builder.stack_key, fusion, builder.slices, depth)


def origin_of_depth(builder: PlanBuilder) -> ImageSpec | None:
    """The topmost background, if maps are wanted and it is a fusion that has a depth."""
    backgrounds = builder.recipe.backgrounds
    top = backgrounds[-1].image_spec if backgrounds else None
    return top if builder.maps and top is not None and top.kind == "pyramid" else None


def depth_of_backgrounds(builder: PlanBuilder) -> focus_depth.FocusDepth | None:
    """The depth of the topmost background, if maps are wanted and it is a fusion that has one."""
    top = origin_of_depth(builder)
    if top is None:
        return None
    found = focus_depth.depth(builder.add, focus_pyramid_stages(builder, top).restored, builder.slices)
    return replace(found, area=covered_area(builder))


def statistic_picture(builder: PlanBuilder, origin: ImageSpec, key: str) -> StoredFrames:
    """The stage of a statistic of the stack at every pixel, and how it is read."""
    path, planes = f"image/{key}", builder.stack.planes
    job = PictureJob(builder.source, origin, builder.slices, path)
    out = Output(path, (planes, 1), (planes, 1), "float32")
    builder.add(f"{str(origin).lower()} image", key, job, out, inputs=(builder.stack_key,))
    return StoredFrames(path, planes, builder.frame, 1.0, key=key)


def image_file(builder: PlanBuilder, origin: ImageSpec) -> Layer:
    """An image file of the size of the frames, its opacity kept. Refusal when its size differs."""
    header = read_header(Path(origin.mode)).veiled()
    if (header.height, header.width) != builder.frame:
        raise Refusal(f"{origin.mode}: is {header.width} x {header.height} pixels, "
                      f"the frames are {builder.frame[1]} x {builder.frame[0]}")  # fmt: skip
    key = IngestJob.key(content_digest(header))
    path, planes = f"file/{key}", header.planes
    out = Output(path, (planes, 1), (planes, 1), header.dtype)
    builder.add(f"read {Path(origin.mode).name}", key, IngestJob((header,), path), out, banded=True,
                about={"rows": header.random_access})  # fmt: skip
    source = StoredFrames(path, planes, builder.frame, FULL[header.dtype], key=key)
    return Layer(origin, source, header.with_alpha, header.premultiplied and header.with_alpha)


def recipe_picture(builder: PlanBuilder, origin: ImageSpec) -> Layer:
    """The picture that another recipe makes of the stack."""
    other = builder.for_recipe(Recipe.from_options(origin.options), maps=False)
    chain = builder.plan_picture(other)
    planes = chain.colours + 1
    return Layer(origin, StoredPicture(chain.path, planes, builder.frame, chain.full, key=chain.key), veiled=True)


def compared_picture(builder: PlanBuilder, origin: ImageSpec) -> StoredFrames:
    """The stage of a picture that frames are compared to, and how it is read: colours only, without opacity."""
    layer = picture(builder, origin)
    if layer.picture is not None:
        return replace(layer.picture, planes=layer.colours)
    key = PictureJob.key(builder.stack_key, origin.kind, origin.value)
    job = PictureJob(builder.source, origin, builder.slices, f"image/{key}")
    planes = builder.stack.planes
    builder.add(f"{str(origin).lower()} image", key, job, Output(job.out, (planes, 1), (planes, 1), "float32"))
    return StoredFrames(job.out, planes, builder.frame, 1.0, key=key)
