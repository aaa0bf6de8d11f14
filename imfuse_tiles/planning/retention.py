"""Runs that keep little: what no stage to come reads is deleted, unless it was there before the run began."""

from __future__ import annotations

from collections.abc import Container, Iterable

from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.inventory import passing
from imfuse_tiles.storage.store import Store


def spare(plan: Plan, store: Store) -> frozenset[str]:
    """Keys of the stages that a lean run may delete: what it computes itself, or an earlier lean run did.

    What is complete otherwise was made to be kept. Never the images as they were read, what is exported, and what
    is numbers only, which tell of stages that are gone.
    """
    there = store.exists()
    marked = passing(store) if there else frozenset()
    return frozenset(
        stage.key
        for stage in plan.stages
        if stage.outputs and not isinstance(stage.job, IngestJob) and stage.key not in plan.wanted
        if not there or stage.key in marked or store.numbers.load(stage.key) is None
    )


def spent(plan: Plan, spare: Container[str], ahead: Iterable[Stage]) -> list[Stage]:
    """The stages that may go while those ``ahead`` are still to be computed: none of these is or reads them."""
    used = {key for stage in ahead for key in (stage.key, *stage.inputs)}
    return [stage for stage in plan.stages if stage.key in spare and stage.key not in used]
