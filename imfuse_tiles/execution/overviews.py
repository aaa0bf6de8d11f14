"""A store as an image for viewers of OME-Zarr: the latest result, with smaller levels beside it.

The store's own metadata say where the levels are: level 0 is the result's array, whose bytes stay as they are; level N
is the array ``overviews/KEY/N``. Whoever removes the result removes its levels with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np

from imfuse_tiles.execution.stored_results import StoredResult, find_result
from imfuse_tiles.geometry import Frame, Region
from imfuse_tiles.imageio.writing.ome_zarr_metadata import axes, channel, transformations
from imfuse_tiles.imageio.writing.picture import Picture
from imfuse_tiles.imageio.writing.pyramid import Pyramid, TileIndex, levels_to, pyramid_tiles
from imfuse_tiles.options.resources import Resources
from imfuse_tiles.planning.disk import free_bytes
from imfuse_tiles.planning.machine_rates import note_export
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.typical_rates import LEVELS
from imfuse_tiles.stages.access import Access
from imfuse_tiles.stages.final import FinishJob
from imfuse_tiles.storage.chunked_array import ChunkedArray, Damaged
from imfuse_tiles.storage.json_values import get_nested, read_json, write_json
from imfuse_tiles.storage.store import Store
from imfuse_tiles.storage.store_metadata import write_store_metadata
from imfuse_tiles.storage.sweep import sweep_store

EDGE = 512
#: A result of more pixels a side gets its smaller levels without being asked.
LARGE = 4096
#: The planes of a result after its colours.
RESULT_PLANES = ("opacity", "mask", "depth", "depth opacity")
COLOURS = {1: (("grey", "FFFFFF"),), 3: (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))}


def pyramid_of(result: StoredResult) -> Pyramid:
    """The levels and tiles of a result."""
    return Pyramid(result.frame, len(plane_names(result)), "uint16", EDGE, levels_to(result.frame, EDGE))


def plane_names(result: StoredResult) -> tuple[str, ...]:
    """What the planes of a result's array are."""
    return tuple(name for name, _ in _named_planes(result))


def _named_planes(result: StoredResult) -> tuple[tuple[str, str], ...]:
    others = RESULT_PLANES[: 4 if result.maps else 1]
    return COLOURS[result.colours] + tuple((name, "FFFFFF") for name in others)


def level_paths(store: Store, result: StoredResult) -> list[str]:
    """The arrays of a result's levels, the result itself first; that alone where its levels are not complete."""
    smaller = [_path(result, level) for level in range(1, pyramid_of(result).levels)]
    return [result.path, *(smaller if has_overviews(store, result) else ())]


def has_overviews(store: Store, result: StoredResult) -> bool:
    """Whether all smaller levels of a result were written."""
    return get_nested(read_json(store.files, _group(result)), "attributes", "imfuse_tiles", "complete") is True


def overview_bytes(result: StoredResult) -> int:
    """Bytes of the smaller levels."""
    return bytes_of_levels(pyramid_of(result))


def planned_overview_bytes(plan: Plan, store: Store, resources: Resources) -> int:
    """Bytes of the smaller levels that the result of a run gets beside it, unless the disk is nearly full; 0 for none.

    None are made of a result that is not large, nor where a run is to take little of the disk.
    """
    job = plan.result.job
    assert isinstance(job, FinishJob)
    if not _gets_levels(plan.stack.frame, store, resources):
        return 0
    return bytes_of_levels(Pyramid(plan.stack.frame, job.depth, "uint16", EDGE, levels_to(plan.stack.frame, EDGE)))


def _gets_levels(frame: Frame, store: Store, resources: Resources) -> bool:
    return max(frame) > LARGE and store.is_local and not resources.lean and resources.disk is None


def bytes_of_levels(pyramid: Pyramid) -> int:
    """Bytes of the levels of a pyramid after the first in a store."""
    tiles = sum(prod(pyramid.grid(level)) for level in range(1, pyramid.levels))
    return tiles * pyramid.planes * (2 * EDGE * EDGE + 4)


def write_overviews(store: Store, result: StoredResult, check: Callable[[], None] = lambda: None) -> None:
    """Write the smaller levels of a result that are not there yet; ``check`` may raise. One writer at a time may.

    Each sample is the rounded mean of four of the level before. Damaged when the result is.
    """
    if has_overviews(store, result):
        return
    sweep_store(store, [f"overviews/{result.key}"])
    levels = _Levels(store, result)
    access, planes = Access(store), levels.pyramid.planes

    def read(region: Region) -> np.ndarray:
        check()
        return access.read(result.path, [(0, planes)], region)

    for tile, samples in pyramid_tiles(levels.pyramid, read, levels):
        if tile.level:
            levels.write(tile, samples)
    group = {"zarr_format": 3, "node_type": "group", "attributes": {"imfuse_tiles": {"complete": True}}}
    write_json(store.files, _group(result), group)


