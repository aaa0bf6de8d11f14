"""What a run costs in time: kernels by their pixels, the store by its bytes, halos and what is computed again added."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from imfuse_tiles.planning.machine_rates import MachineRates, Measured, load_rates, note_rates
from imfuse_tiles.planning.work_plan import StageWork, WorkPlan, survey
from imfuse_tiles.stages import subtiles
from imfuse_tiles.stages.access import CHUNK
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.masks import PORTION, LevelJob, MaskJob, MergeJob
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.storage.store import Store

#: How many times as long reading parts of frames takes as reading all rows.
WINDOWS = 2.0


class StageTimes(Protocol):
    """What workers took for the blocks of a stage, in seconds and bytes."""

    computed: int
    busy: float
    compiling: float
    reading: float
    writing: float
    bytes_read: int
    bytes_written: int


class RunCosts(NamedTuple):
    """Seconds that a run takes, and that it would with everything stored; whether the store was measured here."""

    seconds: float
    storing: float
    measured: bool


def reckon(work: WorkPlan, store: Store) -> RunCosts:
    """What a run costs in time beside storing everything."""
    rates = load_rates(store.folder if store.is_local else None)
    seconds = run_seconds(work, rates)
    storing = work.plan.storing
    stored = run_seconds(survey(storing, store, work.resources), rates) if storing else seconds
    return RunCosts(seconds, stored, rates.measured)


def run_seconds(work: WorkPlan, rates: MachineRates) -> float:
    """Seconds that the stages to be computed take together, by as many workers as there are."""
    by_key = {stage.stage.key: stage for stage in work.stages}
    return sum(worker_seconds(stage, by_key, rates) for stage in work.to_compute) / work.resources.workers


def note_stage(work: StageWork, report: StageTimes, folder: Path | None) -> None:
    """Keep how fast a stage was computed and stored. ``folder``: of the store, None for one elsewhere."""
    share = report.computed / max(1, work.block_count)
    seconds = report.busy - report.compiling - report.reading - report.writing
    note_rates(folder, Measured(
        None if work.stage.computed else work.stage.job, int(share * pixels_of(work)), seconds,
        (report.bytes_written, report.writing), (report.bytes_read, report.reading),
    ))  # fmt: skip


def worker_seconds(work: StageWork, stages: Mapping[str, StageWork], rates: MachineRates) -> float:
    """Seconds that one worker takes for all that is left of a stage. ``stages``: those of the plan by their keys."""
    stage = work.stage
    left = 1 - min(1.0, work.completed / max(1, work.block_count))
    reach, edge = stage.halo.radius, work.blocks.layout.edge
    nanoseconds = pixels_of(work) * rates.of(stage.job) + work.bytes_in_all * rates.write
    stored = sum(stages[key].bytes_in_all for key in stage.inputs if key in stages)
    nanoseconds += stored * rates.read * overlap(edge, reach) * slice_share(work)
    for part in stage.computed:
        again = overlap(part_edge(work), part.reach)
        windows = WINDOWS if isinstance(part.job, IngestJob) else 1
        nanoseconds += area(work) * slices_read(work) * again * windows * rates.of(part.job)
    return left * nanoseconds / 1e9


def area(work: StageWork) -> int:
    """Pixels of a stage's frame."""
    return work.stage.frame[0] * work.stage.frame[1]


def pixels_of(work: StageWork) -> int:
    """Pixels that a stage computes, of all slices."""
    if isinstance(work.stage.job, LevelJob):
        return area(work)
    return area(work) * slices_read(work)


def slices_read(work: StageWork) -> int:
    """Slices that a stage goes through at every pixel."""
    jobs = [work.stage.job, *(part.job for part in work.stage.computed)]
    montages = [job.last - job.first + 1 for job in jobs if isinstance(job, MontageJob)]
    if montages:
        return max(montages)
    depth = max((len(job.headers) for job in jobs if isinstance(job, IngestJob)), default=1)
    return max(depth, work.stage.slices)


def slice_share(work: StageWork) -> float:
    """The part of its inputs that a stage reads: that of its slices."""
    job = work.stage.job
    return (job.last - job.first + 1) / job.total if isinstance(job, MontageJob) else 1.0


def part_edge(work: StageWork) -> int:
    """Edge in pixels of what a stage computes at once: its block, or a part of it."""
    edge, stage = work.blocks.layout.edge, work.stage
    if not isinstance(stage.job, MaskJob | MergeJob):
        return edge
    return min(edge, CHUNK * subtiles.subtile_side(stage.halo.radius, CHUNK, **PORTION))


def overlap(edge: int, reach: int) -> float:
    """How many times as many pixels a window has as the square of ``edge`` that it is read for."""
    return ((edge + 2 * reach) / edge) ** 2
