"""What a store holds at one pixel: values of every layer, the slice that won, the masks of all slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from imfuse_tiles.geometry import Region
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.viewer.layers import ViewLayer, mask_values
from imfuse_tiles.viewer.sparse_samples import sparse_samples


def pixel_values(layers: Sequence[ViewLayer], x: float, y: float, slice_count: int) -> dict[str, Any]:
    """What there is at a place, given as shares 0..1 of the frame: values of layers in percent, masks, the winner.

    ``winner``: the number of the slice in front, from 1, by the depth, or by the strongest mask; None: unknown.
    """
    found: dict[str, Any] = {"values": [], "curve": None, "winner": None}
    for layer in layers:
        samples = pixel_samples(layer, x, y)
        if samples is None:
            continue
        if layer.kind == "mask" and layer.slices:
            curve = [round(float(value), 5) for value in samples.ravel()]
            found["curve"] = found["curve"] or {"label": layer.label, "values": curve}
        elif not layer.slices:
            percent = [round(100 * float(value) / layer.full, 2) for value in samples.ravel()]
            found["values"].append({"layer": layer.id, "label": layer.label, "percent": percent})
            if layer.kind == "depth" and found["winner"] is None and percent[-1] > 0:
                found["winner"] = winner_of_depth(percent[0] / 100, slice_count)
    if found["winner"] is None and found["curve"] and max(found["curve"]["values"]) > 0:
        found["winner"] = int(np.argmax(found["curve"]["values"])) + 1
    return found


def winner_of_depth(depth: float, total: int) -> int | None:
    """The slice, from 1, of a depth value: (total - number) / total."""
    return None if total < 1 else min(max(total - round(depth * total), 1), total)


def pixel_samples(layer: ViewLayer, x: float, y: float) -> np.ndarray | None:
    """Samples of a layer at a place, of all slices if it has them; None where nothing is written yet."""
    height, width = layer.frame
    row, column = min(int(y * height), height - 1), min(int(x * width), width - 1)
    region = Region(row, row + 1, column, column + 1)
    try:
        array = layer.store.arrays.open(layer.path)
    except Damaged:
        return None
    if layer.kind == "mask" and layer.slices:
        return mask_values(sparse_samples(array, [(0, layer.slices)], region, 1))
    if layer.slices:
        return None
    return sparse_samples(array, layer.lead(0), region, 1)
