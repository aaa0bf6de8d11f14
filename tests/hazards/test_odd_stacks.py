"""Stacks at the edge of what there is: one pixel, one row, one slice, one grey, all black; smaller than every halo."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.alignment import load_alignment
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.options.config_files import load_preset
from imfuse_tiles.options.cuts import CutFilter
from imfuse_tiles.options.grammar import REGISTRY, Option
from imfuse_tiles.options.mask_filters import MaskFilter
from imfuse_tiles.options.mask_generator import MaskGenerator
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.stages.strokes import load_strokes
from imfuse_tiles.storage.store import Store
from tests.stacks import recipe_of, run, stack_of

LEFT_OUT = {"depthmap"}  # needs a file


def all_of(kind: type[Option]) -> str:
    return " ".join(f"--{name}" for name, each in sorted(REGISTRY.items())
                    if issubclass(each, kind) and name not in LEFT_OUT | {"cutless"})  # fmt: skip


RECIPES = {
    "generators": " ".join(f"{each}=w2" for each in all_of(MaskGenerator).split()),
    "filters": f"--wavelet {all_of(MaskFilter)}",
    "cuts": f"--wavelet --cutless {all_of(CutFilter)}",
    "rest": "--prepresize --colorspace=Lab --fft=w50 --darkness --masklevel=t0 --finalblur --finalsharpen --bg=median",
}
#: slices, height, width, planes, number type, what the samples are
STACKS = [
    (1, 1, 1, 3, "uint8", "noise"), (2, 1, 40, 3, "uint16", "noise"), (2, 40, 1, 1, "uint8", "noise"),
    (2, 3, 5, 1, "uint16", "noise"), (1, 17, 9, 3, "uint8", "noise"), (3, 20, 22, 3, "uint8", "even"),
    (2, 20, 22, 3, "uint16", "black"), (3, 13, 11, 1, "float32", "noise"),
]  # fmt: skip


def made(slices: int, height: int, width: int, planes: int, dtype: str, kind: str) -> np.ndarray:
    noise = np.random.default_rng(2).random((slices, planes, height, width))
    values = {"noise": noise, "even": np.full_like(noise, 1 / 3), "black": np.zeros_like(noise)}[kind]
    return values.astype(np.float32) if dtype == "float32" else np.rint(values * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("stack", STACKS, ids=lambda each: "-".join(map(str, each)))
def test_an_odd_stack_is_fused_to_the_same_result_in_any_tiles(
    stack: tuple[int, int, int, int, str, str], recipe: str, tmp_path: Path
) -> None:
    opened = stack_of(tmp_path / "in", made(*stack))
    plan = make_plan(recipe_of(RECIPES[recipe]), opened)
    results = []
    for tile in (16, 512):
        store = Store(str(tmp_path / f"store{tile}"))
        run(plan, store, tile=tile, scheduler="sync")
        path = plan.result.outputs[0].path
        shape = plan.result.outputs[0].shape(opened.frame, 1)
        results.append(store.arrays.open(path).read([(0, size) for size in shape]))
    assert results[0].shape[-2:] == opened.frame
    assert np.array_equal(*results)


@pytest.mark.parametrize("text", ['{"shape":' + "[" * 60_000, '{"shape": [1e999], "axes": "Z"}', '{"shape": [[]]}'])
def test_a_description_nested_without_end_is_none(text: str, tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / name, np.zeros((9, 8), np.uint8), description=text, metadata=None)
    assert len(open_stack([str(tmp_path)])) == 2
    assert len(open_stack([str(tmp_path / "a.tif")])) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_fifos_and_endless_nesting_in_place_of_files_of_json_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "nested").write_text("[" * 100_000)
    (tmp_path / "nested.toml").write_text("options = " + "[" * 100_000)
    for name in ("fifo", "nested"):
        for load in (load_alignment, load_strokes):
            with pytest.raises(Refusal, match=name):
                load(tmp_path / name)
    with pytest.raises(Refusal, match=r"nested\.toml"):
        load_preset(str(tmp_path / "nested.toml"))
