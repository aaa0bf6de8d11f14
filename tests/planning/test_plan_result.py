"""The last stages of a plan: what is written, measured and shared; and that tiles give what the whole gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from stacks import frames, ran, recipe_of, result, run, stack_of, whole

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.planning.plan import make_plan
from imfuse_tiles.storage.store import Store

SMALL = frames(5, shape=(150, 130))


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return stack_of(tmp_path / "in", SMALL)


def names(stack: Stack, text: str) -> list[str]:
    """The stages after the first montage."""
    found = [stage.name for stage in make_plan(recipe_of(text), stack).stages]
    return found[next(i for i, name in enumerate(found) if name.startswith("montage")) + 1 :]


def test_steps_that_need_no_numbers_run_as_the_result_is_made(stack: Stack) -> None:
    assert names(stack, "--wavelet --finalalpha --finalblur --finalgamma=2") == ["write result"]


def test_a_chain_is_cut_before_a_step_that_needs_numbers(stack: Stack) -> None:
    assert names(stack, "--wavelet --finalgamma") == ["measure finalgamma", "write result"]
    assert names(stack, "--wavelet --finalblur --finalgamma --finalalpha --finalsharpen") == [
        "finalblur", "measure finalgamma", "finalgamma finalalpha", "measure finalsharpen", "write result",
    ]  # fmt: skip


def test_each_substack_has_a_chain_of_its_own(stack: Stack) -> None:
    assert names(stack, "--wavelet --substacks=n1,N2 --substacks=n3,N5 --finalgamma") == [
        "measure finalgamma", "montage 3-5", "measure finalgamma", "write result",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "--wavelet --finalblur=s1 --finalgamma --finalsharpen=s2",
        "--wavelet --cutalpha --finalcmd=-auto-level --finalblur2=r3",
        "--wavelet --cutbg=background --cutalpha --substacks=n2,r1 --finalsharpen --bg=red",
    ],
)
@pytest.mark.parametrize("tile", [32, 64])
def test_tiles_give_what_the_whole_gives(stack: Stack, tmp_path: Path, text: str, tile: int) -> None:
    whole = ran(stack, recipe_of(text), tmp_path / "whole", tile=4096, workers=1, scheduler="sync")
    assert np.array_equal(ran(stack, recipe_of(text), tmp_path / "tiled", tile=tile), whole)


@pytest.mark.parametrize(
    "text",
    [
        "--wavelet --cutalpha --cutbg --finalblur=s2 --finalthreshold=t30,s1",
        "--wavelet --cutbg=background --cutalpha --substacks=n2,r1 --finalalpha --finalsharpen --bg=red",
        "--wavelet --cutwave --finalalpha=off --bg=wave",
        "--bg=mean",
    ],
)
def test_without_maps_the_picture_is_the_same_and_less_is_stored(stack: Stack, tmp_path: Path, text: str) -> None:
    whole = ran(stack, recipe_of(text), tmp_path / "whole")
    bare, store = make_plan(recipe_of(text), stack, maps=False), Store(str(tmp_path / "bare"))
    run(bare, store)
    assert np.array_equal(result(bare, store), whole[:-3])
    assert bare.identity == make_plan(recipe_of(text), stack).identity
    if (montages := store.folder / "montage").exists():
        planes = {store.arrays.open(f"montage/{path.name}").shape[0] for path in montages.iterdir() if path.is_dir()}
        assert planes == {stack.planes + 2 + (stack.planes + 1) * text.count("=background")}


def test_the_depth_in_the_store_is_not_rounded_but_the_picture_is(stack: Stack, tmp_path: Path) -> None:
    plan, store = make_plan(recipe_of("--wavelet --cutwave"), stack), Store(str(tmp_path / "store"))
    run(plan, store)
    (path,) = (stage.outputs[0].path for stage in plan.stages if stage.name == "montage")
    steps = whole(store, path).astype(float) * 65535
    off = abs(steps - np.rint(steps)).max(axis=(1, 2))
    assert (off[: stack.planes + 2] < 0.01).all()
    assert off[stack.planes + 2] > 0.1


def test_a_background_of_a_recipe_shares_the_masks_of_the_same_options(stack: Stack) -> None:
    alone, both = (
        [stage.key for stage in make_plan(recipe_of(f"--wavelet=p100 --cutwave=p100{more}"), stack, maps=False).stages]
        for more in ("", " --bg=wave")
    )
    alone = alone[:-1]
    assert set(alone) < set(both)
    assert len(both) == len(alone) + 2, "the recipe's final step and the result"


def test_changing_the_background_changes_no_mask(stack: Stack) -> None:
    plans = [make_plan(recipe_of(f"--wavelet --cutwave --bg={word}"), stack) for word in ("mean", "red", "wave")]
    masks = [[stage.key for stage in plan.stages if stage.name.startswith(("mask", "merge"))] for plan in plans]
    assert all(set(masks[0]) <= set(each) for each in masks)


# Files


def picture(folder: Path, name: str, samples: np.ndarray, **how: str) -> Path:
    tifffile.imwrite(folder / name, samples, **how)
    return folder / name


def test_a_file_is_a_background_with_its_opacity(stack: Stack, tmp_path: Path) -> None:
    samples = np.zeros((150, 130, 4), np.uint16)
    samples[..., 0], samples[:75, :, 3] = 40000, 65535
    path = picture(tmp_path, "ground.tif", samples, photometric="rgb", extrasamples="unassalpha")
    made = ran(stack, recipe_of(f"--bg=blue --bg={path}"), tmp_path / "store")
    assert np.array_equal(made[:4, 0, 0], [40000, 0, 0, 65535])
    assert np.array_equal(made[:4, 149, 0], [0, 0, 65535, 65535])


def test_a_grey_file_under_a_coloured_stack_and_the_other_way_round(stack: Stack, tmp_path: Path) -> None:
    grey = picture(tmp_path, "grey.tif", np.full((150, 130), 50, np.uint8))
    made = ran(stack, recipe_of(f"--bg={grey}"), tmp_path / "a")
    assert np.array_equal(made[:4, 7, 7], [50 * 257] * 3 + [65535])
    colour = picture(tmp_path, "colour.tif", np.full((150, 130, 3), (9, 8, 7), np.uint8), photometric="rgb")
    mono = stack_of(tmp_path / "mono", SMALL[:, :1])
    made = ran(mono, recipe_of(f"--bg={colour}"), tmp_path / "b")
    assert np.array_equal(made[:4, 7, 7], [9 * 257, 8 * 257, 7 * 257, 65535])


def test_a_file_of_another_size_is_refused_by_name(stack: Stack, tmp_path: Path) -> None:
    path = picture(tmp_path, "small.tif", np.zeros((10, 20), np.uint8))
    for option in (f"--bg={path}", f"--depthmap={path}"):
        with pytest.raises(Refusal, match=r"small.tif: is 20 x 10 pixels, the frames are 130 x 150"):
            make_plan(recipe_of(option), stack)


def test_the_content_of_a_file_decides_the_key_and_not_its_name(stack: Stack, tmp_path: Path) -> None:
    samples = np.full((150, 130), 7, np.uint8)
    paths = [picture(tmp_path, name, samples) for name in ("a.tif", "b.tif")]
    keys = {make_plan(recipe_of(f"--bg={path}"), stack).result.key for path in paths}
    assert len(keys) == 1
    picture(tmp_path, "b.tif", samples + np.uint8(1))
    assert make_plan(recipe_of(f"--bg={paths[1]}"), stack).result.key not in keys


def test_an_edited_depth_map_decides_which_slice_is_seen(stack: Stack, tmp_path: Path) -> None:
    depth = np.full((150, 130), round(65535 * 3 / 5), np.uint16)  # the second of five slices
    depth[:, 65:] = 0  # the last
    path = picture(tmp_path, "depth.tif", depth)
    made = ran(stack, recipe_of(f"--depthmap={path}"), tmp_path / "store")
    assert np.array_equal(made[:3, :, :65], SMALL[1][:, :, :65])
    assert np.array_equal(made[:3, :, 65:], SMALL[4][:, :, 65:])
    assert np.array_equal(made, ran(stack, recipe_of(f"--depthmap={path}"), tmp_path / "tiled", tile=32))
