"""Every run, however it is cut and wherever it is computed, equals the whole-frame reference bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stacks import frames, ran, recipe_of, stack_of

from imfuse_tiles.imageio.stack import FULL
from imfuse_tiles.planning import block_layout
from imfuse_tiles.reference import fuse
from imfuse_tiles.stages import masks, subtiles

#: Modules without a test file of their own name.
TESTED_MODULES = (
    "options.whole_frames.enfuse",
    "options.whole_frames.masks",
    "stages.final",
    "stages.ingest",
    "stages.masks",
    "stages.mask_levels",
    "stages.stored_frames",
    "stages.montage",
    "stages.stretched_masks",
    "stages.stack_statistics",
    "stages.access",
    "stages.stage",
    "stages.job",
    "stages.step_chain",
    "stages.subtiles",
)

DEFAULT = "--wavelet=p5 --maskwave=p100 --cutwave=p50"
RECIPES = [
    DEFAULT,
    "--wavelet --maskwave=p100 --cutless=p15 --cutwave=p100 --cutbg --cutalpha=p-25 --finalblur=s10,S2,t5",
    "--blur=s0.3,S0.6 --blur=s2,S3 --saturation=w25,level --maskwave=p5 --maskstat=r6,Mean --masklevel=t5 "
    "--cutless=p8 --cutmorph=r3,R1,Erode --cutbg=background --cutalpha --cutblur=s2 --bg=overlay",
    "--statistic --darkness=w10 --morphology=smooth,r2 --maskmorph=close,r2,R2 --finalthreshold=t30,s3 --bg=mean",
    "--prepresize=p50 --wavelet --maskblur=s2 --cutsoft --finalalpha=p-50,P150 --bg=#203040",
    "--colorspace=Lab --wavelet=c0 --statistic=I=max --masklevel=p10,P60 --maskmerge=overlay --bg=median",
    "--wavelet=t10,T90,clut=no --lightness=neg --substacks=n2,r1 --finalgamma --finalalpha --bg=black",
    "--bg=wave",
    "--bg=enfuse",
    "--enfuse=level --bg=enfuse,soft,exposure=50,saturation --cutthreshold",
    "--bg=pyramid",
    "--wavelet --cutless=p15 --cutalpha=p-25 --bg=mean --bg=pyramid,unordered,noise=0.4,overshoot=0",
    "--maskwave",
    "--fft --maskfft --cutthreshold --cutmax=p5",
]


@pytest.mark.parametrize("text", RECIPES)
def test_a_run_in_tiles_equals_the_reference(tmp_path: Path, text: str) -> None:
    recipe, stack = recipe_of(text), frames()
    expected = fuse(recipe, stack, 65535)
    assert np.array_equal(ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store"), expected)


@pytest.mark.parametrize("text", ["--wavelet=I=mean --maskwave=p100 --cutsoft --bg=pyramid", RECIPES[3]])
def test_masks_of_another_channel_equal_the_reference(tmp_path: Path, text: str) -> None:
    recipe, stack = recipe_of(text), frames()
    other = np.ascontiguousarray(stack[::-1, ::-1, :, ::-1])
    guided = replace(stack_of(tmp_path / "in", stack), guide=stack_of(tmp_path / "other", other))
    result = ran(guided, recipe, tmp_path / "store", tile=100)
    assert np.array_equal(result, fuse(recipe, stack, 65535, other))
    assert not np.array_equal(result, fuse(recipe, stack, 65535))


@pytest.mark.parametrize("tile", [64, 100, 256, 1000])
def test_the_tile_size_changes_no_bit(tmp_path: Path, tile: int) -> None:
    recipe, stack = recipe_of(RECIPES[1]), frames()
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=tile)
    assert np.array_equal(result, fuse(recipe, stack, 65535))


@pytest.mark.parametrize("how", [{"scheduler": "sync", "workers": 1}, {"workers": 1}, {"scheduler": "processes"},
                                 {"scheduler": "local", "tile": 256}], ids=str)  # fmt: skip
def test_where_blocks_are_computed_changes_no_bit(tmp_path: Path, how: dict[str, Any]) -> None:
    recipe, stack = recipe_of(RECIPES[2]), frames()
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", **how)
    assert np.array_equal(result, fuse(recipe, stack, 65535))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("planes", [1, 3], ids=["grey", "colour"])
def test_every_kind_of_sample_gives_the_result_of_the_reference(tmp_path: Path, dtype: str, planes: int) -> None:
    recipe, stack = recipe_of(RECIPES[1] + " --bg=wave --bg=#40302080"), frames(3, planes, dtype, (120, 90))
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=64)
    assert np.array_equal(result, fuse(recipe, stack, FULL[dtype]))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 200), (17, 16)], ids=str)
def test_frames_smaller_than_any_halo_give_the_result_of_the_reference(tmp_path: Path, shape: tuple[int, int]) -> None:
    recipe, stack = recipe_of(RECIPES[1]), frames(2, 3, "uint16", shape)
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store", tile=16)
    assert np.array_equal(result, fuse(recipe, stack, 65535))


def test_one_slice_alone_is_its_own_result(tmp_path: Path) -> None:
    recipe, stack = recipe_of("--wavelet --finalalpha=off"), frames(1, shape=(60, 50))
    result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / "store")
    assert np.array_equal(result, fuse(recipe, stack, 65535))
    seen = result[4] > 0
    assert np.array_equal(result[:3, seen], stack[0][:, seen])


@pytest.mark.parametrize("text", [RECIPES[1], "--statistic=I=max --blur=s0.3,S0.6 --maskblur=s2 --maskstat=r6,Mean"])
def test_going_through_blocks_part_by_part_changes_no_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    recipe, stack = recipe_of(text), frames(3, shape=(150, 130))
    for module in (block_layout, subtiles):
        monkeypatch.setattr(module, "CHUNK", 32)
    for least in (1, 2):
        monkeypatch.setitem(masks.PORTION, "least", least)
        monkeypatch.setitem(masks.PORTION, "halos", 0)
        result = ran(stack_of(tmp_path / "in", stack), recipe, tmp_path / f"store{least}", tile=130)
        assert np.array_equal(result, fuse(recipe, stack, 65535))
