"""The pictures of a video of a run: the sweep of focus through its slices, or its montage as it grows with them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from imfuse_tiles.errors import Refusal
from imfuse_tiles.geometry import Region
from imfuse_tiles.kernels.halve import halve
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.stages.stored_frames import COVERAGE
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.layer_tiles import eight_bit_values
from imfuse_tiles.viewer.layers import ViewLayer
from imfuse_tiles.viewer.report_page import own_layers
from imfuse_tiles.viewer.sparse_samples import sparse_frame_samples, sparse_samples
from imfuse_tiles.viewer.tile_images import colours_of, over_backdrop

#: Pixels of a video's longer side and slices in it at most.
LONGEST, MOST_SLICES = 1280, 400


def check_subject(plan: Plan, subject: str) -> None:
    """Refusal where a montage is to grow whose depth the run does not write."""
    if subject == "montage" and not plan.maps:
        raise Refusal("--video-of=montage needs the depth of the result: add --extra")


def video_pictures(plan: Plan, store: Store, subject: str) -> Iterator[np.ndarray]:
    """Pictures (y, x, 3) uint8 of a finished run, a slice each from the front to the back, then the result.

    "sweep": the slices as they are. "montage": the result where its depth has come to the slice, the slice behind.
    """
    layers = {layer.label: layer for layer in own_layers(plan, store)}
    result = layers["Result"]
    reduction = max(0, -(-max(result.frame) // LONGEST) - 1).bit_length()
    fused = coloured(result, reduced(stored(result, reduction), reduction))
    front = front_slices(layers["Depth"], reduction, len(plan.stack)) if subject == "montage" else None
    for number in chosen_slices(len(plan.stack)):
        samples = reduced(slice_samples(plan, store, result, number, reduction), reduction)
        picture = eight_bit_values(result, samples)
        shown = np.dstack([picture[min(plane, len(picture) - 1)] for plane in range(3)])
        if plan.stack.covered:
            shown = over_backdrop(shown, slice_coverage(plan, store, number, reduction))
        yield shown if front is None else np.where(front[..., None] <= number + 1, fused, shown)
    yield fused


def chosen_slices(count: int) -> list[int]:
    """The slices that are shown, from 0: all, or evenly so many as a video holds."""
    shown = min(count, MOST_SLICES)
    return [round(number * (count - 1) / max(1, shown - 1)) for number in range(shown)]


def sampling(reduction: int) -> int:
    """Of a reduced frame every so many rows and columns are read: two each way for a pixel, whatever its size."""
    return 1 << max(0, reduction - 1)


def reduced(samples: np.ndarray, reduction: int) -> np.ndarray:
    """Sampled planes at the size of the video."""
    return halve(samples) if reduction else samples


def stored(layer: ViewLayer, reduction: int) -> np.ndarray:
    """Planes (n, y, x) of a layer at the sampling of a reduction."""
    height, width = layer.frame
    array = layer.store.arrays.open(layer.path)
    found = sparse_samples(array, layer.lead(0), Region(0, height, 0, width), sampling(reduction))
    return found.reshape(-1, *found.shape[-2:])


def slice_samples(plan: Plan, store: Store, result: ViewLayer, number: int, reduction: int) -> np.ndarray:
    """Planes (1 or 3, y, x) of a slice at the sampling of a reduction, from the store or its file."""
    height, width = result.frame
    step, region = sampling(reduction), Region(0, height, 0, width)
    planes = 3 if plan.stack.planes >= 3 else 1
    lead = [(0, planes), (number, number + 1)]
    if plan.frames_in_place:
        return sparse_frame_samples(plan.frames_in_place, store, lead, region, step)[:, 0]
    return sparse_samples(store.arrays.open(plan.frames_path), lead, region, step)[:, 0]


def slice_coverage(plan: Plan, store: Store, number: int, reduction: int) -> np.ndarray:
    """How much of each pixel of a slice is picture, float32 (y, x) in 0..1."""
    array = store.arrays.open(plan.frames_path + COVERAGE)
    height, width = plan.stack.frame
    found = sparse_samples(array, [(number, number + 1)], Region(0, height, 0, width), sampling(reduction))
    return np.asarray(reduced(found.astype(np.float32), reduction)[0])


def coloured(layer: ViewLayer, samples: np.ndarray) -> np.ndarray:
    """Planes of a result as (y, x, 3) uint8."""
    pixels = colours_of(layer, eight_bit_values(layer, samples))
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def front_slices(depth: ViewLayer, reduction: int, total: int) -> np.ndarray:
    """The number of the slice in front (y, x), from 1; 0 where it is not known."""
    value, opacity = stored(depth, reduction)[:, :: 1 + (reduction > 0), :: 1 + (reduction > 0)]
    number = np.clip(np.rint(total - value / depth.full * total), 1, total).astype(int)
    return np.where(opacity > 0, number, 0)
