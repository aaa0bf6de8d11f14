"""What every option promises, tried on each of its examples: a tile gives the pixels of the whole, bit for bit.

A new option is picked up from the registry; nothing is to be added here for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.geometry import Halo, Region, Window, tile_indices, tile_region
from imfuse_tiles.options.cuts import Cut, CutFilter
from imfuse_tiles.options.final_steps import FinalStep, Picture
from imfuse_tiles.options.general import PrepResize
from imfuse_tiles.options.grammar import REGISTRY, Option
from imfuse_tiles.options.mask_computation import raw_mask
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import MaskGenerator, WorkingSpace
from imfuse_tiles.options.option_parser import parse_arguments

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "options.custom_commands",
    "options.cuts",
    "options.general",
    "options.mask_channels",
    "options.mask_comparisons",
    "options.mask_contrast",
    "options.mask_edges",
    "options.mask_fourier",
    "options.mask_merging",
    "options.mask_resize",
    "options.shared_filters",
)

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


# What each kind of option makes of a region


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


# Tiled is whole


@pytest.mark.parametrize("op", GENERATORS, ids=ids(GENERATORS))
def test_a_mask_made_in_tiles_is_the_mask_of_the_frame(op: MaskGenerator) -> None:
    if op.whole_frame:
        with pytest.raises(ValueError, match="whole frame"):
            masked(op)(Region(0, 16, 0, 16))
        return
    assert_tiled_is_whole(op.halo(FRAME), masked(op))


@pytest.mark.parametrize("scene", [WorkingSpace(), WorkingSpace("Lab"), WorkingSpace("HSL", 2)], ids=str)
@pytest.mark.parametrize("text", ["p5", "p20,I=overlay", "C=CMYK", "C=HCL,diff=no", "C=Lab,c0,neg", "p5,P50,C=Gray"])
def test_a_mask_in_any_colour_space_made_in_tiles_is_the_mask_of_the_frame(text: str, scene: WorkingSpace) -> None:
    op: Any = parse_arguments("wavelet", text)
    for planes in (1, 3):
        assert_tiled_is_whole(op.halo(FRAME), masked(op, scene, planes))


@pytest.mark.parametrize("text", PrepResize.examples)
def test_a_frame_made_smaller_in_tiles_and_restored_in_tiles_is_the_whole_one(text: str) -> None:
    op: Any = parse_arguments("prepresize", text)
    small = op.size(FRAME)
    reduced = op.to_mask_size(lambda part: window(SAMPLES, part).data, FRAME, Region(0, small[0], 0, small[1]))
    restored = op.to_frame_size(lambda part: reduced.cropped(part).data, FRAME, WHOLE)
    for edge in EDGES:
        for place in tile_indices(small, edge):
            region = tile_region(small, edge, *place)
            tile = op.to_mask_size(lambda part: window(SAMPLES, part).data, FRAME, region)
            assert np.array_equal(tile.data, reduced.cropped(region).data)
        for place in tile_indices(FRAME, edge):
            region = tile_region(FRAME, edge, *place)
            tile = op.to_frame_size(lambda part: reduced.cropped(part).data, FRAME, region)
            assert np.array_equal(tile.data, restored.cropped(region).data)


@pytest.mark.parametrize("op", FILTERS, ids=ids(FILTERS))
def test_a_mask_filtered_in_tiles_is_the_filtered_mask(op: MaskFilter) -> None:
    if op.whole_frame:
        with pytest.raises(ValueError, match="whole frame"):
            filtered(op)(Region(0, 16, 0, 16))
        return
    assert_tiled_is_whole(op.halo(FRAME), filtered(op))


@pytest.mark.parametrize("op", CUTS, ids=ids(CUTS))
def test_a_cut_filtered_in_tiles_is_the_filtered_cut(op: CutFilter) -> None:
    assert_tiled_is_whole(op.halo(FRAME), cut(op))


@pytest.mark.parametrize("op", FINALS, ids=ids(FINALS))
@pytest.mark.parametrize("planes", [1, 3], ids=["grey", "colour"])
def test_a_picture_finished_in_tiles_is_the_finished_picture(op: Any, planes: int) -> None:
    assert_tiled_is_whole(op.halo(FRAME), finished(op, planes))


@pytest.mark.parametrize("op", [op for op in FINALS if getattr(op, "needs_measuring", False)], ids=lambda op: str(op))
def test_numbers_of_a_picture_do_not_depend_on_the_tiles(op: Any) -> None:
    whole = measured(op, max(FRAME))
    assert whole
    assert all(measured(op, edge) == whole for edge in EDGES)


# A halo is enough, and needed


def reach_of(halo: Halo, compute: Callable[[], np.ndarray], samples: np.ndarray) -> tuple[bool, bool]:
    """Whether a pixel near the middle changes by other samples outside the halo, and by others inside."""
    y, x = FRAME[0] // 2 - 3, FRAME[1] // 2 - 4
    inside = np.zeros(FRAME, bool)
    inside[y - halo.top : y + halo.bottom + 1, x - halo.left : x + halo.right + 1] = True
    before, kept = compute()[..., y, x].copy(), samples.copy()

    def changes(where: np.ndarray, seed: int) -> bool:
        other = np.random.default_rng(seed).random(samples.shape, np.float32)
        samples[:] = np.where(where, other, kept)
        changed = not np.array_equal(compute()[..., y, x], before)
        samples[:] = kept
        return changed

    return changes(~inside, 0), any(changes(inside, seed) for seed in range(9))


def near(ops: list[Any]) -> list[Any]:
    """Those whose halo leaves something of the frame outside."""
    return [op for op in ops if not op.whole_frame and op.halo(FRAME).radius < min(FRAME) // 2 - 4]


NEAR_GENERATORS, NEAR_FILTERS = near(GENERATORS), near(FILTERS)


@pytest.mark.parametrize("op", NEAR_GENERATORS, ids=ids(NEAR_GENERATORS))
def test_a_mask_does_not_look_beyond_its_halo(op: MaskGenerator) -> None:
    beyond, within = reach_of(op.halo(FRAME), lambda: masked(op)(WHOLE).data, SAMPLES)
    assert (beyond, within) == (False, True)


@pytest.mark.parametrize("op", NEAR_FILTERS, ids=ids(NEAR_FILTERS))
def test_a_mask_filter_does_not_look_beyond_its_halo(op: MaskFilter) -> None:
    beyond, within = reach_of(op.halo(FRAME), lambda: filtered(op)(WHOLE).data, MASK)
    assert (beyond, within) == (False, True)


IMPULSES = ["blur=s1,S2", "blur=s2,S5,gaussian", "maskblur=s3", "maskblur=r7,s2", "maskmorph=dilate,r2,R2",
            "maskmorph=dilate,r3,Square", "maskstat=maximum,r5", "maskstat=maximum,r6", "statistic=r4,maximum",
            "maskwave=p10000", "laplacian=n19", "laplacian=n1", "maskenhance"]  # fmt: skip


@pytest.mark.parametrize("text", IMPULSES)
def test_an_impulse_reaches_as_far_as_the_halo_says_and_no_further(text: str) -> None:
    """Seen from the impulse, a pixel above it has it in its lower halo."""
    name, _, arguments = text.partition("=")
    op: Any = parse_arguments(name, arguments)
    halo = op.halo((1000, 1000))
    size = 2 * halo.radius + 41
    plane = np.full((1, size, size), 0.5, np.float32)
    flat = run_on(op, plane)
    plane[0, size // 2, size // 2] = 0.55
    rows, columns = np.nonzero(run_on(op, plane) != flat)
    middle = size // 2
    assert (middle - rows.min(), rows.max() - middle) == (halo.bottom, halo.top)
    assert (middle - columns.min(), columns.max() - middle) == (halo.right, halo.left)


def run_on(op: Any, planes: np.ndarray) -> np.ndarray:
    seen = Window.whole(planes)
    return (
        raw_mask(op, seen, WorkingSpace()).data
        if isinstance(op, MaskGenerator)
        else op.apply(Window.whole(planes[0])).data
    )


# Chains


def test_a_chain_of_all_local_mask_filters_is_exact_with_the_sum_of_their_halos() -> None:
    chain = [op for op in (parse_arguments(name, "") for name, kind in REGISTRY.items() if issubclass(kind, MaskFilter))
             if not op.whole_frame and op.name != "maskcmd"]  # type: ignore[attr-defined]  # fmt: skip
    halo = Halo()
    for op in chain:
        halo = halo.plus(op.halo(FRAME))  # type: ignore[attr-defined]

    def compute(region: Region) -> Window:
        x = window(MASK, region)
        for op in chain:
            x = op.apply(x)  # type: ignore[attr-defined]
        return x

    assert len(chain) >= 4
    assert_tiled_is_whole(halo, compute)


# Values


@pytest.mark.parametrize("op", [*GENERATORS], ids=ids(GENERATORS))
def test_a_mask_is_one_finite_float32_plane_whatever_the_frame(op: MaskGenerator) -> None:
    for samples in (SAMPLES, SAMPLES[:1], np.zeros((3, 5, 3), np.float32), np.ones((1, 1, 1), np.float32)):
        samples = np.ascontiguousarray(samples)
        image = None if op.I is None else Window.whole(samples[..., ::-1].copy())
        mask = raw_mask(op, Window.whole(samples), WorkingSpace(), image).data
        assert mask.shape == samples.shape[1:]
        assert mask.dtype == np.float32
        assert np.isfinite(mask).all()


@pytest.mark.parametrize("op", [*FILTERS], ids=ids(FILTERS))
def test_a_filtered_mask_is_one_finite_float32_plane_whatever_the_frame(op: MaskFilter) -> None:
    for mask in (MASK, np.zeros((5, 3), np.float32), np.ones((1, 1), np.float32)):
        made = op.apply(Window.whole(mask)).data
        assert made.shape == mask.shape
        assert made.dtype == np.float32
        assert np.isfinite(made).all()


@pytest.mark.parametrize("kind", REGISTRY.values(), ids=REGISTRY)
def test_a_halo_depends_on_nothing_but_the_option_and_the_frame(kind: type[Option]) -> None:
    for text in kind.examples:
        op: Any = parse_arguments(kind.name, text)
        if not hasattr(op, "halo"):
            continue
        for frame in ((1, 1), FRAME, (40000, 30000)):
            halo = op.halo(frame)
            assert isinstance(halo, Halo)
            assert min(halo) >= 0
            assert halo == parse_arguments(kind.name, text).halo(frame)  # type: ignore[attr-defined]
