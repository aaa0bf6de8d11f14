"""The report of a run as a page that needs nothing else: what was done, how long it took, and what came of it."""

from __future__ import annotations

import base64
import html
import time
from collections.abc import Iterator, Sequence

import numpy as np

from imfuse_tiles.execution.progress import StageReport
from imfuse_tiles.frozen import frozen
from imfuse_tiles.geometry import Region
from imfuse_tiles.imageio.writing.encode_tile import encode_jpeg
from imfuse_tiles.planning.memory import format_size
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.contact_sheet import STYLE, thumbnail
from imfuse_tiles.viewer.layers import ViewLayer, is_finished, layers_of
from imfuse_tiles.viewer.sparse_samples import sparse_samples

#: Bins of the histogram, samples along a side that are looked at, and what marks such a page.
BINS, LOOKED_AT, MARK = 64, 300, "imfuse-tiles report"


@frozen
class ReportTexts:
    """What a report says in words: the command line, the plan, the alignment found, and versions."""

    command: str
    plan: str
    alignment: Sequence[str]
    versions: str


def report_page(plan: Plan, store: Store, stages: Sequence[StageReport], seconds: float, texts: ReportTexts) -> str:
    """The page of a run that took ``seconds``."""
    layers = {layer.label: layer for layer in reversed(own_layers(plan, store)) if is_finished(layer)}
    parts = [
        f"<h1>{html.escape(plan.stack.headers[0].path.absolute().parent.name)}: {len(plan.stack)} frames fused</h1>",
        f"<p>{time.strftime('%Y-%m-%d %H:%M')}, {seconds:.1f} seconds</p>",
        f"<main>{''.join(_pictures(layers))}</main>",
        _section("Command line", f"<pre>{html.escape(texts.command)}</pre>"),
        _section("Options", f"<pre>{html.escape(str(plan.recipe))}</pre>"),
        _section("Stages", _stages(stages)),
        *_curves(plan, layers),
        _alignment(texts.alignment),
        _section("Plan", f"<pre>{html.escape(texts.plan)}</pre>"),
        _section("Versions", f"<pre>{html.escape(texts.versions)}</pre>"),
    ]  # fmt: skip
    style = STYLE + " pre { overflow-x: auto; white-space: pre-wrap; } svg { max-width: 46rem; width: 100%; }"
    head = f'<!doctype html><!-- {MARK} --><html lang="en"><meta charset="utf-8"><title>{MARK}</title>'
    return f"{head}<style>{style}</style>{''.join(parts)}</html>\n"


def own_layers(plan: Plan, store: Store) -> list[ViewLayer]:
    """The layers of the run's stages."""
    keys = {stage.key for stage in plan.stages}
    return [layer for layer in layers_of(store, 0) if layer.key in keys and not layer.strokes]


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def _alignment(lines: Sequence[str]) -> str:
    return _section("Alignment", "".join(f"<p>{html.escape(line)}</p>" for line in lines)) if lines else ""


def _pictures(layers: dict[str, ViewLayer]) -> Iterator[str]:
    """The result and its maps, small."""
    for label in ("Result", "Mask", "Depth", "Confidence"):
        if label in layers:
            source = base64.b64encode(encode_jpeg(thumbnail(layers[label]))).decode()
            image = f'<img alt="{label}" src="data:image/jpeg;base64,{source}">'
            yield f"<figure>{image}<figcaption>{label}</figcaption></figure>"


def _stages(stages: Sequence[StageReport]) -> str:
    """Time and bytes of every stage."""
    rows = "".join(
        f"<tr><td>{html.escape(stage.name)}</td><td>{stage.blocks}</td><td>{stage.reused}</td><td>{stage.seconds:.2f}</td>"
        f"<td>{format_size(stage.bytes_read)}</td><td>{format_size(stage.bytes_written)}</td></tr>"
        for stage in stages
    )  # fmt: skip
    head = "".join(f"<th>{each}</th>" for each in ("Stage", "Blocks", "Reused", "Seconds", "Read", "Written"))
    return f"<table><tr>{head}</tr>{rows}</table>"


def _curves(plan: Plan, layers: dict[str, ViewLayer]) -> Iterator[str]:
    """The histogram of the masks, and how much of the picture each slice is in front."""
    if masks := layers.get("Mask of slice"):
        counts = np.sum([np.histogram(looked_at(masks, z), BINS, (0, 1))[0] for z in range(masks.slices)], axis=0)
        marks = [limit for limit in masks.limits if 0 <= limit <= 1]
        words = f"weakest {100 * masks.limits[0]:.1f} %, strongest {100 * masks.limits[1]:.1f} %: marked"
        yield _section(
            "Masks",
            bars(np.log1p(counts), marks, f"Histogram of all merged masks on a logarithmic scale, 0 to 100 %; {words}"),
        )
    if depth := layers.get("Depth"):
        total = len(plan.stack)
        value, opacity = looked_at(depth, 0) / depth.full
        known = np.clip(np.rint(total - value[opacity > 0] * total), 1, total).astype(int)
        shares = np.bincount(known, minlength=total + 1)[1:]
        yield _section("Focus", bars(shares, [], f"How much of the picture each slice is in front, 1 to {total}"))


def looked_at(layer: ViewLayer, z: int) -> np.ndarray:
    """Samples (planes..., y, x) of a layer, about LOOKED_AT along a side."""
    step = max(1, max(layer.frame) // LOOKED_AT)
    array = layer.store.arrays.open(layer.path)
    found = sparse_samples(array, layer.lead(z), Region(0, layer.frame[0], 0, layer.frame[1]), step)
    return found.astype(np.float32).reshape(-1, *found.shape[-2:])


def bars(values: np.ndarray, marks: Sequence[float], caption: str) -> str:
    """Bars from left to right as SVG, with marks at shares of the width."""
    top, width = max(float(values.max()), 1e-9), 600 / len(values)
    shapes = "".join(
        f'<rect x="{number * width:.2f}" y="{120 - 116 * value / top:.2f}" width="{max(width - 1, 0.5):.2f}" '
        f'height="{116 * value / top:.2f}" fill="#7fb2e5"/>'
        for number, value in enumerate(values.tolist())
    )
    lines = "".join(
        f'<line x1="{600 * mark:.1f}" x2="{600 * mark:.1f}" y1="0" y2="120" stroke="#e5c07f" stroke-width="2"/>'
        for mark in marks
    )
    box = '<rect width="600" height="120" fill="#1e1e1e"/>'
    text = html.escape(caption, quote=True)
    return f'<svg viewBox="0 0 600 120" role="img" aria-label="{text}">{box}{shapes}{lines}</svg><p>{text}</p>'
