"""Frames with transparent margins: no tile changes a bit, margins leave no rim, and what no frame covers is clear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from focus_scenes import focused
from scipy.ndimage import distance_transform_edt
from stacks import frames, ran, recipe_of, stack_of

from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import open_frame
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.reference import fuse

RECIPES = (
    "--bg=pyramid",
    "--wavelet=p100 --cutwave=p100 --bg=mean",
    "--wavelet --maskblur=s2 --cutless=p15 --cutblur=s2 --bg=enfuse",
    "--lightness --fft --finalalpha=p30 --bg=median --bg=enfuse,soft,contrast=0,exposure",
    "--prepresize=p50 --statistic=I=mean --finalblur=s1 --bg=overlay --bg=rms",
)


def margins(count: int, size: tuple[int, int]) -> np.ndarray:
    """Where slices have a picture, bool (z, y, x): moved and turned frames, and a hole in one."""
    random, covered = np.random.default_rng(1), []
    y, x = np.mgrid[: size[0], : size[1]]
    for _ in range(count):
        turn, (top, left) = random.uniform(-0.06, 0.06), random.uniform(-14, 14, 2)
        row, column = y + turn * (x - size[1] / 2) - top, x - turn * (y - size[0] / 2) - left
        covered.append((row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1]))
    covered[0][size[0] // 2 : size[0] // 2 + 9, 40:60] = False
    return np.stack(covered)


def partly(folder: Path, stack: np.ndarray, covered: np.ndarray) -> Stack:
    """A stack of TIFF files that are black and transparent where they are not covered."""
    folder.mkdir()
    full = 1 if stack.dtype == np.float32 else np.iinfo(stack.dtype).max
    for z, (planes, shown) in enumerate(zip(stack, covered, strict=True)):
        picture = np.concatenate([planes * shown, (shown * full)[None]]).astype(stack.dtype)
        photometric = "rgb" if len(planes) == 3 else "minisblack"
        tifffile.imwrite(folder / f"s{z:02}.tif", np.moveaxis(picture, 0, -1), photometric=photometric,
                         extrasamples=["unassalpha"], planarconfig="contig")  # fmt: skip
    return open_stack(sorted(folder.glob("s*.tif")))


def frames_as_read(stack: Stack) -> np.ndarray:
    """The samples of a stack (slices, planes, y, x), with the nearest ones in the place of what is no picture."""
    slices = []
    for header in stack.headers:
        with open_frame(header) as frame:
            slices.append(frame.rows(0, stack.frame[0])[: stack.planes])
    return np.stack(slices)


@pytest.mark.parametrize("text", RECIPES)
def test_no_tile_changes_a_bit_and_what_no_frame_covers_is_clear(tmp_path: Path, text: str) -> None:
    stack = focused(4, (110, 150), noise=0.01)[0]
    covered = margins(4, stack.shape[2:])
    opened = partly(tmp_path / "in", stack, covered)
    whole = ran(opened, recipe_of(text), tmp_path / "whole", tile=4096, workers=1)
    for tile in (33, 64):
        assert np.array_equal(ran(opened, recipe_of(text), tmp_path / str(tile), tile=tile), whole)
    assert np.array_equal(whole[3] == 65535, covered.any(axis=0))
    assert not whole[3, ~covered.any(axis=0)].any()
    assert not whole[-1, ~covered.any(axis=0)].any()
    if "pyramid" not in text:
        assert np.array_equal(whole, fuse(recipe_of(text), frames_as_read(opened), 65535, coverage=covered))


@pytest.mark.parametrize(("dtype", "planes", "count"), [("uint8", 1, 2), ("float32", 3, 3)])
def test_every_kind_of_sample_has_coverage(tmp_path: Path, dtype: str, planes: int, count: int) -> None:
    stack = frames(count, planes, dtype, (90, 120))
    covered = margins(count, (90, 120))
    opened, recipe = partly(tmp_path / "in", stack, covered), recipe_of("--wavelet --bg=pyramid --bg=enfuse --bg=max")
    whole = ran(opened, recipe, tmp_path / "whole", tile=4096)
    assert np.array_equal(ran(opened, recipe, tmp_path / "tiles", tile=32), whole)
    assert np.array_equal(whole[planes] == 65535, covered.any(axis=0))


def test_margins_common_to_all_frames_are_as_the_border_of_smaller_frames(tmp_path: Path) -> None:
    stack, recipe = frames(3, 3, "uint16", (140, 160)), recipe_of("--blur --sobel --cutless=p15 --bg=mean")
    covered = np.zeros((3, 140, 160), bool)
    covered[:, 10:130, 20:150] = True
    inner = ran(partly(tmp_path / "in", stack, covered), recipe, tmp_path / "a")[:, 10:130, 20:150]
    cropped = ran(stack_of(tmp_path / "cropped", stack[:, :, 10:130, 20:150]), recipe, tmp_path / "b")
    assert np.array_equal(inner, cropped)


def test_margins_are_seen_by_no_pixel_far_from_them_and_leave_no_rim(tmp_path: Path) -> None:
    stack, truth, _ = focused(4, (200, 240), noise=0.005)
    sharp = np.rint(truth * 65535).astype(np.uint16)
    stack = np.concatenate([stack, sharp[None]])  # one frame shows all, so that every margin could be hidden
    covered = margins(5, (200, 240))
    covered[4] = True
    recipe = recipe_of("--bg=pyramid,noise=0.5")
    result = ran(partly(tmp_path / "in", stack, covered), recipe, tmp_path / "a")
    opaque = ran(stack_of(tmp_path / "whole", stack), recipe, tmp_path / "b")
    far = distance_transform_edt(covered.all(axis=0)) > 40
    assert far.any()
    assert np.abs(result[:3, far].astype(int) - opaque[:3, far]).max() < 20
    assert np.abs(result[:3] / 65535 - truth).max() < 0.05
    assert (result[3] == 65535).all()
