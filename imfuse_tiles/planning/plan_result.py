"""The stages from merged masks to the result: montages of substacks, their final steps, backgrounds."""

from __future__ import annotations

from dataclasses import replace

from imfuse_tiles.options.final_steps import FinalStep
from imfuse_tiles.options.recipe import substack_spans
from imfuse_tiles.planning.plan_builder import PlanBuilder
from imfuse_tiles.planning.plan_masks import merged_masks
from imfuse_tiles.planning.plan_pictures import covered_area, depth_of_backgrounds, picture
from imfuse_tiles.stages.array_layout import FLAT, Output
from imfuse_tiles.stages.final import FinalJob, FinishJob, MeasureJob
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.stages.step_chain import AppliedStep, StepChain


def montage(builder: PlanBuilder, first: int, last: int) -> MontageJob:
    """The montage of slices ``first`` to ``last``, counted from 0."""
    merged, cuts = merged_masks(builder.guiding), builder.recipe.cuts
    about = [merged.key, merged.level.record(), builder.mask_resize_record, [op.record("work") for op in cuts],
             first, last, builder.maps, *([builder.stack_key] if builder.stack.guide else [])]  # fmt: skip
    key = MontageJob.key(*about)
    job = MontageJob(builder.source, merged, cuts, first, last, builder.slices, f"montage/{key}", builder.maps)
    name = "montage" if last - first + 1 == builder.slices else f"montage {first + 1}-{last + 1}"
    builder.add(name, key, job, job.output(), halo=job.halo(), inputs=(builder.stack_key, merged.key))
    return job


def build_chain(builder: PlanBuilder, first: int, last: int) -> StepChain:
    """A substack's montage and the final steps it takes on its way to the result.

    The steps are cut before every one that needs numbers of the picture: what is there is written and measured.
    """
    start = montage(builder, first, last)
    chain = StepChain(start.out, builder.stack.planes, start.depth, builder.frame, start.full, maps=builder.maps,
                      area=covered_area(builder))  # fmt: skip
    for op in builder.recipe.finals:
        if op.needs_measuring:
            chain = write_steps(builder, chain)
            chain = chain.then(AppliedStep(op, measure(builder, chain, op)))
        else:
            chain = chain.then(AppliedStep(op))
    return chain


def write_chain(builder: PlanBuilder, first: int, last: int) -> StepChain:
    """A substack's picture in the store, all final steps done."""
    return write_steps(builder, build_chain(builder, first, last))


def write_picture(builder: PlanBuilder) -> StepChain:
    """The picture of all slices in the store, all final steps done."""
    return write_chain(builder, 0, builder.slices - 1)


def write_steps(builder: PlanBuilder, chain: StepChain) -> StepChain:
    """The stage that writes a picture as far as its steps go; none if there are none."""
    if not chain.steps:
        return chain
    key = FinalJob.key(chain.record())
    job = FinalJob(chain, f"picture/{key}")
    out = Output(job.out, (chain.planes,), (chain.planes,), "float32")
    names = " ".join(step.op.name for step in chain.steps)
    builder.add(names, key, job, out, halo=job.halo(), inputs=chain.inputs)
    return replace(chain, path=job.out, full=1.0, steps=())


def measure(builder: PlanBuilder, chain: StepChain, op: FinalStep) -> str:
    """The stage that measures a written picture for a step; its key."""
    key = MeasureJob.key(chain.record(), op.record("work"))
    job = MeasureJob(chain, op)
    builder.add(f"measure {op.name}", key, job, halo=job.halo(), inputs=chain.inputs)
    return key


def result_stages(builder: PlanBuilder) -> None:
    """The stages from the montages to the result."""
    recipe = builder.recipe
    layers = tuple(picture(builder, op.image_spec) for op in recipe.backgrounds)
    spans = substack_spans(recipe, builder.slices) if recipe.generators else []
    build = write_chain if recipe.layered else build_chain
    chains = tuple(build(builder, *span) for span in spans)
    colours = max([builder.stack.planes, *(layer.colours for layer in layers)])
    about = [[chain.record() for chain in chains], [layer.record() for layer in layers], builder.stack_key]
    surface = depth_of_backgrounds(builder)
    key = FinishJob.key(*about, builder.maps, *([surface.key] if surface else []))
    job = FinishJob(chains, layers, colours, f"final/{key}", builder.maps, surface)
    out = Output(job.out, (job.depth,), (job.depth,), "uint16", flat=FLAT)
    inputs = (
        *(name for chain in chains for name in chain.inputs),
        *(name for layer in layers for name in layer.inputs),
        *(surface.inputs if surface else ()),
    )
    builder.add("write result", key, job, out, halo=job.halo(), inputs=tuple(inputs))
