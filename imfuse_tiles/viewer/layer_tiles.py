"""Tiles of a layer at any zoom, from the chunks of the store: 8-bit values, halved again and again.

A tile at reduction r shows TILE * 2**r pixels of the frame. Deep reductions of large pictures are made from those
below them, which takes a while the first time and is then kept; until then a sparse look at every 2**r-th pixel is
shown. No more than a few tiles are in memory, whatever the frame's size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from imfuse_tiles.execution.picture_stores import retouched_result
from imfuse_tiles.geometry import Region
from imfuse_tiles.kernels.eight_bits import eight_bits
from imfuse_tiles.kernels.halve import halve
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.ingest import IngestJob
from imfuse_tiles.storage.chunked_array import Damaged
from imfuse_tiles.viewer.layers import ViewLayer, is_finished, mask_values
from imfuse_tiles.viewer.sparse_samples import sparse_frame_samples, sparse_samples
from imfuse_tiles.viewer.tile_cache import TileCache

#: Edge of a tile in pixels.
TILE = 512
#: Reductions from which on tiles are kept, and up to which they are computed while somebody waits for them; one less
#: for frames of more pixels, which the disk may have to be waited for.
KEPT, AT_ONCE, LARGE = 2, 3, 100_000_000
#: Rows of a chunk that are read for a sparse tile that a better one follows: each waits for the disk.
ROWS = 4

Place = tuple[int, int, int]  # reduction, row, column


def tile_region(layer: ViewLayer, place: Place) -> Region:
    """The part of the frame that a tile shows; empty outside the frame."""
    reduction, row, column = place
    edge, (height, width) = TILE << reduction, layer.frame
    return Region(row * edge, min((row + 1) * edge, height), column * edge, min((column + 1) * edge, width))


def is_inside(layer: ViewLayer, place: Place) -> bool:
    """Whether there is such a tile."""
    region = tile_region(layer, place)
    return min(place) >= 0 and region.y0 < region.y1 and region.x0 < region.x1 and place[0] <= deepest(layer)


def deepest(layer: ViewLayer) -> int:
    """The reduction at which the whole frame is one tile."""
    return max(0, (max(layer.frame) - 1) // TILE).bit_length()


def tile_values(layer: ViewLayer, z: int, place: Place, cache: TileCache) -> tuple[np.ndarray, bool]:
    """A tile's planes (n, y, x) uint8, and whether they are final: not sparse and of a finished stage."""
    if not is_finished(layer):
        return sparse_values(layer, z, place), False
    if not is_made(layer, z, place, cache):
        if layer.plain and (below := cache.load(layer.plain, z, place)) is not None:
            return with_planes_of(layer, below), False
        return sparse_values(layer, z, place, ROWS), False
    return reduced_values(layer, z, place, cache), True


def is_made(layer: ViewLayer, z: int, place: Place, cache: TileCache) -> bool:
    """Whether a tile of a finished layer can be had at once, from what is kept or below it."""
    at_once = AT_ONCE - (layer.frame[0] * layer.frame[1] > LARGE)
    return place[0] <= at_once or cache.load(layer.touched(tile_region(layer, place)), z, place) is not None


def reduced_values(layer: ViewLayer, z: int, place: Place, cache: TileCache) -> np.ndarray:
    """A tile's planes (n, y, x) uint8 by halving those below it; kept from reduction KEPT on. Damaged as the store."""
    under = layer.touched(tile_region(layer, place))
    return with_planes_of(layer, _reduced_values(under, z, place, cache))


def with_planes_of(layer: ViewLayer, values: np.ndarray) -> np.ndarray:
    """A tile's planes of a layer, or of the one that its strokes lie over: with the opacity that this may lack."""
    if len(values) == layer.planes[1] - layer.planes[0] or layer.plain is None:
        return values
    return np.concatenate([values, np.full_like(values[:1], 255)])


def _reduced_values(layer: ViewLayer, z: int, place: Place, cache: TileCache) -> np.ndarray:
    """The same, of a layer with those strokes only that touch the tile."""
    reduction = place[0]
    if reduction == 0:
        region = tile_region(layer, place)
        return eight_bit_values(layer, plain_samples(layer, z, region))
    if reduction >= KEPT and (kept := cache.load(layer, z, place)) is not None:
        return kept
    rows: list[np.ndarray] = []
    for row in (0, 1):
        parts = [halve(reduced_values(layer, z, below, cache)) for below in children(layer, place, row)]
        rows += [np.concatenate(parts, axis=2)] if parts else []
    values = np.concatenate(rows, axis=1)
    if reduction >= KEPT:
        cache.save(layer, z, place, values)
    return values


def children(layer: ViewLayer, place: Place, row: int) -> Iterator[Place]:
    """The tiles of one row that a tile is halved from, left to right."""
    for column in (0, 1):
        below = place[0] - 1, 2 * place[1] + row, 2 * place[2] + column
        if is_inside(layer, below):
            yield below


def build_pyramid(layer: ViewLayer, z: int, cache: TileCache) -> Iterator[None]:
    """Make all that is kept of a layer, tile after tile: the parts of a deep one, then itself, then the next one's."""
    yield from _build_tile(layer, z, (deepest(layer), 0, 0), cache)


def _build_tile(layer: ViewLayer, z: int, place: Place, cache: TileCache) -> Iterator[None]:
    if place[0] < KEPT or cache.load(layer.touched(tile_region(layer, place)), z, place) is not None:
        return
    for row in (0, 1):
        for below in children(layer, place, row):
            yield from _build_tile(layer, z, below, cache)
    reduced_values(layer, z, place, cache)
    yield


def plain_samples(layer: ViewLayer, z: int, region: Region) -> np.ndarray:
    """Samples (planes, y, x) of a region as they are stored."""
    access = Access(layer.store)
    if layer.strokes:
        access.computed[layer.path] = retouched_result(
            layer.store, layer.path, layer.source, layer.strokes, layer.frames
        )
    elif layer.frames and layer.slices:  # else they are those that strokes take
        access.computed[layer.path] = IngestJob(layer.frames, "")
    samples = access.read(layer.path, layer.lead(z), region)
    return samples.reshape(-1, *region.shape)


def sparse_values(layer: ViewLayer, z: int, place: Place, most_rows: int = 0) -> np.ndarray:
    """A tile of every 2**r-th pixel; 0 with opacity 0, or black, where nothing is computed yet.

    ``most_rows``: of a chunk that are read, 0: all.
    """
    step, region = 1 << place[0], tile_region(layer, place)
    if layer.frames and layer.slices:
        found = sparse_frame_samples(layer.frames, layer.store, layer.lead(z), region, step)
        return eight_bit_values(layer, found[:, 0])
    try:
        array = layer.store.arrays.open(layer.path)
    except Damaged:
        shape = -(-(region.y1 - region.y0) // step), -(-(region.x1 - region.x0) // step)
        return np.zeros((layer.planes[1] - layer.planes[0], *shape), np.uint8)
    samples = sparse_samples(array, layer.lead(z), region, step, most_rows)
    return eight_bit_values(layer, samples.reshape(-1, *samples.shape[-2:]))


def eight_bit_values(layer: ViewLayer, samples: np.ndarray) -> np.ndarray:
    """Samples as uint8 of the range that is shown."""
    if layer.kind == "mask" and layer.slices:
        samples = mask_values(samples)
    if samples.dtype != np.float32:
        return eight_bits(samples)
    low, high = layer.limits
    shares = np.clip((samples - np.float32(low)) / np.float32(high - low), 0, 1)
    return (shares * 255 + np.float32(0.5)).astype(np.uint8)
