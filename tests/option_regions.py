"""What each kind of option makes of a region of one scene: masks, filtered masks, cuts and finished pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.geometry import Halo, Region, Window, tile_indices, tile_region
from imfuse_tiles.options.cuts import Cut, CutFilter
from imfuse_tiles.options.final_steps import FinalStep, Picture
from imfuse_tiles.options.grammar import REGISTRY, Option
from imfuse_tiles.options.mask_computation import raw_mask
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import MaskGenerator, WorkingSpace
from imfuse_tiles.options.option_parser import parse_arguments

FRAME = (97, 131)
EDGES = (16, 37, 64)
WHOLE = Region(0, FRAME[0], 0, FRAME[1])


def examples(kind: type[Option]) -> list[Option]:
    """Every example of every option of a kind."""
    return [
        parse_arguments(name, text)
        for name, each in REGISTRY.items()
        if issubclass(each, kind)
        for text in each.examples
    ]


def scene_samples() -> np.ndarray:
    """Three planes with soft and hard edges, noise, and areas of one value, float32 in 0..1."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[: FRAME[0], : FRAME[1]].astype(np.float32)
    planes = np.stack([np.sin(x / 7) * np.cos(y / 5), np.sin((x + y) / 11), np.cos(x * y / 900)]) / 2 + 0.5
    planes = planes * 0.8 + random.random((3, *FRAME)) * 0.2
    planes[:, 20:40, 30:70] = 0.25
    planes[:, 60:90, 100:] = np.array([1, 0, 0.5])[:, None, None]
    return np.clip(planes, 0, 1).astype(np.float32)


PLAIN = WorkingSpace()
SAMPLES = scene_samples()
IMAGE = SAMPLES[:, ::-1, ::-1].copy()
MASK = np.where(SAMPLES[0] > 0.75, 0, SAMPLES[1]).astype(np.float32)
STRONGEST = np.maximum(MASK, SAMPLES[2])
HARD = (MASK >= STRONGEST).astype(np.float32)


def window(samples: np.ndarray, region: Region) -> Window:
    """What a block is given: a copy of its part of the frame."""
    return Window(np.ascontiguousarray(samples[(..., *region.slices_in(WHOLE))]), region, FRAME)


def in_tiles(halo: Halo, compute: Callable[[Region], Window], edge: int) -> Iterator[tuple[Region, np.ndarray]]:
    """The result of every tile, each computed from its own window only."""
    for row, column in tile_indices(FRAME, edge):
        region = tile_region(FRAME, edge, row, column)
        yield region, compute(region.with_halo(halo, FRAME)).cropped(region).data


def assert_tiled_is_whole(halo: Halo, compute: Callable[[Region], Window]) -> None:
    whole = compute(WHOLE)
    assert whole.region == WHOLE, "a filter of the whole frame lost its border"
    for edge in EDGES:
        for region, tile in in_tiles(halo, compute, edge):
            expected = whole.cropped(region).data
            assert np.array_equal(tile, expected), f"tile {region} of edge {edge}: {np.abs(tile - expected).max()}"


def ids(ops: list[Option]) -> list[str]:
    return [str(op).removeprefix("--") for op in ops]


GENERATORS, FILTERS, CUTS, FINALS = (examples(kind) for kind in (MaskGenerator, MaskFilter, CutFilter, FinalStep))


def masked(op: Any, scene: WorkingSpace = PLAIN, planes: int = 3) -> Callable[[Region], Window]:
    def compute(region: Region) -> Window:
        image = None if op.I is None else window(IMAGE[:planes], region)
        return raw_mask(op, window(SAMPLES[:planes], region), scene, image)

    return compute


def filtered(op: Any) -> Callable[[Region], Window]:
    return lambda region: op.apply(window(MASK, region))


def cut(op: Any) -> Callable[[Region], Window]:
    def compute(region: Region) -> Window:
        alpha, mask, strongest, hard = (window(each, region) for each in (HARD * 0.75, MASK, STRONGEST, HARD))
        return op.apply(Cut(alpha, mask, strongest, hard)).alpha

    return compute


def picture(region: Region, planes: int = 3) -> Picture:
    image = np.concatenate([SAMPLES[:planes], STRONGEST[None]])
    depth = np.stack([SAMPLES[2], STRONGEST])
    return Picture(window(image, region), window(MASK, region), window(depth, region))


def finished(op: Any, planes: int = 3) -> Callable[[Region], Window]:
    """Everything a final step makes, as planes of one window."""
    numbers = measured(op, FRAME[1], planes) if getattr(op, "needs_measuring", False) else {}

    def compute(region: Region) -> Window:
        made = op.apply(picture(region, planes), numbers)
        kept = made.image.region
        parts = [made.image.data, made.mask.cropped(kept).data[None], made.depth.cropped(kept).data]
        return Window(np.concatenate(parts), kept, FRAME)

    return compute


def measured(op: Any, edge: int, planes: int = 3) -> dict[str, Any]:
    """The numbers of a final step, measured tile by tile and passed through JSON as the journal does."""
    reports = []
    for row, column in tile_indices(FRAME, edge):
        region = tile_region(FRAME, edge, row, column)
        around = region.with_halo(op.measure_halo(FRAME), FRAME)
        reports.append(json.loads(json.dumps(op.measure(picture(around, planes), region))))
    return json.loads(json.dumps(op.merge_measurements(reports)))


def run_on(op: Any, planes: np.ndarray) -> np.ndarray:
    seen = Window.whole(planes)
    return (
        raw_mask(op, seen, WorkingSpace()).data
        if isinstance(op, MaskGenerator)
        else op.apply(Window.whole(planes[0])).data
    )
