"""Transparent margins are cut off, so that no filter sees them; opaque frames with alpha stay as they were."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.margins import largest_rectangle
from imfuse_tiles.imageio.open_stack import open_stack
from imfuse_tiles.imageio.reading import open_frame, read_rows

SCENE = np.random.default_rng(5).integers(0, 65535, (40, 60, 3), np.uint16)


@pytest.fixture
def frame(tmp_path: Path):
    """Write a frame whose alpha is 0 outside rows and columns (top, bottom, left, right), as TIFF or PNG."""

    def write(name: str, covered=(0, 40, 0, 60), kind="unassalpha", alpha=65535, **how: object) -> Path:
        path, picture = tmp_path / name, np.zeros((40, 60, 4), np.uint16)
        top, bottom, left, right = covered
        picture[..., :3] = SCENE
        picture[top:bottom, left:right, 3] = alpha
        picture[picture[..., 3] == 0] = 0
        if path.suffix == ".png":
            path.write_bytes(imagecodecs.png_encode(picture))
        else:
            tifffile.imwrite(path, picture, photometric="rgb", extrasamples=[kind], **how)
        return path

    return write


@pytest.mark.parametrize("ending", ["tif", "png"])
def test_what_all_frames_cover_is_read_and_nothing_else(frame, ending):
    paths = [frame(f"a.{ending}", (3, 40, 0, 60)), frame(f"b.{ending}", (0, 38, 5, 51)), frame(f"c.{ending}")]
    stack = open_stack(paths)
    assert stack.frame == (35, 46)
    for header in stack.headers:
        with open_frame(header) as opened:
            bands = [opened.rows(y0, min(y0 + 9, 35)) for y0 in range(0, 35, 9)]
        assert np.array_equal(np.moveaxis(np.concatenate(bands, 1), 0, -1), SCENE[3:38, 5:51])
        assert bands[0].flags.c_contiguous
    assert stack.notices[0].startswith("transparent margins are cut off: all frames cover 46 x 35 of 60 x 40 pixels")
    whole = open_stack(paths, ignore_alpha=True)
    assert (whole.frame, whole.notices) == ((40, 60), ())
    assert whole.digest != stack.digest


def test_opaque_frames_with_alpha_are_as_without_looking(frame):
    paths = [frame("a.tif"), frame("b.png", alpha=30000)]
    stack, plain = open_stack(paths), open_stack(paths, ignore_alpha=True)
    assert (stack.headers, stack.digest, stack.notices) == (plain.headers, plain.digest, ())


def test_margins_of_turned_frames_are_cut_after_the_turn(frame):
    orientation = [(274, "H", 1, 6, True)]
    paths = [frame(f"{name}.tif", (10, 40, 0, 60), extratags=orientation) for name in "ab"]
    stack = open_stack(paths)
    assert stack.frame == (60, 30)
    upright = np.rot90(SCENE, -1)[:, :30]
    assert np.array_equal(np.moveaxis(read_rows(stack.headers[0], 7, 31), 0, -1), upright[7:31])


def test_half_transparent_borders_of_premultiplied_colours_are_margins(frame, tmp_path):
    picture = np.dstack([SCENE, np.full((40, 60), 65535, np.uint16)])
    picture[:, :4, 3] = 30000
    for kind, width in (("assocalpha", 56), ("unassalpha", 60)):
        tifffile.imwrite(tmp_path / "h.tif", picture, photometric="rgb", extrasamples=[kind])
        assert open_stack([tmp_path / "h.tif", frame("o.tif")]).frame == (40, width)


def test_other_transparency_is_refused_with_a_way_out(frame, tmp_path):
    with pytest.raises(Refusal, match=r"b\.tif: is wholly transparent; --ignore-alpha"):
        open_stack([frame("a.tif"), frame("b.tif", alpha=0)])
    with pytest.raises(Refusal, match="have only 17 % of their area in common"):
        open_stack([frame("a.tif", (0, 20, 0, 40)), frame("b.tif", (0, 40, 20, 40))])
    hole = np.dstack([SCENE, np.full((40, 60), 65535, np.uint16)])
    hole[20, 30, 3] = 0
    tifffile.imwrite(tmp_path / "b.tif", hole, photometric="rgb", extrasamples=["unassalpha"])
    with pytest.raises(Refusal, match=r"b\.tif: has transparent parts inside"):
        open_stack([frame("a.tif"), tmp_path / "b.tif"])
    assert len(open_stack([frame("a.tif"), tmp_path / "b.tif"], ignore_alpha=True)) == 2


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9))
def test_no_rectangle_is_larger(rows):
    left, right = np.array(rows).T
    top, bottom, x0, x1 = largest_rectangle(left, right)
    assert all(left[y] <= x0 and x1 <= right[y] for y in range(top, bottom))
    areas = [
        (y1 - y0) * max(0, right[y0:y1].min() - left[y0:y1].max())
        for y0 in range(len(rows))
        for y1 in range(y0 + 1, len(rows) + 1)
    ]
    assert (bottom - top) * (x1 - x0) == max(areas)
