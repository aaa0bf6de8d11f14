"""Stages that are computed when what they give is read, instead of being stored: the plan without their arrays."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field, replace

from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.job import Job
from imfuse_tiles.stages.mask_levels import LevelJob
from imfuse_tiles.stages.masks import MaskJob, StrongestMask
from imfuse_tiles.stages.merged_masks import MergeJob
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.stages.stage import ComputedInput, Stage, measured_key
from imfuse_tiles.storage.store import Store

#: Jobs whose values can be computed for any region, and whether numbers of the whole stack are needed of them.
MEASURED: dict[type[Job], bool] = {IngestJob: True, MaskJob: True, MergeJob: True, MontageJob: False}
#: Edge in chunks of what is finished at once where the montage is computed meanwhile.
PART_CHUNKS = 4


def computable_stages(plan: Plan) -> list[Stage]:
    """The stages that need not be stored, in their order.

    They are those of masks that are local, montages that are read once, and the frames if they can be read in parts.
    """
    return [stage for stage in plan.stages if type(stage.job) in MEASURED and _is_computable(plan, stage)]


def region_plan(plan: Plan, store: Store, again: tuple[type[Job], ...] = ()) -> Plan:
    """The plan with all that can be computed for a region, and is not in the store, computed when it is read; jobs of
    the kinds ``again`` in any case."""
    return without_storing(
        plan,
        {
            stage.key
            for stage in computable_stages(plan)
            if isinstance(stage.job, again) or store.numbers.load(stage.key) is None
        },
    )


def _is_computable(plan: Plan, stage: Stage) -> bool:
    if isinstance(stage.job, IngestJob):
        return (
            stage.key == plan.frames_key
            and not stage.job.coverage
            and all(header.window_access for header in stage.job.headers)
        )
    return _read_once(plan, stage) if isinstance(stage.job, MontageJob) else not stage.whole


def _read_once(plan: Plan, stage: Stage) -> bool:
    """Whether a montage is read by one stage only, all planes at once."""
    assert isinstance(stage.job, MontageJob)
    readers = [other.job for other in plan.stages if stage.key in other.inputs]
    behind = any(op.word1 == "background" for op in stage.job.layers)
    return stage.key not in plan.wanted and len(readers) == 1 and isinstance(readers[0], FinishJob) and not behind


def without_storing(plan: Plan, keys: Container[str], peaks: bool = True) -> Plan:
    """The plan with those of its stages ``keys`` computed when they are read.

    What the whole stack must be known of, the limits of masks, is measured by a stage that stores nothing but the
    strongest of them; without ``peaks`` not even these. Keys and values of all other stages stay as they are.
    """
    rewriting, stages = _Rewriting(plan, peaks), list[Stage]()
    for stage in plan.stages:
        rewritten = rewriting.reader(stage)
        stages += rewriting.unstored(rewritten) if stage.key in keys else [rewritten]
    unstored = tuple(stage for stage in plan.stages if stage.key in keys)
    return replace(plan, stages=tuple(stages), unstored=unstored, storing=plan if unstored else None)


@dataclass
class _Rewriting:
    """What became of the stages of a plan: instead of each that is not stored what is read and computed."""

    plan: Plan
    peaks: bool
    inputs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    computed: dict[str, tuple[ComputedInput, ...]] = field(default_factory=dict)

    def unstored(self, stage: Stage) -> list[Stage]:
        """The stage that measures what another would store, if it must be known."""
        own = ComputedInput(stage.outputs[0].path, stage.job, stage.halo.radius)
        self.computed[stage.key] = (own, *(part.farther(stage.halo.radius) for part in stage.computed))
        measured = [self.measuring(stage)] if MEASURED[type(stage.job)] else []
        self.inputs[stage.key] = (*(other.key for other in measured), *stage.inputs)
        return measured

    def measuring(self, stage: Stage) -> Stage:
        """The stage that measures what another would store, and keeps the strongest of masks if there are to be."""
        job, outputs = stage.job, stage.outputs[1:] if self.peaks else ()
        if isinstance(job, MaskJob):
            job = replace(job, out="", peak=peak_path(stage.key) if self.peaks else "")
            outputs = tuple(replace(output, path=job.peak) for output in outputs)
        else:
            assert isinstance(job, MergeJob | IngestJob)
            job, outputs = replace(job, out=""), ()
        return replace(stage, name=f"measure {stage.name}", key=measured_key(stage.key), job=job, outputs=outputs)

    def reader(self, stage: Stage) -> Stage:
        """A stage that computes what it reads of those that are not stored."""
        if not set(stage.inputs) & self.inputs.keys():
            return stage
        job = stage.job
        if isinstance(job, LevelJob) and self.peaks:
            return replace(stage, job=replace(job, peak=peak_path(job.raw)), inputs=(measured_key(job.raw),))
        computed = {part.path: part for part in self.parts(stage)}
        if isinstance(job, LevelJob):
            computed[job.peak] = self.strongest(job)
        if isinstance(job, FinishJob) and any(isinstance(part.job, MontageJob) for part in computed.values()):
            job = replace(job, part_chunks=PART_CHUNKS)
        inputs = dict.fromkeys(key for old in stage.inputs for key in self.inputs.get(old, (old,)))
        return replace(stage, job=job, inputs=tuple(inputs), computed=tuple(computed.values()))

    def parts(self, stage: Stage) -> list[ComputedInput]:
        """What a stage computes, and what that computes; what is read farthest comes last."""
        return sorted(
            (part for key in stage.inputs for part in self.computed.get(key, ())), key=lambda part: part.reach
        )

    def strongest(self, level: LevelJob) -> ComputedInput:
        """The strongest masks of a generator, computed when they are read."""
        mask = self.computed[level.raw][0]
        assert isinstance(mask.job, MaskJob)
        return replace(mask, path=level.peak, job=StrongestMask(mask.job, len(self.plan.stack)))


def peak_path(key: str) -> str:
    """Where the strongest masks of a generator lie that are not stored themselves."""
    return f"peak/{measured_key(key)}"
