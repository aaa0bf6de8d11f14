"""What every option promises, tried on each of its examples: a tile gives the pixels of the whole, bit for bit.

A new option is picked up from the registry; nothing is to be added here for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from option_regions import (
    CUTS,
    EDGES,
    FILTERS,
    FINALS,
    FRAME,
    GENERATORS,
    MASK,
    SAMPLES,
    WHOLE,
    assert_tiled_is_whole,
    cut,
    filtered,
    finished,
    ids,
    masked,
    measured,
    window,
)

import imfuse_tiles.options  # noqa: F401  registers the options
from imfuse_tiles.geometry import Halo, Region, Window, tile_indices, tile_region
from imfuse_tiles.options.cuts import CutFilter
from imfuse_tiles.options.general import PrepResize
from imfuse_tiles.options.grammar import REGISTRY
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
