"""Recipe and stack to stages: keys, halos, bytes and blocks, worked out without touching a pixel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from imfuse_tiles.grid import Frame, Halo
from imfuse_tiles.images import Header
from imfuse_tiles.ops.adjust import PrepResize
from imfuse_tiles.ops.background import Origin, origin
from imfuse_tiles.ops.generator import Generator
from imfuse_tiles.recipe import Recipe
from imfuse_tiles.spec import Op, digest
from imfuse_tiles.work.finish import FinishJob, Layer
from imfuse_tiles.work.ingest import IngestJob
from imfuse_tiles.work.masks import LevelJob, MaskJob, MergeJob, Part, Source
from imfuse_tiles.work.montage import Merged, MontageJob
from imfuse_tiles.work.pictures import PictureJob
from imfuse_tiles.work.stage import Job, Output, Stage

FULL = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}


@dataclass(frozen=True)
class Stack:
    """The frames of a run, front first, all of one size."""

    headers: tuple[Header, ...]
    digest: str

    @property
    def frame(self) -> Frame:
        return self.headers[0].height, self.headers[0].width

    @property
    def planes(self) -> int:
        return self.headers[0].channels

    @property
    def dtype(self) -> str:
        return self.headers[0].dtype

    def __len__(self) -> int:
        return len(self.headers)


@dataclass(frozen=True)
class Plan:
    """Stages in the order they run; the last one writes the result's planes."""

    recipe: Recipe
    stack: Stack
    stages: tuple[Stage, ...]

    @property
    def result(self) -> Stage:
        return self.stages[-1]


