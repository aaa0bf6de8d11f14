"""The fusion by local energy and its depth in tiles equal those of whole frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from focus_scenes import glints
from stacks import frames, ran, recipe_of, stack_of

from imfuse_tiles.reference import fused

TESTED_MODULES = ("stages.focus_depth",)


@pytest.mark.parametrize("tile", [32, 64, 100, 256, 1000])
def test_the_tile_size_changes_no_bit_of_picture_and_depth(tmp_path: Path, tile: int) -> None:
    recipe, stack = recipe_of("--bg=pyramid"), frames(3, 3, "uint8", (181, 243))
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=tile)
    assert np.array_equal(result, fused(recipe, stack, 255))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 200), (17, 16), (33, 70)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_frames_of_any_size_and_number_are_fused(tmp_path: Path, shape: tuple[int, int], count: int) -> None:
    recipe, stack = recipe_of("--bg=pyramid"), frames(count, 3, "uint16", shape)
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=16)
    assert np.array_equal(result, fused(recipe, stack, 65535))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("planes", [1, 3], ids=["grey", "colour"])
def test_every_kind_of_sample_is_fused(tmp_path: Path, dtype: str, planes: int) -> None:
    recipe, stack = recipe_of("--bg=pyramid"), frames(3, planes, dtype, (120, 90))
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=64)
    assert np.array_equal(result, fused(recipe, stack, {"uint8": 255, "float32": 1}[dtype]))


def test_an_image_to_compare_with_may_be_the_fusion(tmp_path: Path) -> None:
    recipe, stack = recipe_of("--statistic=I=pyramid --cutalpha"), frames(3, 3, "uint16", (90, 120))
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=64)
    assert np.array_equal(result, fused(recipe, stack, 65535))


@pytest.mark.parametrize("tile", [32, 100])
def test_highlights_change_with_no_tile(tmp_path: Path, tile: int) -> None:
    recipe, (stack, _) = recipe_of("--bg=pyramid"), glints()
    assert stack[2].max() == 65535
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=tile)
    assert np.array_equal(result, fused(recipe, stack, 65535))
