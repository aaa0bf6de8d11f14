"""Recipe and stack to stages: keys, halos, bytes and blocks, worked out without touching a pixel."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from itertools import pairwise
from typing import Any

from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.stack import FULL, Stack
from imfuse_tiles.options.backgrounds import Origin, origin
from imfuse_tiles.options.general import PrepResize
from imfuse_tiles.options.mask_depthmap import DepthMap
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_fourier import Fourier
from imfuse_tiles.options.mask_generator import Generator
from imfuse_tiles.options.recipe import STEPS, Recipe
from imfuse_tiles.planning.plan_result import Ending
from imfuse_tiles.stages.align import AlignJob
from imfuse_tiles.stages.depthmap_mask import DepthMapJob
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.stages.fourier_masks import CellsJob, Far, FarJob, FarMaskJob, FarStart, Frames, Masks, Planes, error
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.masks import LevelJob, MaskJob, MergeJob, Part, Source
from imfuse_tiles.stages.montage import Merged, MontageJob
from imfuse_tiles.stages.stage import Job, Output, Stage


@frozen
class Plan:
    """Stages in the order they run; the last one writes the result's planes."""

    recipe: Recipe
    stack: Stack
    stages: tuple[Stage, ...]
    #: The plan of the same result without its maps; None: this one.
    bare: Plan | None = None

    @property
    def result(self) -> Stage:
        return self.stages[-1]

    @property
    def identity(self) -> str:
        """What the result is known by, with or without its maps."""
        return (self.bare or self).result.key

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


def make_plan(recipe: Recipe, stack: Stack, room: int | None = None, maps: bool = True) -> Plan:
    """The plan of a recipe for a stack.

    ``room``: bytes that one block may take. Fourier filters of frames that need more are split into a near and a
    far part, which is another result with another key; None never splits. ``maps``: mask and depth maps are made
    too, which takes longer and more disk.
    """
    bare = Planner(recipe, stack, room, maps=False).plan()
    return replace(Planner(recipe, stack, room, maps=True).plan(), bare=bare) if maps else bare


