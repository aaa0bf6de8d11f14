"""A plan as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.block_layout import check, laid_out, taken
from imfuse_tiles.planning.disk import growth
from imfuse_tiles.planning.memory import exporting, shown
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.resume import needed
from imfuse_tiles.stages.stage import Layout, Stage
from imfuse_tiles.storage.store import Store


def plan_rows(plan: Plan, store: Store, resources: Resources) -> list[dict[str, Any]]:
    """One record for each stage; Refusal when one does not fit the memory."""
    check(plan.stages, resources)
    todo = {stage.key for stage in (needed(plan, store) if store.exists() else plan.stages)}
    return [_row(stage, store, resources, stage.key in todo) for stage in plan.stages]


def _row(stage: Stage, store: Store, resources: Resources, todo: bool) -> dict[str, Any]:
    cut = laid_out(stage, resources, Layout.of(store.journal(stage.key).layout()))
    blocks = stage.count(cut.layout)
    done = len(store.journal(stage.key).completed_blocks()) if todo else blocks
    return {
        "name": stage.name, "key": stage.key, "kind": stage.kind, "halo": stage.halo.reach, "blocks": blocks,
        "done": done, "tile": cut.layout.edge, "chunk": cut.layout.chunk, "task_bytes": cut.block_bytes,
        "at_once": cut.at_once, "memory_bytes": taken(resources, cut),
        "disk_bytes": stage.bytes_on_disk(cut.layout), "outputs": [output.path for output in stage.outputs],
        "error": stage.about.get("error"),
    }  # fmt: skip


def totals(plan: Plan, store: Store, resources: Resources, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The needs of the whole run."""
    chunk = rows[-1]["chunk"]
    band = chunk if plan.recipe.layered else plan.result.outputs[0].chunks(plan.stack.frame, chunk)[-2]
    return {
        "options": str(plan.recipe), "slices": len(plan.stack), "height": plan.stack.frame[0],
        "width": plan.stack.frame[1], "store": store.root, "memory_limit": resources.memory,
        "memory_bytes": max(exporting(plan.stack.frame[1], band, resources),
                            *(row["memory_bytes"] for row in rows)),
        "disk_bytes": sum(row["disk_bytes"] for row in rows),
        "disk_to_write_bytes": growth(plan, store, resources).most,
        "disk_lean_bytes": growth(plan, store, replace(resources, lean=True, part=None)).most, "lean": resources.lean,
        "stages": rows,
    }  # fmt: skip


def plan_json(plan: Plan, store: Store, resources: Resources) -> str:
    return json.dumps(totals(plan, store, resources, plan_rows(plan, store, resources)), indent=1)


def plan_text(plan: Plan, store: Store, resources: Resources) -> str:
    """A table for people."""
    rows = plan_rows(plan, store, resources)
    whole = totals(plan, store, resources, rows)
    lines = [
        f"{whole['slices']} slices of {whole['width']} x {whole['height']}: {whole['options'] or 'no options'}",
        f"store {whole['store']}",
        "",
        f"{'stage':<20} {'kind':<7} {'halo':>5} {'tile':>6} {'blocks':>8} {'done':>8} {'a task':>9} {'disk':>9}",
    ]
    for row in rows:
        lines.append(
            f"{row['name']:<20} {row['kind']:<7} {row['halo']:>5} {row['tile']:>6} {row['blocks']:>8} "
            f"{row['done']:>8} {shown(row['task_bytes']):>9} {shown(row['disk_bytes']):>9}"
        )
        if row["error"] is not None:
            lines.append(f"{'':<20} too large for one transform: near and far part, error about {row['error']:.1e}")
    lines += [
        "",
        f"memory: at most {shown(whole['memory_bytes'])} of {shown(whole['memory_limit'])} allowed",
        f"disk: {shown(whole['disk_bytes'])} in all, {_to_write(whole)}",
    ]
    return "\n".join(lines)


def _to_write(whole: dict[str, Any]) -> str:
    """What is still to be written, or how much more than now there will be at once where a lean run writes it."""
    lean, all = shown(whole["disk_lean_bytes"]), shown(whole["disk_to_write_bytes"])
    if whole["lean"]:
        return f"at most {lean} more than now at once"
    return f"{all} still to be written" + (
        f" (with --lean at most {lean} more than now at once)" if lean != all else ""
    )
