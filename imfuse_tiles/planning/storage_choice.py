"""Which stages are stored and which are computed when they are read, so that a run fits its disk."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.computed_stages import computable_stages, without_storing
from imfuse_tiles.planning.disk import bytes_held, disk_growth, free_bytes, over_budget
from imfuse_tiles.planning.machine_rates import load_rates
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.resume import CheckedStages
from imfuse_tiles.planning.run_costs import run_seconds
from imfuse_tiles.planning.work_plan import WorkPlan, survey
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.masks import MaskJob
from imfuse_tiles.stages.merged_masks import MergeJob
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.storage.store import Store

#: Free bytes that a run leaves on a disk unless it is told to store everything: so many, of small disks this part.
RESERVE, RESERVED_PART = 1 << 30, 0.05
#: Pixels of a stack of fewer than which the choice is not worth reckoning, and how much less time is clearly less;
#: and much less, for frames that are read where they lie must stay there as they are.
WORTH_RECKONING, CLEARLY, MUCH = 50_000_000, 0.97, 0.85
#: What is computed when it is read, the first choice first: what costs least and is needed least when options change.
#: Last of all not even the strongest masks of each generator are.
UNSTORED: tuple[tuple[type, ...], ...] = ((), (MaskJob,), (MaskJob, MergeJob), (MaskJob, MergeJob, MontageJob))
#: With so many of these merged masks are stored.
MASKED = 2


def choose_storage(plan: Plan, store: Store, resources: Resources) -> Plan:
    """The plan with what ``resources.keep`` asks for stored: ``all``, ``source``, or with ``auto`` what is fastest.

    With ``auto`` merged masks are stored if they fit, which makes a changed option cheap; of what fits then, the
    choice that is reckoned to take least time is taken, with frames copied or read where they lie. A stage that the
    store holds already stays stored. Where nothing fits, the plan is the one that takes least. Parts of one run must
    agree whatever the disk does, so for them ``auto`` is ``all``. Refusal when frames are not to be stored that must
    be.
    """
    if resources.ingest == "never":
        check_frames(plan)
    choices = _choices(plan, store, resources.ingest != "never")
    if resources.keep == "all" or (resources.keep == "auto" and resources.part):
        return choices[0]
    if resources.keep == "source":
        return choices[-1]
    in_place = _choices(plan, store, frames=False) if resources.ingest == "auto" else []
    held, checked = bytes_held(store, resources), CheckedStages()
    for tried in ((*choices[:MASKED], *in_place[:MASKED]), (*choices[MASKED:], *in_place[MASKED:])):
        works = [work for choice in tried if (work := _surveyed(choice, store, resources, checked))]
        if fitting := [work for work in works if fits(work, store, held)]:
            return fastest(fitting, store).plan
    return works[-1].plan if works else survey(choices[0], store, resources).plan


def _surveyed(plan: Plan, store: Store, resources: Resources, checked: CheckedStages) -> WorkPlan | None:
    """What there is to do for a plan; None where it does not fit the memory."""
    try:
        return survey(plan, store, resources, checked=checked)
    except Refusal:
        return None


def fastest(works: Sequence[WorkPlan], store: Store) -> WorkPlan:
    """The first plan, unless another is reckoned to take clearly less time and there is enough to reckon.

    Plans whose frames are read in place come last.
    """
    stack, best = works[0].plan.stack, works[0]
    if prod(stack.frame) * len(stack) < WORTH_RECKONING:
        return best
    rates = load_rates(store.folder if store.is_local else None)
    for work in works[1:]:
        less = CLEARLY
        if work.plan.frames_in_place and not best.plan.frames_in_place:
            less = MUCH if reads_again(work.plan) else 1.0
        if run_seconds(work, rates) < less * run_seconds(best, rates):
            best = work
    return best


def reads_again(plan: Plan) -> bool:
    """Whether frames are read again where an option of masks or cuts is changed."""
    return any(isinstance(stage.job, MaskJob | MontageJob) for stage in (plan.storing or plan).stages)


def copied_because(plan: Plan) -> str:
    """Why the frames of a plan must be copied into the store; empty where they can be read in parts where they lie."""
    whole = plan.storing or plan
    if whole.frames_key in {stage.key for stage in computable_stages(whole)}:
        return ""
    other = next((header for header in plan.stack.headers if not header.window_access), None)
    return f"{other.name} cannot be read in parts" if other else "frames are moved or prepared as they are read"


def check_frames(plan: Plan) -> None:
    """Refusal unless the frames of a plan can be read in parts where they lie."""
    reason = copied_because(plan)
    if not reason:
        return
    raise Refusal(
        f"--ingest=never: {reason}; allowed for uncompressed TIFFs and Zarr arrays "
        "of small chunks that are upright and not moved"
    )


def _choices(plan: Plan, store: Store, frames: bool) -> list[Plan]:
    """The plans of a result that store everything, and less and less of it. ``frames``: whether these are stored."""
    stages = [stage for stage in computable_stages(plan) if not (store.exists() and store.numbers.load(stage.key))]
    in_place = set() if frames else {stage.key for stage in stages if isinstance(stage.job, IngestJob)}
    chosen = [in_place | {stage.key for stage in stages if isinstance(stage.job, kinds)} for kinds in UNSTORED]
    return [*(without_storing(plan, keys) for keys in chosen), without_storing(plan, chosen[-1], peaks=False)]


def fits(work: WorkPlan, store: Store, held: int) -> bool:
    """Whether a run fits the disk with its result beside it, and the disk that it may take beside what is held."""
    growth = disk_growth(work, work.resources.lean)
    need = max(growth.most, growth.end + work.stages[-1].bytes_in_all)
    if over_budget(need, held, work.resources):
        return False
    free = free_bytes(Path(store.folder)) if store.is_local else None
    return free is None or need <= free - min(RESERVE, RESERVED_PART * free)
