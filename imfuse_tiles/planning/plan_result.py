"""The last stages of a plan: pictures of the stack, substacks with their final steps, backgrounds, the result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from imfuse_tiles.errors import Refusal
from imfuse_tiles.geometry import Frame
from imfuse_tiles.imageio.reading import content_digest, read_header
from imfuse_tiles.imageio.stack import FULL, Stack
from imfuse_tiles.options.backgrounds import Origin
from imfuse_tiles.options.final_steps import Final
from imfuse_tiles.options.focus_pyramid import FocusPyramid
from imfuse_tiles.options.fusion_weights import Fusion
from imfuse_tiles.options.recipe import Recipe
from imfuse_tiles.stages import focus_depth, focus_pyramid
from imfuse_tiles.stages.final import Chain, FinalJob, FinishJob, MeasureJob, Step
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.layers import Layer
from imfuse_tiles.stages.masks import Painted, Source
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.stages.pyramid_fusion import fused
from imfuse_tiles.stages.stack_statistics import PictureJob
from imfuse_tiles.stages.stage import FLAT, Job, Output, Stage


class Ending:
    """The part of a planner that comes after the montages. What it needs of the rest is declared here."""

    recipe: Recipe
    stack: Stack
    frame: Frame
    slices: int
    source: Source
    #: The key of the stage that reads the stack.
    ingested: str
    #: Whether mask and depth maps are to be made, too.
    maps: bool

    def add(self, name: str, key: str, job: Job, *outputs: Output, **more: Any) -> Stage:
        """Put a stage at the end of the plan unless it is there already."""
        raise NotImplementedError

    def montage(self, first: int, last: int) -> MontageJob:
        """The montage of slices first to last, counted from 0."""
        raise NotImplementedError

    def of_recipe(self, recipe: Recipe) -> Ending:
        """A planner of another recipe for the same stack that adds its stages to the same plan."""
        raise NotImplementedError

    # Pictures

    def picture(self, made: Origin) -> Layer:
        """The stage of a picture and how it is read; a plain colour needs neither."""
        if made.kind in ("clear", "colour"):
            return Layer(made)
        if made.kind == "file":
            return self.file(made)
        if made.kind == "recipe":
            return self.painted(made)
        if made.kind == "enfuse":
            return Layer(made, fused(self.add, self.source, self.ingested, Fusion.read("", made.mode), self.slices))
        if made.kind == "pyramid":
            return Layer(made, self.pyramid(made).picture)
        key = PictureJob.key(self.ingested, made.kind, made.mode, made.swapped)
        path, planes = f"image/{key}", self.stack.planes
        job = PictureJob(self.source, made, self.slices, path)
        out = Output(path, (planes, 1), (planes, 1), "float32")
        self.add(f"picture {made}", key, job, out, inputs=(self.ingested,))
        return Layer(made, Source(path, planes, self.frame, 1.0, key=key))

    def pyramid(self, made: Origin) -> focus_pyramid.Fused:
        """The stages of a fusion by local energy."""
        pyramid = FocusPyramid.read("", made.mode)
        return focus_pyramid.fused(self.add, self.source, self.ingested, pyramid, self.slices)

    def surface(self) -> focus_depth.FocusDepth | None:
        """The depth of the topmost background, if maps are wanted and it is a fusion that has one."""
        top = self.recipe.backgrounds[-1].origin if self.recipe.backgrounds else None
        if not self.maps or top is None or top.kind != "pyramid":
            return None
        return focus_depth.depth(self.add, self.pyramid(top).restored, self.slices)

    def file(self, made: Origin) -> Layer:
        """An image file of the size of the frames, its opacity kept. Refusal when its size differs."""
        header = read_header(Path(made.mode)).veiled()
        if (header.height, header.width) != self.frame:
            raise Refusal(f"{made.mode}: is {header.width} x {header.height} pixels, "
                          f"the frames are {self.frame[1]} x {self.frame[0]}")  # fmt: skip
        key = IngestJob.key(content_digest(header))
        path, planes = f"file/{key}", header.planes
        out = Output(path, (planes, 1), (planes, 1), header.dtype)
        self.add(f"read {Path(made.mode).name}", key, IngestJob((header,), path), out, banded=True,
                 about={"rows": header.random_access})  # fmt: skip
        source = Source(path, planes, self.frame, FULL[header.dtype], key=key)
        return Layer(made, source, header.with_alpha, header.premultiplied and header.with_alpha)

    def likeness(self, made: Origin) -> Source:
        """The stage of a picture that frames are compared to, and how it is read."""
        layer = self.picture(made)
        if layer.picture is not None:
            return replace(layer.picture, planes=layer.colours)
        key = PictureJob.key(self.ingested, made.kind, made.value)
        planes = self.stack.planes
        job = PictureJob(self.source, made, self.slices, f"image/{key}")
        self.add(f"picture {made}", key, job, Output(job.out, (planes, 1), (planes, 1), "float32"))
        return Source(job.out, planes, self.frame, 1.0, key=key)

    def painted(self, made: Origin) -> Layer:
        """The picture that another recipe makes of the stack."""
        other = self.of_recipe(Recipe.of_options(made.options))
        other.maps = False
        done = other.settled(0, self.slices - 1)
        planes = done.colours + 1
        return Layer(made, Painted(done.path, planes, self.frame, done.full, key=done.key), veiled=True)

    # Substacks

    def chained(self, first: int, last: int) -> Chain:
        """A substack's montage and the final steps it takes on its way to the result.

        The steps are cut before every one that needs numbers of the picture: what is there is written and measured.
        """
        montage = self.montage(first, last)
        chain = Chain(montage.out, self.stack.planes, montage.depth, self.frame, montage.full, maps=self.maps)
        for op in self.recipe.finals:
            if op.measures:
                chain = self.written(chain)
                chain = chain.then(Step(op, self.measured(chain, op)))
            else:
                chain = chain.then(Step(op))
        return chain

    def settled(self, first: int, last: int) -> Chain:
        """A substack's picture in the store, all final steps done."""
        return self.written(self.chained(first, last))

    def written(self, chain: Chain) -> Chain:
        """The stage that writes a picture as far as its steps go; none if there are none."""
        if not chain.steps:
            return chain
        key = FinalJob.key(chain.record())
        job = FinalJob(chain, f"picture/{key}")
        out = Output(job.out, (chain.planes,), (chain.planes,), "float32")
        names = " ".join(step.op.name for step in chain.steps)
        self.add(names, key, job, out, halo=job.halo(), inputs=chain.inputs)
        return replace(chain, path=job.out, full=1.0, steps=())

    def measured(self, chain: Chain, op: Final) -> str:
        """The stage that measures a written picture for a step; its key."""
        key = MeasureJob.key(chain.record(), op.record("work"))
        job = MeasureJob(chain, op)
        self.add(f"measure {op.name}", key, job, halo=job.halo(), inputs=chain.inputs)
        return key

    # The result

    def finish(self) -> None:
        """The stages from the montages to the result."""
        layers = tuple(self.picture(op.origin) for op in self.recipe.backgrounds)
        spans = self.recipe.spans(self.slices) if self.recipe.generators else []
        chains = tuple((self.settled if self.recipe.layered else self.chained)(*span) for span in spans)
        colours = max([self.stack.planes, *(layer.colours for layer in layers)])
        about = [[chain.record() for chain in chains], [layer.record() for layer in layers], self.ingested]
        surface = self.surface()
        key = FinishJob.key(*about, self.maps, *([surface.key] if surface else []))
        job = FinishJob(chains, layers, colours, f"final/{key}", self.maps, surface)
        out = Output(job.out, (job.depth,), (job.depth,), "uint16", flat=FLAT)
        inputs = (
            *(name for chain in chains for name in chain.inputs),
            *(name for each in layers for name in each.inputs),
            *([surface.key] if surface else []),
        )
        self.add("finish", key, job, out, halo=job.halo(), inputs=tuple(inputs))
