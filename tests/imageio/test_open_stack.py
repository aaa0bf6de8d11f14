"""A stack from names: its order, and which of the files are frames."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from imfuse_tiles import __version__
from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.find_stacks import find_stacks
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.stack import Stack
from imfuse_tiles.imageio.writing import Picture, write_picture
from imfuse_tiles.imageio.writing.files import write_tiled
from imfuse_tiles.simulation import render

#: Modules without a test file of their own name.
TESTED_MODULES = ("imageio.reading.detect", "imageio.reading.header", "imageio.stack")

PIXELS = np.random.default_rng(3).integers(0, 255, (20, 30, 3), np.uint8)


@pytest.fixture
def frame(tmp_path: Path):
    """Write a frame under a name."""

    def write(name: str) -> Path:
        tifffile.imwrite(tmp_path / name, PIXELS, photometric="rgb")
        return tmp_path / name

    return write


@pytest.fixture
def own(tmp_path: Path):
    """Write a result of the program under a name."""

    def write(name: str) -> Path:
        picture = Picture(20, 30, 3, "uint8", "--wavelet", f"imfuse-tiles v{__version__}")
        write_picture(tmp_path / name, picture, [PIXELS])
        return tmp_path / name

    return write


def names(stack: Stack) -> list[str]:
    return [header.path.name for header in stack.headers]


@pytest.mark.parametrize("ending", ["tif", "png", "jpg"])
def test_own_results_among_frames_are_left_out_with_a_line(frame, own, ending):
    paths = [frame("b.tif"), own(f"a.{ending}"), frame("c.tif")]
    stack = open_stack(paths)
    assert names(stack) == ["b.tif", "c.tif"]
    assert stack.notices == (
        f"{paths[1]}: is a result of this program and left out; --include-results takes them for frames",
    )
    assert names(open_stack(paths, include_results=True)) == [f"a.{ending}", "b.tif", "c.tif"]
    assert stack.digest == open_stack([paths[0], paths[2]]).digest


def test_results_alone_are_frames(own):
    stack = open_stack([own("a.tif"), own("b.tif")])
    assert (names(stack), stack.notices) == (["a.tif", "b.tif"], ())


def test_results_that_are_folders_are_left_out(frame, tmp_path):
    picture = Picture(20, 30, 3, "uint8", "--wavelet", f"imfuse-tiles v{__version__}")
    planes = np.moveaxis(PIXELS, -1, 0)
    for name, version in (("a.ome.zarr", "0.5"), ("b.ome.zarr", "0.4"), ("c.dzi", "0.5")):
        write_tiled(tmp_path / name, picture, lambda _: planes, "a", version=version)
    paths = [frame("x.tif"), frame("y.tif"), *tmp_path.glob("*.zarr"), tmp_path / "c.dzi", tmp_path / "c_files"]
    stack = open_stack(paths)
    assert names(stack) == ["x.tif", "y.tif"]
    assert stack.notices[0] == "left out: c.dzi, c_files, deep zoom pictures"
    assert stack.notices[1].endswith(
        "are results of this program and left out; --include-results takes them for frames"
    )
    with pytest.raises(Refusal, match=r"c\.dzi: is no image"):
        open_stack([tmp_path / "c.dzi"])


@pytest.mark.parametrize("count", [2, 3])
def test_files_that_are_copies_are_told(count, tmp_path):
    picture = np.random.default_rng(1).integers(0, 255, (120, 100, 3), np.uint8)
    for number in range(count):
        tifffile.imwrite(tmp_path / f"{number}.tif", picture, photometric="rgb")
    tifffile.imwrite(tmp_path / "other.tif", picture[::-1], photometric="rgb")
    stack = open_stack(sorted(tmp_path.glob("*.tif")))
    more = "" if count == 2 else ", and 1 more are copies"
    start, first = tmp_path / "1.tif", tmp_path / "0.tif"
    assert stack.notices == (f"{start} is a copy of {first}{more}; each counts as a frame",)


def test_of_large_files_only_places_are_compared(tmp_path):
    for name, size in (("a.tif", (30000, 32000, 3)), ("b.tif", (30000, 32000, 3)), ("c.tif", (2000, 3000, 3))):
        tifffile.imwrite(tmp_path / name, shape=size, dtype=np.uint8, photometric="rgb")  # holes
    picture = tifffile.memmap(tmp_path / "c.tif", mode="r+")
    picture[:] = np.random.default_rng(1).integers(0, 255, (2000, 3000, 1), np.uint8)
    (tmp_path / "d.tif").write_bytes((tmp_path / "c.tif").read_bytes())
    picture[990:1010] = 1
    picture.flush()
    began = time.process_time()
    assert open_stack([tmp_path / "a.tif", tmp_path / "b.tif"]).notices == (
        f"{tmp_path / 'b.tif'} looks like a copy (the same bytes in 100 places) of {tmp_path / 'a.tif'}; "
        "each counts as a frame",
    )
    assert time.process_time() - began < 1
    assert not open_stack([tmp_path / "c.tif", tmp_path / "d.tif"]).notices


def test_what_is_no_result_stays(frame, tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "b.png")
    tifffile.imwrite(tmp_path / "c.tif", PIXELS, photometric="rgb", software="imfuse-tiles simulate")
    assert len(open_stack([frame("a.tif"), tmp_path / "b.png", tmp_path / "c.tif"])) == 3


def test_a_rendered_folder_is_its_frames(tmp_path):
    """Truth and depth lie beside them, and one of them looks like a frame."""
    folder = render(tmp_path / "scene", 60, 40, 3, 1)
    everything = sorted(folder.glob("*.tif"))
    stack = open_stack([folder])
    assert names(stack) == ["slice_0000.tif", "slice_0001.tif", "slice_0002.tif"]
    assert stack.notices[-1:] == (
        f"{folder / 'depth.tif'}, {folder / 'truth.tif'}: are the truth of a rendered stack and left out; "
        "--include-results takes them for frames",
    )
    assert names(open_stack(everything)) == names(stack)
    assert len(open_stack([folder / "slice_0000.tif", folder / "truth.tif"], include_results=True)) == 2
    assert [[path.name for path in found.images] for found in find_stacks([tmp_path])] == [names(stack)]


def test_the_order_given_is_kept_if_it_is_asked_for(frame):
    paths = [frame(name) for name in ("9.tif", "10.tif", "1.tif")]
    assert names(open_stack(paths)) == ["1.tif", "9.tif", "10.tif"]
    assert names(open_stack(paths, order="given")) == ["9.tif", "10.tif", "1.tif"]
    assert names(open_stack(paths, revert=True, order="given")) == ["1.tif", "10.tif", "9.tif"]
    with pytest.raises(Refusal, match="--order time: allowed is name or given"):
        open_stack(paths, order="time")


def test_a_counter_that_begins_again_goes_on(frame):
    paths = [frame(f"DSC_{number}.tif") for number in ("0001", "0002", "9998", "9999")]
    stack = open_stack(paths)
    assert names(stack) == ["DSC_9998.tif", "DSC_9999.tif", "DSC_0001.tif", "DSC_0002.tif"]
    assert stack.notices == (
        f"the counter in the names began again: {paths[0]} comes after {paths[3]}; see --order=given",
    )
    assert names(open_stack(paths, order="given")) == [path.name for path in paths]