class Planner(Ending):
    """Collects the stages of a recipe; a stage that is asked for twice is planned once."""

    def __init__(self, recipe: Recipe, stack: Stack, room: int | None, maps: bool) -> None:
        self.recipe, self.stack, self.room, self.maps = recipe.of_stack(len(stack)), stack, room, maps
        self.stages: dict[str, Stage] = {}
        self.frame, self.slices = stack.frame, len(stack)
        self.ingested = (AlignJob if stack.warps else IngestJob).key(stack.digest)
        self.source = Source(f"source/{self.ingested}", stack.planes, stack.frame, FULL[stack.dtype])
        self.resized(recipe)

    def resized(self, recipe: Recipe) -> None:
        """Note the size that masks are made in."""
        self.small = recipe.one(PrepResize)
        self.mask_frame = self.small.size(self.frame) if self.small else self.frame

    def of_recipe(self, recipe: Recipe) -> Planner:
        other = copy(self)
        other.recipe = recipe
        other.resized(recipe)
        return other

    def plan(self) -> Plan:
        self.ingest()
        self.finish()
        return Plan(self.recipe, self.stack, tuple(self.stages.values()))

    def add(self, name: str, key: str, job: Job, *outputs: Output, **more: Any) -> Stage:
        """Put a stage at the end of the plan unless it is there already."""
        about = {"stage": name, "options": str(self.recipe), **more.pop("about", {})}
        stage = Stage(name, key, job, more.pop("frame", self.frame), outputs, about=about, **more)
        return self.stages.setdefault(key, stage)

    def ingest(self) -> None:
        lead, rows = (self.stack.planes, self.slices), all(each.random_access for each in self.stack.headers)
        out = Output(self.source.path, lead, (self.stack.planes, 1), self.stack.dtype)
        job: IngestJob = IngestJob(self.stack.headers, self.source.path)
        if self.stack.warps:
            job = AlignJob(self.stack.headers, self.source.path, warps=self.stack.warps, size=self.frame)
        self.add("ingest", self.ingested, job, out, slices=self.slices, banded=True, about={"rows": rows})

    # Masks

    def mask(self, op: Generator) -> tuple[Stage, str | None]:
        """The stages of one generator: its raw masks, and the key of their levelling if they are levelled."""
        if isinstance(op, DepthMap):
            return self.depthmap(op)
        image = None if op.I is None else self.likeness(origin(f"--{op.name}", op.I))
        scene, small = self.recipe.scene, self.small.record() if self.small else None
        about = [self.ingested, op.record("work"), scene.space, scene.channel, small,
                 image.path if image else None]  # fmt: skip
        inputs = (self.ingested, *([image.key] if image else []))
        seen, image = replace(self.source, resize=self.small), replace(image, resize=self.small) if image else None
        key = MaskJob.key(*about)
        job = MaskJob(op, scene, seen, self.mask_frame, f"mask/{key}", f"mask/{key}", image)
        if isinstance(op, Fourier) and not self.fits(job):
            frames = Frames(op, scene, seen, self.mask_frame, image)
            far, stage = self.far(op.name, about, frames, self.depth(op), op, inputs)
            key = FarMaskJob.key(stage.key)
            job = FarMaskJob(op, scene, seen, self.mask_frame, f"mask/{key}", f"peak/{key}", image, far)
            inputs = (*inputs, stage.key)
        elif not op.whole_frame:
            job = replace(job, peak=f"peak/{key}")
        outputs = [Output(job.out, (self.slices,), (1,), "float32")]
        if job.peak != job.out:
            outputs.append(Output(job.peak, (), (1,), "float32", by_run=True))
        whole = op.whole_frame and not isinstance(job, FarMaskJob)
        stage = self.add(f"mask {op.name}", key, job, *outputs, frame=self.mask_frame, slices=self.slices,
                         halo=op.halo(self.mask_frame), inputs=inputs, whole=whole)  # fmt: skip
        return stage, self.level(op, key, job.peak) if op.levelled else None

    def depthmap(self, op: DepthMap) -> tuple[Stage, str | None]:
        """The stages of masks that are made of a depth map."""
        layer = self.file(Origin("file", op.word1))
        assert layer.picture is not None
        small = self.small.record() if self.small else None
        key = DepthMapJob.key(self.slices, op.record("work"), layer.record()[1:], small)
        job = DepthMapJob(
            op=op, scene=self.recipe.scene, source=self.source, frame=self.mask_frame, out=f"mask/{key}",
            peak=f"peak/{key}", image=replace(layer.picture, resize=self.small), total=self.slices,
            veiled=layer.veiled, premultiplied=layer.premultiplied,
        )  # fmt: skip
        out = Output(job.out, (self.slices,), (1,), "float32")
        peak = Output(job.peak, (), (1,), "float32", by_run=True)
        stage = self.add("mask depthmap", key, job, out, peak, frame=self.mask_frame, slices=self.slices,
                         inputs=layer.inputs)  # fmt: skip
        return stage, self.level(op, key, job.peak) if op.levelled else None

    def level(self, op: Generator, raw: str, peak: str) -> str:
        """The stage that levels a generator; its key."""
        key = LevelJob.key(raw, op.clut)
        self.add(f"level {op.name}", key, LevelJob(raw, peak, op.clut), frame=self.mask_frame, inputs=(raw,))
        return key

    def depth(self, op: Generator) -> int:
        """How many planes a generator works on."""
        from imfuse_tiles import kernels

        if op.I is not None:
            return self.stack.planes
        if op.c is not None or (op.C is None and self.recipe.scene.channel is not None):
            return 1
        space = op.C or self.recipe.scene.space
        return self.stack.planes if space == "sRGB" else kernels.colour.plane_count(space)

    def fits(self, job: Job) -> bool:
        """Whether a job on a whole frame fits the memory."""
        return self.room is None or job.memory(*self.mask_frame) <= self.room

    def far(
        self, name: str, of: Any, planes: Planes, count: int, op: Fourier, inputs: tuple[str, ...]
    ) -> tuple[Far, Stage]:
        """The stages of a Fourier filter's far part."""
        from imfuse_tiles import kernels

        frame = self.mask_frame
        responses = tuple(op.responses(frame))
        cells = CellsJob.key(of)
        made = FarJob.key(cells)
        size = kernels.cells.reduced_shape(*frame)
        out = Output(f"cells/{cells}", (count, self.slices), (count, 1), "float32")
        self.add(f"cells {name}", cells, CellsJob(planes, count, out.path), out, frame=size, slices=self.slices,
                 inputs=inputs)  # fmt: skip
        total = count * len(responses)
        far = Output(f"far/{made}", (total, self.slices), (total, 1), "float32")
        margin = 2 * (kernels.cells.MARGIN - kernels.cells.EDGE)
        job = FarJob(out.path, count, responses, frame, far.path)
        stage = self.add(f"far {name}", made, job, far, frame=(size[0] + margin, size[1] + margin),
                         slices=self.slices, inputs=(cells,), whole=True,
                         about={"error": error(responses, frame)})  # fmt: skip
        return Far(far.path, count, responses, frame), stage

    # Merging

    def merge(self) -> Merged:
        """The stages up to the merged masks, and how they are read."""
        parts, inputs, recipe = [], [], self.recipe
        for op, weight in zip(recipe.generators, recipe.weights(), strict=True):
            stage, level = self.mask(op)
            parts.append(Part(op, weight, stage.outputs[0].path, level))
            inputs += [stage.key, *([level] if level else [])]
        about: list[Any] = [
            recipe.merge.record(),
            [(part.path, part.level, part.weight, part.op.record("merge"), part.op.filtered) for part in parts],
        ]  # fmt: skip
        start: FarStart | None = None
        key = ""
        segments = self.segments(tuple(parts))
        for number, filters in enumerate(segments):
            about = [*about, [op.record("work") for op in filters]]
            last = number == len(segments) - 1
            if number:
                assert isinstance(filters[0], Fourier)
                masks, of = Masks(f"merge/{key}", self.mask_frame), [key, filters[0].record("work")]
                far, stage = self.far(filters[0].name, of, masks, 1, filters[0], (key,))
                start, inputs, filters = FarStart(masks.path, far), [*inputs, key, stage.key], filters[1:]
            key = MergeJob.key(about, len(segments), start.far.path if start else None)
            job = MergeJob(tuple(parts), recipe.merge, filters, self.mask_frame, f"merge/{key}", start, last)
            out = Output(job.out, (self.slices,), (1,), "float32")
            self.add("merge masks", key, job, out, halo=job.halo(), frame=self.mask_frame, slices=self.slices,
                     inputs=tuple(inputs), whole=job.whole_frame)  # fmt: skip
        return Merged(out.path, key, recipe.level, self.small)

    def segments(self, parts: tuple[Part, ...]) -> list[tuple[MaskFilter, ...]]:
        """The mask filters, cut before every Fourier filter if whole frames do not fit the memory."""
        filters = self.recipe.filters
        if self.fits(MergeJob(parts, self.recipe.merge, filters, self.mask_frame, "")):
            return [filters]
        cuts = [place for place, op in enumerate(filters) if isinstance(op, Fourier)]
        edges = [0, *cuts, len(filters)]
        return [filters[a:b] for a, b in pairwise(edges)]

    # The montage

    def montage(self, first: int, last: int) -> MontageJob:
        """The montage of slices first to last, counted from 0."""
        merged, cuts = self.merge(), self.recipe.cuts
        small = self.small.record() if self.small else None
        about = [merged.key, merged.level.record(), small, [op.record("work") for op in cuts], first, last, self.maps]
        key = MontageJob.key(*about)
        job = MontageJob(self.source, merged, cuts, first, last, self.slices, f"montage/{key}", self.maps)
        name = "montage" if last - first + 1 == self.slices else f"montage {first + 1}-{last + 1}"
        self.add(name, key, job, job.output(), halo=job.halo(), inputs=(self.ingested, merged.key))
        return job


def stages_from(plan: Plan, step: str) -> list[str]:
    """Keys of the stages from a step on, and of all that builds on these."""
    found: list[str] = []
    for stage in plan.stages:
        if stage.job.step in STEPS[STEPS.index(step) :] or set(stage.inputs) & set(found):
            found.append(stage.key)
    return found
