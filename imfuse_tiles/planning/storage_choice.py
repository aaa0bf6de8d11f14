"""Which stages are stored and which are computed when they are read, so that a run fits its disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.computed_stages import computable_stages, without_storing
from imfuse_tiles.planning.disk import disk_growth, free_bytes, over_budget
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.work_plan import WorkPlan, survey
from imfuse_tiles.stages.masks import MaskJob, MergeJob
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.storage.store import Store

#: Free bytes that a run leaves on a disk unless it is told to store everything.
RESERVE = 1 << 30
#: What is computed when it is read, the first choice first: what costs least and is needed least when options change.
#: Last of all not even the strongest masks of each generator are.
UNSTORED: tuple[tuple[type, ...], ...] = ((), (MaskJob,), (MaskJob, MergeJob), (MaskJob, MergeJob, MontageJob))


def choose_storage(plan: Plan, store: Store, resources: Resources) -> Plan:
    """The plan with what ``resources.keep`` asks for stored: ``all``, ``source``, or with ``auto`` as much as fits.

    A stage that the store holds already stays stored. Where nothing fits, the plan is the one that takes least. Parts
    of one run must agree whatever the disk does, so for them ``auto`` is ``all``.
    """
    if resources.keep == "all" or (resources.keep == "auto" and resources.part):
        return plan
    choices = list(_choices(plan, store))
    if resources.keep == "source":
        return choices[-1]
    return next((choice for choice in choices if fits(survey(choice, store, resources), store)), choices[-1])


def least_disk(plan: Plan, store: Store, resources: Resources) -> int:
    """Bytes by which the store grows at the most when as little as possible is stored."""
    *_, least = _choices(plan, store)
    return disk_growth(survey(least, store, resources), resources.lean).most


def _choices(plan: Plan, store: Store) -> Iterator[Plan]:
    """The plans of a result that store everything, and less and less of it."""
    stages = [stage for stage in computable_stages(plan) if not (store.exists() and store.numbers.load(stage.key))]
    chosen = [{stage.key for stage in stages if isinstance(stage.job, kinds)} for kinds in UNSTORED]
    yield from (without_storing(plan, keys) for keys in chosen)
    yield without_storing(plan, chosen[-1], peaks=False)


def fits(work: WorkPlan, store: Store) -> bool:
    """Whether a run fits the disk with its result beside it, and the disk that it may take."""
    growth = disk_growth(work, work.resources.lean)
    need = max(growth.most, growth.end + work.stages[-1].bytes_in_all)
    if over_budget(need, store, work.resources):
        return False
    return not store.is_local or need <= free_bytes(Path(store.folder)) - RESERVE
