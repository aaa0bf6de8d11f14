"""A plan as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from imfuse_tiles.execution.alignment_report import alignment_lines, alignment_record
from imfuse_tiles.execution.overviews import planned_overview_bytes
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import lay_out, memory_used
from imfuse_tiles.planning.disk import disk_growth
from imfuse_tiles.planning.memory import export_memory, format_size
from imfuse_tiles.planning.run_costs import reckon
from imfuse_tiles.planning.storage_choice import copied_because
from imfuse_tiles.planning.work_plan import StageWork, WorkPlan
from imfuse_tiles.stages.estimate_alignment import estimate_bytes
from imfuse_tiles.stages.stage import Stage
from imfuse_tiles.storage.store import Store


def stage_row(work: StageWork, resources: Resources) -> dict[str, Any]:
    """What the plan shows of one stage."""
    stage, blocks = work.stage, work.blocks
    return {
        "name": stage.name, "key": stage.key, "kind": stage.kind, "halo": stage.halo.radius,
        "blocks": work.block_count, "done": work.completed if work.needed else work.block_count,
        "tile": blocks.layout.edge, "chunk": blocks.layout.chunk, "task_bytes": blocks.block_bytes,
        "at_once": blocks.at_once, "memory_bytes": memory_used(resources, blocks),
        "stored": bool(stage.outputs), "disk_bytes": work.bytes_in_all,
        "files": work.file_count,
        "outputs": [output.path for output in stage.outputs],
        "error": stage.about.get("error"),
    }  # fmt: skip


def unstored_row(stage: Stage, resources: Resources) -> dict[str, Any]:
    """What the plan shows of a stage that is computed when it is read."""
    size = stage.bytes_on_disk(lay_out(stage, resources).layout)
    return {"name": stage.name, "key": stage.key, "halo": stage.halo.radius, "disk_bytes": size}


def plan_record(work: WorkPlan, store: Store, result_bytes: int = 0) -> dict[str, Any]:
    """The needs of the whole run, and of each stage. ``result_bytes``: of the files that are written in the end."""
    plan, resources = work.plan, work.resources
    rows = [stage_row(stage, resources) for stage in work.stages]
    costs = reckon(work, store)
    chunk = rows[-1]["chunk"]
    band = chunk if plan.recipe.layered else plan.result.outputs[0].chunks(plan.stack.frame, chunk)[-2]
    return {
        "options": str(plan.recipe), "slices": len(plan.stack), "height": plan.stack.frame[0],
        "width": plan.stack.frame[1], "store": store.root, "memory_limit": resources.memory,
        "front": plan.stack.headers[0].name, "back": plan.stack.headers[-1].name,
        "memory_bytes": max(export_memory(plan.stack.frame[1], band, resources),
                            *(row["memory_bytes"] for row in rows)),
        "disk_bytes": sum(row["disk_bytes"] for row in rows), "files": sum(row["files"] for row in rows),
        "disk_to_write_bytes": disk_growth(work, resources.lean).most,
        "disk_lean_bytes": disk_growth(work, lean=True).most,
        "overview_bytes": planned_overview_bytes(plan, store, resources), "result_bytes": result_bytes,
        "lean": resources.lean, "keep": resources.keep, "disk_limit": resources.disk,
        "frames_copied": copied_because(plan),
        "computed_when_read": [unstored_row(stage, resources) for stage in plan.unstored],
        "seconds": costs.seconds, "seconds_all_stored": costs.storing, "seconds_measured": costs.measured,
        "stages": rows,
        "alignment": alignment_record(plan.stack),
        "comparing_bytes": comparing_bytes(plan.stack, resources),
    }  # fmt: skip


def comparing_bytes(stack: Stack, resources: Resources) -> int:
    """Memory that comparing the frames takes at most, before the run; 0 where they are not compared."""
    return estimate_bytes(stack, resources.workers, resources.memory) if stack.alignment_key else 0


def plan_json(work: WorkPlan, store: Store, result_bytes: int = 0) -> str:
    """The plan as JSON."""
    return json.dumps(plan_record(work, store, result_bytes), indent=1)


def plan_text(work: WorkPlan, store: Store, result_bytes: int = 0) -> str:
    """A table for people."""
    whole = plan_record(work, store, result_bytes)
    lines = [
        f"{whole['slices']} slices of {whole['width']} x {whole['height']}: {whole['options'] or 'no options'}",
        f"front {whole['front']}, back {whole['back']}",
        *alignment_lines(work.plan.stack),
        *([f"comparing frames: at most {format_size(whole['comparing_bytes'])}"] if whole["comparing_bytes"] else []),
        f"store {whole['store']}",
        "",
        *_stage_table(whole),
        "",
        _time(whole, work.resources.workers),
        f"memory: at most {format_size(whole['memory_bytes'])} of {format_size(whole['memory_limit'])} allowed",
        f"disk: {format_size(whole['disk_bytes'])} in {whole['files']:,} files in all, {_to_write(whole)}",
        *([f"smaller levels of the result in the store: {format_size(whole['overview_bytes'])} more"]
          if whole["overview_bytes"] else []),
        *([f"files of the result: about {format_size(result_bytes)}"] if result_bytes else []),
    ]  # fmt: skip
    return "\n".join(lines)


def _stage_table(whole: dict[str, Any]) -> Iterator[str]:
    """A line for each stage, under their headings, and what is to be said of what is not stored."""
    yield (f"{'stage':<24} {'kind':<7} {'halo':>5} {'tile':>6} {'blocks':>8} {'done':>8} "
           f"{'memory per block':>16} {'disk':>9}")  # fmt: skip
    for row in whole["stages"]:
        sizes = f"{format_size(row['task_bytes']):>16} {format_size(row['disk_bytes']):>9}"
        yield (f"{row['name']:<24} {row['kind']:<7} {row['halo']:>5} {row['tile']:>6} {row['blocks']:>8} "
               f"{row['done']:>8} {sizes}")  # fmt: skip
        if row["error"] is not None:
            yield f"{'':<24} too large for one transform: near and far part, error about {row['error']:.1e}"
    for row in whole["computed_when_read"]:
        yield f"{row['name']:<24} computed when it is read; stored it would take {format_size(row['disk_bytes'])}"
    if whole["frames_copied"] and (whole["keep"] == "source" or whole["disk_limit"]):
        yield f"frames are copied: {whole['frames_copied']}"


def _time(whole: dict[str, Any], workers: int) -> str:
    """How long what is left takes, and what it costs or saves that not everything is stored."""
    if not whole["seconds"]:
        return "time: nothing is left to be computed"
    count = "one worker" if workers == 1 else f"{workers} workers"
    basis = "as measured on this machine" if whole["seconds_measured"] else "by typical figures"
    line = f"time: about {format_seconds(whole['seconds'])} by {count}, {basis}"
    if not whole["computed_when_read"]:
        return line
    return f"{line}; {format_seconds(whole['seconds_all_stored'])} with everything stored"


def format_seconds(seconds: float) -> str:
    """A time for people.

    >>> format_seconds(0.42), format_seconds(95), format_seconds(400), format_seconds(9000)
    ('0.4 s', '95 s', '6.7 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.2g} min" if seconds < 6000 else f"{seconds / 3600:.2g} h"


def _to_write(whole: dict[str, Any]) -> str:
    """What is still to be written; of a lean run how much more than now there will be at the same time."""
    lean, whole_run = format_size(whole["disk_lean_bytes"]), format_size(whole["disk_to_write_bytes"])
    if whole["lean"]:
        return f"at most {lean} more than now at the same time"
    hint = f" (with --lean at most {lean} more than now at the same time)" if lean != whole_run else ""
    return f"{whole_run} still to be written{hint}"
