"""Histogram of masks and curve of focus of a finished run, as SVG in sections of a page."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from imfuse_tiles.geometry import Region
from imfuse_tiles.viewer.layers import ViewLayer, mask_values
from imfuse_tiles.viewer.sparse_samples import sparse_samples

#: Bins of the histogram, samples along a side that are looked at, ticks of an axis at most.
BINS, LOOKED_AT, TICKS = 64, 300, 12
#: Percent that the axis of the histogram tells.
PERCENTS = (0, 25, 50, 75, 100)


def curves(layers: Mapping[str, ViewLayer], total: int) -> Iterator[str]:
    """The histogram of the masks where there are any, and of ``total`` slices how much each is in front."""
    masks, slices = layers.get("Mask of slice"), layers.get("Mask of slice") or layers.get("Detail of slice")
    if masks:
        yield section("Masks", histogram(masks, "all merged masks"))
    elif mask := layers.get("Mask"):
        yield section("Masks", histogram(mask, "the masks of the slices in front"))
    if depth := layers.get("Depth"):
        yield section("Focus", focus(shares_in_front(depth, total), "is in front"))
    elif slices and slices.slices == total and total > 1:
        what = "has the strongest mask" if masks else "has the most detail"
        yield section("Focus", focus(strongest_shares(slices), what))


def section(title: str, content: str) -> str:
    """A section of the page."""
    return f"<section><h2>{title}</h2>{content}</section>"


def histogram(masks: ViewLayer, what: str) -> str:
    """How often masks are how strong, with marks where their level begins and ends."""
    slices = max(1, masks.slices)
    counts = np.sum([np.histogram(looked_at(masks, z) / masks.full, BINS, (0, 1))[0] for z in range(slices)], axis=0)
    ticks = [(percent / 100, f"{percent} %") for percent in PERCENTS]
    caption = f"Histogram of {what} on a logarithmic scale"
    if masks.slices:
        low, high = (f"{100 * limit:.1f} %" for limit in masks.limits)
        caption += f"; yellow: the weakest ({low}) and the strongest ({high})"
    marks = [limit for limit in masks.limits if 0 <= limit <= 1] if masks.slices else []
    return bars(np.log1p(counts), marks, caption, ticks)


def shares_in_front(depth: ViewLayer, total: int) -> np.ndarray:
    """The share of a depth map that each slice has, of what is known."""
    value, opacity = looked_at(depth, 0)[:2] / depth.full
    known = np.clip(np.rint(total - value[opacity > 0] * total), 1, total).astype(int)
    counts = np.bincount(known, minlength=total + 1)[1:]
    return np.asarray(counts / max(1, counts.sum()))


def strongest_shares(masks: ViewLayer) -> np.ndarray:
    """The share of the picture where each slice's mask is the strongest, of what has any."""
    best = mask_values(looked_at(masks, 0))
    number = np.where(best > 0, 1, 0)
    for z in range(1, masks.slices):
        values = mask_values(looked_at(masks, z))
        number[values > best] = z + 1
        best = np.maximum(best, values)
    counts = np.bincount(number.ravel(), minlength=masks.slices + 1)[1:]
    return np.asarray(counts / max(1, counts.sum()))


def focus(shares: np.ndarray, what: str) -> str:
    """The curve of focus."""
    total = len(shares)
    step = -(-total // TICKS)
    ticks = [((number + 0.5) / total, str(number + 1)) for number in range(0, total, step)]
    most = int(shares.argmax()) + 1
    caption = f"In how much of the picture each slice {what}: at most {100 * shares.max():.0f} % (slice {most})"
    return bars(shares, [], caption, ticks)


def looked_at(layer: ViewLayer, z: int) -> np.ndarray:
    """Samples (planes..., y, x) of a layer as they are stored, about LOOKED_AT along a side."""
    step = max(1, max(layer.frame) // LOOKED_AT)
    array = layer.store.arrays.open(layer.path)
    found = sparse_samples(array, layer.lead(z), Region(0, layer.frame[0], 0, layer.frame[1]), step)
    return found.reshape(-1, *found.shape[-2:])


def bars(
    values: np.ndarray, marks: Sequence[float], caption: str, ticks: Sequence[tuple[float, str]] = ()
) -> str:  # fmt: skip
    """Bars from left to right as SVG, with marks and named ticks at shares of the width."""
    top, width = max(float(values.max()), 1e-9), 600 / len(values)
    shapes = "".join(
        f'<rect x="{20 + number * width:.2f}" y="{120 - 116 * value / top:.2f}" width="{max(width - 1, 0.5):.2f}" '
        f'height="{116 * value / top:.2f}" fill="#7fb2e5"/>'
        for number, value in enumerate(values.tolist())
    )
    lines = "".join(
        f'<line x1="{20 + 600 * mark:.1f}" x2="{20 + 600 * mark:.1f}" y1="0" y2="120" stroke="#e5c07f" '
        'stroke-width="2"/>'
        for mark in marks
    )
    axis = "".join(
        f'<text x="{20 + 600 * place:.1f}" y="136" text-anchor="middle">{html.escape(name)}</text>'
        for place, name in ticks
    )
    box = '<rect x="20" width="600" height="120" fill="#1e1e1e"/>'
    text = html.escape(caption, quote=True)
    picture = f'<svg viewBox="0 0 640 142" role="img" aria-label="{text}">{box}{shapes}{lines}{axis}</svg>'
    return f"{picture}<p>{text}</p>"