class Planner:
    """Collects the stages of a recipe; a stage that is asked for twice is planned once."""

    def __init__(self, recipe: Recipe, stack: Stack) -> None:
        self.recipe, self.stack = recipe, stack
        self.stages: dict[str, Stage] = {}
        self.frame = stack.frame
        self.source = Source(f"source/{stack.digest}", stack.planes, stack.frame, FULL[stack.dtype])
        self.small = recipe.one(PrepResize)
        self.mask_frame = self.small.size(self.frame) if self.small else self.frame

    def plan(self) -> Plan:
        self.ingest()
        montages = [self.montage(0, len(self.stack) - 1)] if self.recipe.generators else []
        self.finish(montages)
        return Plan(self.recipe, self.stack, tuple(self.stages.values()))

    def add(self, stage: Stage) -> Stage:
        return self.stages.setdefault(stage.key, stage)

    def ingest(self) -> None:
        lead, rows = (self.stack.planes, len(self.stack)), self.stack.headers[0].random_access
        out = Output(self.source.path, lead, (self.stack.planes, 1), self.stack.dtype)
        job = IngestJob(self.stack.headers, self.source.path)
        self.add(Stage("ingest", self.stack.digest, job, self.frame, (out,), len(self.stack), banded=True,
                       about={"rows": rows}))  # fmt: skip

    def mask(self, op: Generator) -> tuple[Stage, str | None]:
        """The stages of one generator: its raw masks, and the key of their levelling if they are levelled."""
        image = None if op.I is None else self.picture(origin(f"--{op.name}", op.I))
        about = [
            op.record("work"), self.recipe.scene.space, self.recipe.scene.channel,
            self.small.record() if self.small else None, image.path if image else None,
        ]  # fmt: skip
        key = digest(["mask", self.stack.digest, about])
        raw, peak = f"mask/{key}", f"peak/{key}"
        seen = replace(self.source, resize=self.small)
        job = MaskJob(op, self.recipe.scene, seen, self.mask_frame, raw, peak,
                      replace(image, resize=self.small) if image else None)  # fmt: skip
        outputs = (Output(raw, (len(self.stack),), (1,), "float32"), Output(peak, (), (1,), "float32", by_run=True))
        stage = self.add(self.stage(f"mask {op.name}", key, job, outputs, op.halo(self.mask_frame),
                                    self.mask_frame, slices=len(self.stack), op=op,
                                    inputs=(self.stack.digest, *([image.key] if image else []))))  # fmt: skip
        if not op.levelled:
            return stage, None
        level = digest(["level", key, op.clut])
        self.add(self.stage(f"level {op.name}", level, LevelJob(key, peak, op.clut), (), Halo(), self.mask_frame,
                            inputs=(key,)))  # fmt: skip
        return stage, level

    def merge(self) -> Merged:
        """The stages up to the merged masks, and how they are read."""
        parts, inputs = [], []
        for op, weight in zip(self.recipe.generators, self.recipe.weights(), strict=True):
            stage, level = self.mask(op)
            parts.append(Part(op, weight, stage.outputs[0].path, level))
            inputs += [stage.key, *([level] if level else [])]
        recipe = self.recipe
        about = [
            [(part.path, part.level, part.weight, part.op.record("merge"), part.op.filtered) for part in parts],
            recipe.merge.record(), [op.record("work") for op in recipe.filters],
        ]  # fmt: skip
        key = digest(["merge", about])
        job = MergeJob(tuple(parts), recipe.merge, recipe.filters, self.mask_frame, f"merge/{key}")
        out = Output(f"merge/{key}", (len(self.stack),), (1,), "float32")
        self.add(self.stage("merge masks", key, job, (out,), job.halo(), self.mask_frame, slices=len(self.stack),
                            inputs=tuple(inputs)))  # fmt: skip
        return Merged(out.path, key, recipe.level, self.small)

    def montage(self, first: int, last: int) -> MontageJob:
        """The montage of slices first to last, counted from 0."""
        merged, cuts = self.merge(), self.recipe.cuts
        small = self.small.record() if self.small else None
        about = [merged.key, merged.level.record(), small, [op.record("work") for op in cuts], first, last]
        key = digest(["montage", about])
        job = MontageJob(self.source, merged, cuts, first, last, len(self.stack), f"montage/{key}")
        out = Output(job.out, (job.depth,), (job.depth,), "float32")
        name = "montage" if last - first + 1 == len(self.stack) else f"montage {first + 1}-{last + 1}"
        self.add(self.stage(name, key, job, (out,), job.halo(), self.frame, inputs=(self.stack.digest, merged.key)))
        return job

    def picture(self, made: Origin) -> Source:
        """The stage of a picture of the whole stack, and how it is read: as a stack of one slice."""
        key = digest(["picture", self.stack.digest, made.kind, made.mode, made.swapped])
        path, planes = f"image/{key}", self.stack.planes
        job = PictureJob(self.source, made, len(self.stack), path)
        out = Output(path, (planes, 1), (planes, 1), "float32")
        self.add(self.stage(f"picture {made.mode.lower()}", key, job, (out,), Halo(), self.frame,
                            inputs=(self.stack.digest,)))  # fmt: skip
        return Source(path, planes, self.frame, 1.0, key=key)

    def finish(self, montages: list[MontageJob]) -> None:
        made = [op.origin for op in self.recipe.backgrounds]
        layers = tuple(Layer(each, self.picture(each) if each.mode else None) for each in made)
        colours = 3 if any(each.coloured for each in made) else self.stack.planes
        each = montages[0].depth if montages else 0
        about = [
            [job.out for job in montages], [op.record("work") for op in self.recipe.finals],
            [(layer.origin.kind, layer.origin.value, layer.picture.path if layer.picture else "") for layer in layers],
            self.stack.digest,
        ]  # fmt: skip
        key = digest(["final", about])
        paths = tuple(job.out for job in montages)
        job = FinishJob(paths, each, self.stack.planes, colours, self.recipe.finals, layers, self.frame, f"final/{key}")
        out = Output(job.out, (job.depth,), (job.depth,), "uint16")
        self.add(self.stage("finish", key, job, (out,), job.halo(), self.frame, inputs=(
            *(path.rpartition("/")[2] for path in paths),
            *(layer.picture.key for layer in layers if layer.picture),
        )))  # fmt: skip

    def stage(self, name: str, key: str, job: Job, outputs: tuple[Output, ...], halo: Halo, frame: Frame, *,
              slices: int = 1, op: Op | None = None, inputs: tuple[str, ...]) -> Stage:  # fmt: skip
        about = {"stage": name, "options": str(op if op is not None else self.recipe)}
        return Stage(name, key, job, frame, outputs, slices, halo, inputs, about=about)


def planned(recipe: Recipe, stack: Stack) -> Plan:
    """The plan of a recipe for a stack."""
    return Planner(recipe, stack).plan()


def stage_lines(plan: Plan) -> Iterator[str]:
    """Names of the stages."""
    for stage in plan.stages:
        yield stage.name
