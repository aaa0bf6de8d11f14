"""What a run costs in time: kernels by their pixels, the store by its bytes, halos and what is computed again added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from imfuse_tiles.planning.machine_rates import MachineRates, Measured, export_name, load_rates, note_rates, stage_name
from imfuse_tiles.planning.typical_rates import machine_slowness
from imfuse_tiles.planning.work_plan import StageWork, WorkPlan, survey
from imfuse_tiles.stages import subtiles
from imfuse_tiles.stages.access import CHUNK
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.stages.level_detail import DetailJob, slice_reads
from imfuse_tiles.stages.level_picture import CoarsestJob
from imfuse_tiles.stages.mask_levels import LevelJob
from imfuse_tiles.stages.masks import PORTION, MaskJob, StrongestMask
from imfuse_tiles.stages.merged_masks import MergeJob
from imfuse_tiles.stages.montage import MontageJob
from imfuse_tiles.stages.noise_level import NoiseJob
from imfuse_tiles.storage.store import Store

#: How many times as long reading parts of frames takes as reading all rows.
WINDOWS = 1.7
#: Nanoseconds that a file takes to be written beside its bytes, and seconds that a stage takes beside its blocks.
FILE, STAGE = 3e5, 0.01


class StageTimes(Protocol):
    """What workers took for the blocks of a stage, in seconds and bytes."""

    computed: int
    busy: float
    compiling: float
    reading: float
    writing: float
    computing: float
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
    """Keep how fast a stage was computed and stored. ``folder``: of the store, None for one elsewhere.

    What was computed counts by the time that cores were at it, as other programs may have had them too; only reading
    files is mostly waiting.
    """
    share = report.computed / max(1, work.block_count)
    writing = max(report.writing / 4, report.writing - share * work.file_count * FILE / 1e9)
    waited = report.busy - report.compiling - report.reading - report.writing
    seconds = waited if work.stage.kind == "read" else min(waited, report.computing)
    note_rates(folder, Measured(
        stage_name(work.stage), int(share * pixels_of(work)), seconds,
        (report.bytes_written, writing), (report.bytes_read, report.reading),
    ))  # fmt: skip


def stage_seconds(work: WorkPlan, store: Store) -> dict[str, float]:
    """Seconds that each stage to be computed takes as a whole, by its key: less where blocks are computed at once."""
    rates = load_rates(store.folder if store.is_local else None)
    by_key = {stage.stage.key: stage for stage in work.stages}
    seconds = {}
    slowness = 1.0 if rates.kernels else machine_slowness()
    for stage in work.to_compute:
        rate = rates.measured_rate(stage_name(stage.stage))
        at_once = max(1, min(work.resources.workers, stage.block_count))
        computing = slowness * _computing(stage, rates) if rate is None else rate * pixels_of(stage)
        seconds[stage.stage.key] = STAGE + (computing + _moving(stage, by_key, rates)) / 1e9 / at_once
    return seconds


def file_seconds(files: Iterable[tuple[str, int]], store: Store) -> float:
    """Seconds that files of a result take, each by its ending and about its bytes."""
    rates = load_rates(store.folder if store.is_local else None)
    return sum(size * rates.of_name(export_name(ending)) for ending, size in files) / 1e9


def worker_seconds(work: StageWork, stages: Mapping[str, StageWork], rates: MachineRates) -> float:
    """Seconds that one worker takes for all that is left of a stage. ``stages``: those of the plan by their keys."""
    left = 1 - min(1.0, work.completed / max(1, work.block_count))
    return left * _whole_seconds(work, stages, rates)


def _whole_seconds(work: StageWork, stages: Mapping[str, StageWork], rates: MachineRates) -> float:
    return (_computing(work, rates) + _moving(work, stages, rates)) / 1e9


def _computing(work: StageWork, rates: MachineRates) -> float:
    """Nanoseconds of a stage's kernel, and of those of what is computed as it is read."""
    nanoseconds = own_pixels(work) * rates.of(work.stage.job)
    within = [part.job.mask for part in work.stage.computed if isinstance(part.job, StrongestMask)]
    for part in work.stage.computed:
        if part.job in within:  # the strongest of these masks is what is computed
            continue
        again = overlap(part_edge(work), part.reach)
        windows = WINDOWS * rows_share(work) if isinstance(part.job, IngestJob) else 1
        nanoseconds += area(work) * slices_read(work) * again * windows * rates.of(part.job)
    return nanoseconds


def _moving(work: StageWork, stages: Mapping[str, StageWork], rates: MachineRates) -> float:
    """Nanoseconds in which a stage reads what is stored and writes."""
    stored = sum(stages[key].bytes_in_all for key in work.stage.inputs if key in stages)
    again = overlap(work.blocks.layout.edge, work.stage.halo.radius)
    written = work.bytes_in_all * rates.write + work.file_count * FILE
    return stored * rates.read * again * slice_share(work) + written


def area(work: StageWork) -> int:
    """Pixels of a stage's frame."""
    return work.stage.frame[0] * work.stage.frame[1]


def pixels_of(work: StageWork) -> int:
    """Pixels that a stage computes, of all slices, with what it computes as it reads it."""
    return area(work) * slices_read(work) if work.stage.computed else own_pixels(work)


def own_pixels(work: StageWork) -> int:
    """Pixels that a stage's own kernel goes through."""
    job = work.stage.job
    return area(work) if isinstance(job, LevelJob) else area(work) * max(_depth([job]), work.stage.slices)


def slices_read(work: StageWork) -> int:
    """Slices that a stage goes through at every pixel."""
    return max(_depth([work.stage.job, *(part.job for part in work.stage.computed)]), work.stage.slices)


def _depth(jobs: Sequence[object]) -> int:
    """Slices that jobs go through: those of a montage, else of all frames; 1 where they do not go through any."""
    montages = [job.last - job.first + 1 for job in jobs if isinstance(job, MontageJob)]
    depths = [len(job.headers) for job in jobs if isinstance(job, IngestJob)]
    depths += [job.total for job in jobs if isinstance(job, DetailJob | CoarsestJob | NoiseJob)]
    depths += [job.slices for job in jobs if isinstance(job, StrongestMask)]
    return max(montages or depths, default=1)


def rows_share(work: StageWork) -> float:
    """The part of its frames' rows that a stage reads where they are read in place: those of its patches."""
    job = work.stage.job
    return job.rows_share if isinstance(job, NoiseJob) else 1.0


def slice_share(work: StageWork) -> float:
    """The part of its inputs that a stage reads: that of its slices; more than 1 where it reads them again."""
    job = work.stage.job
    if isinstance(job, DetailJob):
        return slice_reads(job)
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
