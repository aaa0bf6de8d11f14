"""Stages that are computed when what they give is read, instead of being stored: the plan without their arrays."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace

from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.stages.masks import LevelJob, MaskJob, MergeJob
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.stages.stage import ComputedInput, Job, Stage, measured_key

#: Jobs whose values can be computed for any region, and whether numbers of the whole stack are needed of them.
MEASURED: dict[type[Job], bool] = {MaskJob: True, MergeJob: True, MontageJob: False}


def computable_stages(plan: Plan) -> list[Stage]:
    """The stages that need not be stored, in their order: local ones, montages only where they are read once."""
    return [
        stage for stage in plan.stages if type(stage.job) in MEASURED and not stage.whole and _read_once(plan, stage)
    ]


def _read_once(plan: Plan, stage: Stage) -> bool:
    """Whether a montage is read by one stage only, all planes at once; true of all that is no montage."""
    if not isinstance(stage.job, MontageJob):
        return True
    readers = [other.job for other in plan.stages if stage.key in other.inputs]
    behind = any(op.word1 == "background" for op in stage.job.layers)
    return stage.key not in plan.wanted and len(readers) == 1 and isinstance(readers[0], FinishJob) and not behind


def without_storing(plan: Plan, keys: Container[str]) -> Plan:
    """The plan with those of its stages ``keys`` computed when they are read.

    What the whole stack must be known of, the limits and the strongest of masks, is measured by a stage that stores
    nothing else. Keys and values of all other stages stay as they are.
    """
    stages: list[Stage] = []
    inputs: dict[str, tuple[str, ...]] = {}
    computed: dict[str, tuple[ComputedInput, ...]] = {}
    for stage in plan.stages:
        stage = _rewired(stage, inputs, computed)
        if stage.key not in keys:
            stages.append(stage)
            continue
        own = ComputedInput(stage.outputs[0].path, stage.job, stage.halo.radius)
        computed[stage.key] = (own, *(part.farther(stage.halo.radius) for part in stage.computed))
        measured = [_measuring(stage)] if MEASURED[type(stage.job)] else []
        stages += measured
        inputs[stage.key] = (*(other.key for other in measured), *stage.inputs)
    unstored = tuple(stage for stage in plan.stages if stage.key in keys)
    return replace(plan, stages=tuple(stages), unstored=unstored)


def _rewired(stage: Stage, inputs: dict[str, tuple[str, ...]], computed: dict[str, tuple[ComputedInput, ...]]) -> Stage:
    """A stage that reads what is computed now."""
    if not set(stage.inputs) & inputs.keys():
        return stage
    job = stage.job
    if isinstance(job, LevelJob):
        return replace(stage, job=replace(job, peak=_peak(job.raw)), inputs=(measured_key(job.raw),))
    read = _unique(part for key in stage.inputs for part in computed.get(key, ()))
    return replace(stage, inputs=tuple(dict.fromkeys(k for key in stage.inputs for k in inputs.get(key, (key,)))),
                   computed=read)  # fmt: skip


def _unique(parts: Iterable[ComputedInput]) -> tuple[ComputedInput, ...]:
    """One of each array, the one that is read farthest."""
    farthest = sorted(parts, key=lambda part: part.reach)
    return tuple({part.path: part for part in farthest}.values())


def _peak(key: str) -> str:
    """Where the strongest masks of a generator lie that are not stored themselves."""
    return f"peak/{measured_key(key)}"


def _measuring(stage: Stage) -> Stage:
    """The stage that measures what another would store, and keeps the strongest of masks."""
    job, key = stage.job, measured_key(stage.key)
    if isinstance(job, MaskJob):
        job = replace(job, out="", peak=_peak(stage.key))
        outputs = tuple(replace(output, path=job.peak) for output in stage.outputs[1:])
    else:
        assert isinstance(job, MergeJob)
        job, outputs = replace(job, out=""), ()
    return replace(stage, name=f"measure {stage.name}", key=key, job=job, outputs=outputs)
