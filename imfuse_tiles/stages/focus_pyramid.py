"""Fusion by local energy, one stage a level: from the finest, which decides with the coarser ones, and back."""

from __future__ import annotations

from collections.abc import Callable

from imfuse_tiles import kernels
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Halo
from imfuse_tiles.options.focus_pyramid import FocusPyramid, level_count
from imfuse_tiles.options.pyramid_level import CORE, Level
from imfuse_tiles.stages.focus_depth import depth as plan_depth
from imfuse_tiles.stages.level_detail import DetailJob
from imfuse_tiles.stages.level_picture import CoarsestJob, Restored, RestoreJob
from imfuse_tiles.stages.noise_level import NOISE_HALO, NoiseJob
from imfuse_tiles.stages.pair_copy import COPY_HALO, CopyPairJob
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.stages.stored_frames import StoredFrames

#: Pixels around a block that its samples are read from: core, energy's window, and one level up and down.
REACH = CORE.radius + kernels.detail_energy.RADIUS + 4
#: Slices of a stack of one near and one far.
PAIR = 2


@frozen
class Fused:
    """What is planned of a fusion: how its picture is read, and that of every level's pyramid, the coarsest first."""

    picture: StoredFrames
    restored: tuple[Restored, ...]


def plan_fusion(add: Callable[..., Stage], source: StoredFrames, key: str, fusion: FocusPyramid, total: int,
                depth: bool) -> Fused:  # fmt: skip
    """Plan a fusion of ``total`` slices with ``add``, which takes what makes a stage.

    ``key``: that of the stack; ``depth``: whether what a depth needs is kept, as it always is of two slices. The
    picture holds 16-bit codes (planes, 1, y, x), like a stack of one slice.
    """
    noise = ""
    if fusion.noise is None:
        noise = NoiseJob.key(key)
        add("measure noise", noise, NoiseJob(source, total), halo=NOISE_HALO, inputs=(key,))
    levels = plan_levels(add, source, key, fusion, total, noise, depth or total == PAIR)
    last, made = levels[-1]
    inputs: tuple[str, ...] = (made,)
    made = CoarsestJob.key(inputs)
    coarsest = last.next_slices
    base = CoarsestJob(coarsest, last.part("evidence"), total, f"pyramid/{made}")
    add("fuse coarsest level", made, base, base.output(), frame=coarsest.frame, inputs=inputs)
    below, restored = base.out, []
    for job, detail in reversed(levels):
        inputs = (detail, made)
        made = RestoreJob.key(*inputs)
        restore = RestoreJob(job, below, f"image/{made}")
        add(f"restore level {job.level.number}", made, restore, restore.output(), frame=job.level.frame, inputs=inputs)
        restored.append(Restored(restore, made, detail))
        below = restore.out
    if total == PAIR:
        below, made = pair_copied(add, source, key, restored)
    return Fused(StoredFrames(below, source.planes, source.frame, 65535.0, key=made), tuple(restored))


def pair_copied(add: Callable[..., Stage], source: StoredFrames, key: str,
                restored: list[Restored]) -> tuple[str, str]:  # fmt: skip
    """Plan what two slices give the fusion in place of its own: where the picture then lies, and its key."""
    depth, picture = plan_depth(add, restored, PAIR), restored[-1]
    inputs = (key, picture.key, depth.key)
    made = CopyPairJob.key(*inputs)
    job = CopyPairJob(source, picture.job, depth, f"image/{made}")
    add("copy from the pair", made, job, job.output(), halo=COPY_HALO, inputs=inputs)
    return job.out, made


def plan_levels(add: Callable[..., Stage], source: StoredFrames, key: str, fusion: FocusPyramid, total: int,
                noise: str, depth: bool) -> list[tuple[DetailJob, str]]:  # fmt: skip
    """Plan the levels of the pyramid from the finest on; the jobs with their keys."""
    slices, level, finer, made = source, Level(0, source.frame, source.full), "", key
    jobs: list[tuple[DetailJob, str]] = []
    while level.number < level_count(source.frame) - 1:
        inputs = (made, *((noise,) if noise else ()))
        made = DetailJob.key(inputs, level.number, str(fusion), depth)
        near = jobs[0][0].part("near") if level.number == 1 else ""
        job = DetailJob(slices, level, fusion, total, finer, noise, f"pyramid/{made}", near, depth)
        add(f"fuse level {level.number}", made, job, *job.outputs(), frame=level.frame, halo=Halo.uniform(REACH),
            inputs=inputs, grain=2)  # fmt: skip
        jobs.append((job, made))
        slices, level, finer = job.next_slices, level.coarser, job.part("evidence")
    return jobs