class _Levels:
    """The smaller levels of a result in a store, of which some chunks may be there."""

    def __init__(self, store: Store, result: StoredResult) -> None:
        self.pyramid = pyramid_of(result)
        self.arrays: dict[int, ChunkedArray] = {}
        for level in range(1, self.pyramid.levels):
            path, shape = _path(result, level), (self.pyramid.planes, *self.pyramid.size(level))
            try:
                found = store.arrays.open(path).shape == shape
            except Damaged:
                found = False
            if not found:
                store.arrays.create(path, shape, (1, EDGE, EDGE), "uint16", {})
            self.arrays[level] = store.arrays.open(path)

    def box(self, tile: TileIndex) -> list[tuple[int, int]]:
        """Start and stop of a tile in every dimension."""
        region = self.pyramid.region(tile)
        return [(0, self.pyramid.planes), (region.y0, region.y1), (region.x0, region.x1)]

    def has(self, tile: TileIndex) -> bool:
        array = self.arrays.get(tile.level)
        return array is not None and all(
            array.is_whole(array.chunk_size(index), index) for index in array.chunk_indices(self.box(tile))
        )

    def read(self, tile: TileIndex) -> np.ndarray:
        return self.arrays[tile.level].read(self.box(tile))

    def write(self, tile: TileIndex, samples: np.ndarray) -> None:
        """Write a tile's chunks."""
        self.arrays[tile.level].write(self.box(tile), samples)


def damaged_levels(store: Store, names: Iterable[str]) -> Iterator[Damaged]:
    """Every chunk of smaller levels that is not as it was written, by the names of all files of a store."""
    arrays: dict[str, ChunkedArray] = {}
    for name in names:
        parts = name.split("/")
        if parts[0] == "overviews" and len(parts) > 4 and parts[3] == "c":
            path = "/".join(parts[:3])
            try:
                array = arrays[path] = arrays.get(path) or store.arrays.open(path)
                array.decode_chunk(tuple(map(int, parts[4:])), store.files.read(name))
            except ValueError:
                yield Damaged(path, (), "not as it was written")
            except Damaged as damage:
                yield damage


def describe_store(store: Store, result: StoredResult) -> None:
    """Say in a store's metadata that it is an image of OME-Zarr: this result, with the levels that are complete."""
    paths = level_paths(store, result)
    sweep_store(store, (f"{path}/zarr.json" for path in paths))  # of a run that was killed here
    for path in paths:
        store.arrays.name_dimensions(path, ("c", "y", "x"))
    write_store_metadata(store.files, ome_attributes(store, result))


def ome_attributes(store: Store, result: StoredResult) -> dict[str, Any]:
    """The metadata of OME-Zarr 0.5 of a result in its store: levels, axes, channels with colours, size of a pixel."""
    height, width = result.frame
    picture = Picture(height, width, result.colours, "uint16", size=result.size)
    datasets = [{"path": path, "coordinateTransformations": transformations(picture, level)}
                for level, path in enumerate(level_paths(store, result))]  # fmt: skip
    image = {"name": result.options or result.key, "axes": axes(picture), "datasets": datasets, "type": "local mean"}
    shown = [channel(name, colour, number < result.colours, 65535)
             for number, (name, colour) in enumerate(_named_planes(result))]  # fmt: skip
    return {"version": "0.5", "multiscales": [image], "omero": {"channels": shown, "rdefs": {"model": "color"}}}


def publish_result(store: Store, key: str, resources: Resources, check: Callable[[], None]) -> None:
    """Describe a store as an image, of a result that a run has just finished; a large one gets its smaller levels.

    Those are left out where a run is to take little of the disk, and where hardly more than they take is free. What
    cannot be written is left out, too: the result is there without it.
    """
    result = find_result(store, key)
    with suppress(OSError):
        if _gets_levels(result.frame, store, resources) and free_bytes(store.folder) > 2 * overview_bytes(result):
            began, is_new = time.perf_counter(), not has_overviews(store, result)
            write_overviews(store, result, check)
            if is_new:
                note_export(LEVELS, overview_bytes(result), time.perf_counter() - began)
        describe_store(store, result)


def _path(result: StoredResult, level: int) -> str:
    return f"overviews/{result.key}/{level}"


def _group(result: StoredResult) -> str:
    return f"overviews/{result.key}/zarr.json"
