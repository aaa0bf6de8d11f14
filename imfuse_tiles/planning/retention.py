"""Which stages a lean run may delete: what no stage to come reads, unless it was there before the run began."""

from __future__ import annotations

from collections.abc import Container, Iterable

from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.stage import Stage


def discardable_stages(plan: Plan, finished: Container[str], discarded_before: Container[str]) -> frozenset[str]:
    """Keys of the stages that a lean run may delete: what it computes itself, or an earlier lean run did.

    What was ``finished`` otherwise was made to be kept. Never the images as they were read, what is exported, and
    what is numbers only, which tell of stages that are gone.
    """
    return frozenset(
        stage.key
        for stage in plan.stages
        if stage.outputs and not isinstance(stage.job, IngestJob) and stage.key not in plan.wanted
        if stage.key in discarded_before or stage.key not in finished
    )


def unreferenced_stages(plan: Plan, keys: Container[str], ahead: Iterable[Stage]) -> list[Stage]:
    """Those of the stages ``keys`` that none of the stages ``ahead`` is or reads."""
    used = {key for stage in ahead for key in (stage.key, *stage.inputs)}
    return [stage for stage in plan.stages if stage.key in keys and stage.key not in used]
