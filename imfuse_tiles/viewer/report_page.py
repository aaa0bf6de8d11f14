"""The report of a run as a page that needs nothing else: what was done, how long it took, and what came of it."""

from __future__ import annotations

import base64
import html
import time
from collections.abc import Iterator, Sequence

from imfuse_tiles.execution.progress import StageReport
from imfuse_tiles.frozen import frozen
from imfuse_tiles.imageio.writing.encode_tile import encode_jpeg
from imfuse_tiles.planning.memory import format_size
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.contact_sheet import STYLE, thumbnail
from imfuse_tiles.viewer.layers import ViewLayer, is_finished, layers_of
from imfuse_tiles.viewer.report_curves import curves, section

#: What marks such a page.
MARK = "imfuse-tiles report"


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
    count = "1 frame" if len(plan.stack) == 1 else f"{len(plan.stack)} frames"
    title = html.escape(f"{plan.stack.headers[0].path.absolute().parent.name}: {count} fused")
    parts = [
        f"<h1>{title}</h1><p>{time.strftime('%Y-%m-%d %H:%M')}, {seconds:.1f} seconds</p>",
        f"<main>{''.join(_pictures(layers))}</main>",
        section("Command line", f"<pre>{html.escape(texts.command)}</pre>"),
        section("Options", f"<pre>{html.escape(str(plan.recipe))}</pre>"),
        section("Stages", _stages(stages, seconds)),
        *curves(layers, len(plan.stack)),
        _alignment(texts.alignment),
        section("Plan before the run", f"<pre>{html.escape(texts.plan)}</pre>"),
        section("Versions", f"<pre>{html.escape(texts.versions)}</pre>"),
    ]  # fmt: skip
    style = (
        f"{STYLE} pre {{ overflow-x: auto; white-space: pre-wrap; }} svg {{ max-width: 46rem; width: 100%; }} "
        "svg text { font-size: 11px; fill: #b5b5b5; } .stages th + th { text-align: right; } "
        ".stages tr:last-child { font-weight: 600; }"
    )
    head = f'<!doctype html><!-- {MARK} --><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    return f"{head}<style>{style}</style>{''.join(parts)}</html>\n"


def own_layers(plan: Plan, store: Store) -> list[ViewLayer]:
    """The layers of the run's stages."""
    keys = {stage.key for stage in plan.stages}
    return [layer for layer in layers_of(store, 0) if layer.key in keys and not layer.strokes]


def _alignment(lines: Sequence[str]) -> str:
    return section("Alignment", "".join(f"<p>{html.escape(line)}</p>" for line in lines)) if lines else ""


def _pictures(layers: dict[str, ViewLayer]) -> Iterator[str]:
    """The result and its maps, small."""
    for label in ("Result", "Mask", "Depth", "Confidence"):
        if label in layers:
            source = base64.b64encode(encode_jpeg(thumbnail(layers[label]))).decode()
            image = f'<img alt="{label}" src="data:image/jpeg;base64,{source}">'
            yield f"<figure>{image}<figcaption>{label}</figcaption></figure>"


def _stages(stages: Sequence[StageReport], seconds: float) -> str:
    """Time and bytes of every stage, and of all of a run that took so many seconds."""
    lines = [_row(each.name, each.blocks, each.reused, each.seconds, each.bytes_read, each.bytes_written)
             for each in stages]  # fmt: skip
    rest = max(0.0, seconds - sum(each.seconds for each in stages))
    lines.append(_row("starting, comparing frames, writing files", "", "", rest, None, None))
    blocks, reused = (sum(getattr(each, name) for each in stages) for name in ("blocks", "reused"))
    read, written = (sum(getattr(each, name) for each in stages) for name in ("bytes_read", "bytes_written"))
    lines.append(_row("in all", blocks, reused, seconds, read, written))
    head = "".join(f"<th>{each}</th>" for each in ("Stage", "Blocks", "Reused", "Seconds", "Read", "Written"))
    return f'<table class="stages"><tr>{head}</tr>{"".join(lines)}</table>'


def _row(
    name: str, blocks: int | str, reused: int | str, seconds: float, read: int | None, written: int | None
) -> str:  # fmt: skip
    cells = [html.escape(name), str(blocks), str(reused), f"{seconds:.2f}"]
    cells += ["" if size is None else format_size(size) for size in (read, written)]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
